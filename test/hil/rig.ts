import { writeSync } from 'node:fs';
import { SimLine } from '../../hil/inside/gpio-sim.js';
import { lackOf, offsetOf, readRig } from '../../hil/rig.js';
import { native } from '../../native/index.js';
import { type BoardSetup, completeDeps } from '../../runtime/board/deps.js';
import type { GpioLineConfig } from '../../runtime/config/types.js';
import { testDeps } from '../board/fixture.js';
import { JumperEnd } from './jumper-end.js';

/** The only way of a suite to its rig. */

/** The outside end of a line: what a hand, a switch or an instrument would do there. */
export interface OutsideEnd {
  /** Holds the line at a physical level, until it is driven otherwise or released. */
  drive(level: 0 | 1): void;
  /** Lets go: before the line is opened as an output, so that two ends never drive one wire. */
  release(): void;
  /** The physical level there; lets go first. */
  level(): 0 | 1;
}

export interface RigLine {
  /** As a board file would have it. */
  readonly config: GpioLineConfig;
  readonly outside: OutsideEnd;
}

const manifest = readRig(process.env.CAIRN_RIG ?? 'hil/rigs/qemu-amd64.yaml');

export const rig = {
  name: manifest.name,
  manifest,
  /** A line by its name in the manifest, and its outside end. */
  line(name: string): RigLine {
    const { config, jumper } = lineOf(name);
    const outside =
      jumper === undefined ? new SimLine(config.chipLabels[0]!, config.offset!) : new JumperEnd(jumper);
    return { config, outside };
  },
  /** `device` is the bus; `twins`, where the rig has it, is what parts come onto it by (twins-on-adapter.ts); `parts` are real ones. */
  bus: (name = 'main') => found(manifest.buses?.[name], `buses.${name}`),
  /** A serial port, and where the rig has it the part on its other end. */
  port: (name: string) => found(manifest.ports?.[name], `ports.${name}`),
  /** The device of a service that the emulating machine gives (hil/host). */
  service: (name: string) => found(manifest.services?.[name], `services.${name}`),
};

/** Long runs are wanted. */
export const full = process.env.CAIRN_HIL_FULL === '1';
/** Of all randomness in a suite; the report names it. */
export const seed = Number(process.env.CAIRN_HIL_SEED ?? 1);
export const setup: BoardSetup = completeDeps(testDeps());
export { native };

/** How many times slower than an idle machine this one seemed at its boot, from 1; what is waited for in real time may scale with it. */
export const slowness = Math.min(4, Math.max(1, Number(process.env.CAIRN_HIL_SLOWNESS ?? 1)));
/** Long for an edge or a byte to arrive, even where every instruction is translated. */
export const SETTLE_MS = Math.round(150 * slowness);

/**
 * States what the whole suite needs, as paths of the manifest (`lines.SOS`, `buses.main.twins`, `programs.socat`); before its first test.
 * On a rig that lacks one the suite ends here, as skipped.
 */
export function needs(...paths: readonly string[]): void {
  const reason = paths.map((path) => lackOf(manifest, path)).find((lack) => lack !== undefined);
  if (reason === undefined) return;
  writeSync(1, `TAP version 13\n1..0 # SKIP ${reason}\n`);
  process.exit(0);
}

/** For `skip:` of a single test: the reason where the rig lacks something, else false. */
export function lacking(...paths: readonly string[]): string | false {
  return paths.map((path) => lackOf(manifest, path)).find((lack) => lack !== undefined) ?? false;
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function lineOf(name: string): { config: GpioLineConfig; jumper: GpioLineConfig | undefined } {
  const { chip, line, jumper } = found(manifest.lines?.[name], `lines.${name}`);
  const offset = offsetOf(manifest, name);
  const config = { chipLabels: [chip], lineNames: [line], ...(offset === undefined ? {} : { offset }) };
  return { config, jumper: jumper === undefined ? undefined : lineOf(jumper).config };
}

function found<T>(value: T | undefined, path: string): T {
  if (value === undefined) throw new Error(`rig ${manifest.name} has no ${path}: let the suite need it`);
  return value;
}
