import { fileURLToPath } from 'node:url';
import { cannotFail, FailingDisk } from '../../acceptance/failing-disk.js';
import { until } from '../../support/until.js';
import { type Bench, MadeBench, TWIN } from './bench.js';

const BOUNDED_NODE = fileURLToPath(new URL('../../acceptance/bounded-node.js', import.meta.url));
const MEMORY_BYTES = 8 << 20;
/** A minute of the parts below. */
const SMALL_BYTES = 64 << 10;
/** Starts in a row that are the configuration's fault (docs/operations.md). */
const STARTS = 3;

/** A card on which the kernel finds an error: as SBCs mount theirs, it is read-only from then on. */
export async function card(): Promise<Bench> {
  const disk = new FailingDisk();
  const bench = await MadeBench.make({ name: 'card', parts: TWIN, storePath: disk.storePath });
  bench.onRemove(() => disk.remove());
  return {
    ...bench,
    start: async () => {
      bench.start();
      await bench.isWell();
    },
    faults: [
      {
        name: 'disk read-only',
        inject: async () => {
          disk.fail();
          await bench.node.until('it refuses', ({ store }) => store.health.state === 'notWriting');
        },
        cause: /^1\. the disk is read-only/,
      },
    ],
  };
}
export { cannotFail };

/** Without a link, with a store that seconds fill. */
export async function attic(): Promise<Bench> {
  const parts = `
board: twin
parts:
  compass: { driver: lis3mdl, bus: i2c-1, address: 0x1c, every: 20ms, dataRateHz: 80 }
  other: { driver: lis3mdl, bus: i2c-2, address: 0x1c, every: 20ms, dataRateHz: 80 }`;
  const bench = await MadeBench.make({ name: 'attic', parts, uplink: null });
  return {
    ...bench,
    start: async () =>
      bench.start({}, [BOUNDED_NODE, bench.node.configFile, String(MEMORY_BYTES), String(SMALL_BYTES)]),
    faults: [
      {
        name: 'quota drops',
        inject: async () => {
          await bench.node.until('rows are given up', ({ store }) =>
            store.streams.some(({ gaps }) => (gaps.quota ?? 0) > 0),
          );
        },
        cause: /^1\. \d+ rows of [a-z, ]+ were given up since the start: the store is full/,
      },
    ],
  };
}

/** Under a service manager, which starts it anew each time. */
export async function loop(): Promise<Bench> {
  const bench = await MadeBench.make({ name: 'loop', parts: TWIN });
  const { machine, node } = bench;
  const service = { NOTIFY_SOCKET: '@cairn-nobody-listens', RUNTIME_DIRECTORY: '/run/cairn' };
  return {
    ...bench,
    start: async () => bench.start(service),
    faults: [
      {
        name: 'crash loop',
        inject: async () => {
          for (let starts = 0; starts < STARTS; starts++) {
            await node.until('it runs', ({ store }) => store.committedRows > 0);
            process.kill(node.pid, 'SIGSEGV');
            await until('its end', () => !node.running);
            machine.lastEnd('core-dump dumped SEGV');
            bench.start(service);
          }
          await node.until(
            'safe mode',
            ({ config, uplink }) => config?.state === 'safe' && uplink?.link.state === 'online',
          );
        },
        cause: /^1\. safe mode: no part is read, because the node crashed with each configuration/,
      },
    ],
  };
}
