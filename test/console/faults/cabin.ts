import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { fillUp } from '../../acceptance/load.js';
import { type Bench, MadeBench, TWIN } from './bench.js';

/** A node whose clock nobody set, and whose disk fills and wears. */
export async function cabin(): Promise<Bench> {
  const bench = await MadeBench.make({ name: 'cabin', parts: TWIN });
  const { machine, node, wall } = bench;
  const ballast = join(machine.disk, 'ballast');
  const writes = (state: 'ok' | 'notWriting') =>
    node.until(`the disk is ${state}`, ({ store }) => store.health.state === state);
  return {
    ...bench,
    start: async () => {
      wall.set(0n, false);
      bench.start();
      await node.until(
        'rows are kept',
        ({ store, uplink }) => store.committedRows > 0 && uplink?.link.state === 'online',
      );
    },
    faults: [
      {
        name: 'clock unset',
        inject: async () => undefined,
        cause: /^1\. the clock is not set: rows carry boot time/,
        mend: async () => {
          wall.set(0n, true);
          await bench.isWell();
        },
      },
      {
        name: 'disk full',
        inject: async () => {
          fillUp(ballast);
          await writes('notWriting');
        },
        cause: /^1\. the disk is full: \d+ kB are left/,
        mend: async () => {
          rmSync(ballast);
          await writes('ok');
        },
      },
      {
        name: 'flash worn',
        inject: async () => {
          // 32 GB of 300 cycles, each byte programmed four times, take 2.4 TB (docs/store.md).
          machine.hasWritten(2.5e12);
          await node.until('it was counted', ({ store }) => (store.flash?.writtenBytes ?? 0) > 2.4e12);
        },
        cause: /^1\. the flash has written all that it was made for seen: 2500 of 2400 GB written/,
      },
    ],
  };
}
