import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ask, controlPath } from '../../../runtime/control.js';
import type { LatestRow } from '../../../runtime/seen-rows.js';
import { until } from '../../contract/serial.js';
import { type Bench, MadeBench } from './bench.js';
import { Receiver } from './receiver.js';

const PARTS = `
board: ./board.yaml
parts:
  gps: { driver: gnss, port: uart0 }`;

/** A node with a receiver on a serial line, which has another rate at first, and an antenna that is cut. */
export async function valley(): Promise<Bench> {
  const bench = await MadeBench.make({ name: 'valley', parts: PARTS });
  const { node } = bench;
  const receiver = await Receiver.plug();
  bench.onRemove(() => receiver.unplug());
  const board = `title: A line\nkind: twin\nserial:\n  uart0: { pins: [8, 10], device: '${receiver.pty.link}' }\n`;
  writeFileSync(join(node.folder, 'board.yaml'), board);
  return {
    ...bench,
    start: async () => {
      receiver.baud = 38_400;
      bench.start();
      await node.until('it is online', ({ uplink }) => uplink?.link.state === 'online');
    },
    faults: [
      {
        name: 'wrong baud',
        inject: async () => {
          await node.until('it is missed', ({ parts }) => parts[0]?.state === 'failing');
        },
        cause: /^1\. gps at uart0 .* at 9600 baud: found .*gnss at 38400 baud/,
      },
      {
        name: 'dead GPS antenna',
        inject: async () => {
          receiver.baud = 9600;
          await until('it speaks', async () => {
            const rows = (await ask(controlPath(node.storePath), 'latest')) as readonly LatestRow[];
            return rows.some(({ stream }) => stream === 'gps.sky');
          });
        },
        cause: /^1\. gps speaks, and hears no satellite: its antenna/,
      },
    ],
  };
}
