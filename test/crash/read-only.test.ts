import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { openStore, type StoreLog, storeDefaults } from '../../runtime/store/index.js';
import { cannotFail, FailingDisk } from '../acceptance/failing-disk.js';
import { until } from '../store/support.js';
import { judgeStore } from './judge.js';
import { crashOptions } from './options.js';
import { Promised } from './promise.js';
import { declareAll, rowsFrom } from './rows.js';

const MEMORY_BYTES = 40_000;
/** What a row of this stream takes in memory while it waits: 8 bytes of time, 9 a channel. */
const ROW_BYTES = 26;
const ROWS = 50_000;

test('FAULTS 8: a file system that turns read-only under the store: memory bounded, one alarm, gaps; what was promised is there after the repair', {
  skip: cannotFail,
  timeout: 200_000,
}, async (t: TestContext) => {
  const disk = new FailingDisk();
  t.after(() => disk.remove());
  const errors: string[] = [];
  const log: StoreLog = (level, text) => void (level === 'error' && errors.push(text));
  const deps = storeDefaults(log);
  const store = await openStore(crashOptions(disk.storePath, { memoryBytes: MEMORY_BYTES, deps }));
  declareAll(store);
  const promised = new Promised();
  promised.take({ is: 'open', epoch: store.epoch });
  let next = 0;
  const append = (rows: number): void => {
    store.append(rowsFrom('t', next, rows));
    next += rows;
  };
  for (let round = 0; round < 100; round += 1) {
    append(10);
    await store.flush();
    promised.take({ is: 'committed', stream: 't', from: 0, to: next });
  }
  disk.fail();
  append(10);
  await until(() => store.status().health.state === 'notWriting');
  const before = process.memoryUsage().rss;
  let most = 0;
  for (let rows = 0; rows < ROWS; rows += 100) {
    append(100);
    most = Math.max(most, store.status().pendingRows);
    if (rows % 5000 === 0) await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const grownMb = (process.memoryUsage().rss - before) / 1e6;
  assert.ok(most <= (2 * MEMORY_BYTES) / ROW_BYTES, `${most} rows in memory`);
  await store.close();
  disk.repair();
  const { problems } = await judgeStore(disk.storePath, promised);
  t.diagnostic(
    `${ROWS} rows sampled while it was read-only, at most ${most} in memory, ${grownMb.toFixed(1)} MB more resident; ` +
      `${errors.length} alarms; ${promised.of('t').committed.at(-1)![1]} promised, ${problems.length} problems`,
  );
  assert.deepEqual(problems, []);
  const kinds = errors.map((text) => /the disk refuses|numbers can't be reserved/.exec(text)?.[0] ?? text);
  assert.ok(kinds.includes('the disk refuses'), errors.join('\n'));
  assert.equal(new Set(kinds).size, kinds.length, `an alarm each, not one a try: ${errors.join('\n')}`);
});
