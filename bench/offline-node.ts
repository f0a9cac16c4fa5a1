import { setFlagsFromString } from 'node:v8';
import { kernelBootId, machineId } from '../runtime/clock/index.js';
import { openStore, storeDefaults } from '../runtime/store/index.js';
import { offlineStreams } from './offline-rows.js';

/**
 * Fills a store as a node without a link does, in a process of its own because its memory is measured. Arguments: the store's path, its
 * size in bytes, the node's id, readings, streams, rows a stream and commit. Says `full` and goes on until it is killed.
 */
// As `cairn run` does.
for (const flag of ['--optimize-for-size', '--no-maglev']) setFlagsFromString(flag);

const [path = '', size = '', node = '', ...counts] = process.argv.slice(2);
const [readings = 0, streamCount = 0, rowsPerCommit = 0] = counts.map(Number);

const store = await openStore({
  path,
  node,
  machineId: machineId(),
  bootId: kernelBootId(),
  software: 'bench',
  sizeBytes: Number(size),
  quotaPercent: { alarm: 10, event: 10, telemetry: 40, bulk: 10, log: 5 },
  commitIntervalMs: 3_600_000,
  reserveAheadMs: 10_000,
  memoryBytes: 8_000_000,
  deps: storeDefaults((level, text) => {
    if (level !== 'info') process.stderr.write(`offline: ${text}\n`);
  }),
});
const { streams } = offlineStreams(streamCount);
for (const { name, channels } of streams) {
  store.declare({ name, title: name, class: 'telemetry', channels });
}
const goal = Math.ceil(readings / (streamCount * rowsPerCommit));
for (let commits = 0; ; commits++) {
  for (const stream of streams) store.append(stream.next(rowsPerCommit));
  await store.flush();
  if (commits === goal) {
    const { committedRows, classes, diskBytes, streams: known } = store.status();
    const lost = known.reduce((sum, { gaps }) => sum + Object.values(gaps).reduce((a, b) => a + b, 0), 0);
    const blocks = classes.find((one) => one.class === 'telemetry')!.blocks;
    process.send?.({ committedRows, blocks, lost, diskBytes });
  }
}
