import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ask, controlPath } from '../../../runtime/control.js';
import { startFaultyBus } from '../../acceptance/faulty-twins.js';
import { type Bench, MadeBench } from './bench.js';

const CLIMATE = 0x76;
/** Where the same part answers once its address pin is bridged (BME280 data sheet, 6.2). */
const OTHER = 0x77;
const COMPASS = 0x1c;
const PARTS = `
board: ./board.yaml
parts:
  climate: { driver: bme280, bus: i2c-1, address: 0x76, every: 500ms }
  compass: { driver: lis3mdl, bus: i2c-1, address: 0x1c, every: 500ms }`;

/** A node with a bus: what goes wrong on it, in its box, and in its file. */
export async function hut(): Promise<Bench> {
  const bench = await MadeBench.make({ name: 'hut', parts: PARTS });
  const { machine, node } = bench;
  const socket = join(node.folder, 'i2c-1.sock');
  const board = `title: A bus\nkind: twin\ni2c:\n  i2c-1: { pins: [3, 5], device: 'unix:${socket}', timeout: 1s }\n`;
  writeFileSync(join(node.folder, 'board.yaml'), board);
  const bus = await startFaultyBus(socket, ['bme280@0x76', 'bme280@0x77', 'lis3mdl@0x1c']);
  bench.onRemove(() => bus.stop());
  const isThere = (address: number, isThere: boolean) =>
    bus.set(address, { noAcknowledgeProbability: isThere ? 0 : 1 });
  const isBad = (...ids: string[]) =>
    node.until(`${ids} fail`, ({ parts }) =>
      parts.every(({ id, state }) => ids.includes(id) === (state === 'failing')),
    );
  const works = async () => {
    for (const part of ['climate', 'compass'])
      await ask(controlPath(node.storePath), 'sample', { params: { part } });
    await bench.isWell();
  };
  return {
    ...bench,
    start: async () => {
      await isThere(OTHER, false);
      bench.start();
      await bench.isWell();
    },
    faults: [
      {
        name: 'under-voltage',
        inject: async () => machine.shows('supply', '1'),
        cause: /^1\. the supply is too low/,
        mend: async () => machine.isWell('supply'),
      },
      {
        name: 'thermal throttle',
        inject: async () => {
          // Throttled now and since the start (get_throttled: bits 2, 3, 18, 19).
          machine.shows('throttled', 'c000c');
          machine.shows('temperature', '85200');
        },
        cause: /^1\. the processor is slowed down: it is too hot seen: the kernel says throttled at 85\.2 °C/,
        mend: async () => {
          machine.isWell('throttled');
          machine.isWell('temperature');
        },
      },
      {
        name: 'watchdog reset',
        inject: async () => machine.shows('bootStatus', '32'),
        cause: /^1\. the machine hung and was reset by its hardware watchdog/,
        mend: async () => machine.isWell('bootStatus'),
      },
      {
        name: 'sensor unplugged',
        inject: async () => {
          await isThere(CLIMATE, false);
          await isBad('climate');
        },
        cause: /^1\. climate at i2c-1 0x76 .*: found no answer there, while 0x1c answers/,
      },
      {
        name: 'wrong address',
        inject: () => isThere(OTHER, true),
        cause: /^1\. climate at i2c-1 0x76 .*: found no answer there, and bme280 at 0x77/,
        mend: async () => {
          await isThere(CLIMATE, true);
          await isThere(OTHER, false);
          await works();
        },
      },
      {
        name: 'SDA stuck',
        inject: async () => {
          await bus.set(COMPASS, { sdaStuck: true, sdaReleaseClocks: 1e9 });
          await isBad('climate', 'compass');
        },
        cause: /^1\. climate, compass at i2c-1 .*: found a line held low/,
        mend: async () => {
          await bus.set(COMPASS, { sdaStuck: false });
          await works();
        },
      },
      {
        name: 'configuration wrong',
        inject: async () => {
          await node.stop();
          writeFileSync(node.configFile, 'node: hut\nboard: ./bord.yaml\nparts: {}\n');
          bench.start();
          await node.ended();
        },
        cause: /^1\. the node file is wrong: the node can’t start/,
      },
    ],
  };
}
