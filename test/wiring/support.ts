import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { I2cTwin, SystemFiles, TwinDefinition } from '../../drivers/contract/index.js';
import { HalError } from '../../drivers/contract/index.js';
import type { SurveyDeps } from '../../runtime/board/index.js';
import { createWorld, registry, serveTwins, surveyWiring, wiringLine } from '../../runtime/board/index.js';
import type { NodeConfig, PartConfig } from '../../runtime/config/types.js';
import { MemoryTwin, partConfig, realClock, seeded, testDeps } from '../board/fixture.js';

/** The lines of a survey, each fault once. */
export async function linesOf(
  config: NodeConfig,
  more: Partial<SurveyDeps> = {},
): Promise<readonly string[]> {
  const { faults } = await surveyWiring(config, { ...testDeps(), files: noFiles, ...more });
  return faults.map(wiringLine);
}

export function driver(id: string): PartConfig['driver'] {
  return registry.drivers.find((candidate) => candidate.id === id)!;
}

export function onI2c(id: string, driverId: string, bus: string, address: number): PartConfig {
  return partConfig(id, driver(driverId), { kind: 'i2c', bus, address });
}

export function i2cTwin(id: string): I2cTwin {
  return twinDefinition(id).create(seeded(1)) as I2cTwin;
}

export function twinDefinition(id: string): TwinDefinition {
  return registry.twins.find((candidate) => candidate.id === id)!;
}

/** A part that answers to everything, with one register set: another chip's id. */
export function chip(register: number, value: number): MemoryTwin {
  const twin = new MemoryTwin();
  twin.memory[register] = value;
  return twin;
}

/** Buses of a twin board, whose twins are wired as the test likes, not as the node file says. */
export async function wiredBuses(
  t: TestContext,
  buses: Readonly<Record<string, Readonly<Record<number, I2cTwin>>>>,
  timeoutMs = 2000,
): Promise<Readonly<Record<string, NodeConfig['board']['i2c'][string]>>> {
  const folder = mkdtempSync(join(tmpdir(), 'cairn-wiring-'));
  const worldAt = createWorld(1, 0n);
  const pins: Readonly<Record<string, readonly number[]>> = { 'i2c-1': [3, 5], 'i2c-2': [27, 28] };
  const entries: [string, NodeConfig['board']['i2c'][string]][] = [];
  for (const [name, twins] of Object.entries(buses)) {
    const path = join(folder, name);
    const byAddress = new Map(Object.entries(twins).map(([address, twin]) => [Number(address), twin]));
    const world = () => worldAt(realClock.nowNs());
    const served = await serveTwins(path, byAddress, world, { random: seeded(1), clock: realClock });
    t.after(() => served.close());
    entries.push([name, { device: `unix:${path}`, pins: pins[name] ?? [], timeoutMs }]);
  }
  t.after(() => rmSync(folder, { recursive: true }));
  return Object.fromEntries(entries);
}

/** A sysfs that shows nothing. */
export const noFiles: SystemFiles = filesOf({});

/** sysfs and proc by path; folders are made of the paths. */
export function filesOf(files: Readonly<Record<string, string>>): SystemFiles {
  return {
    read: async (path) => {
      const text = files[path];
      if (text === undefined) throw new HalError('absent', path, 'there is no such file');
      return text;
    },
    list: async (path) => {
      const below = Object.keys(files).filter((file) => file.startsWith(`${path}/`));
      if (below.length === 0) throw new HalError('absent', path, 'there is no such file');
      return [...new Set(below.map((file) => file.slice(path.length + 1).split('/')[0]!))].sort();
    },
    space: async () => ({ totalBytes: 0, freeBytes: 0 }),
  };
}
