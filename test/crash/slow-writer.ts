// Appends 200 readings a second to the store at argv[2] for argv[3] ms, and says as JSON how the event loop and the store's memory fared.
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { openStore } from '../../runtime/store/index.js';
import { crashOptions } from './options.js';
import { declareAll, rowsFrom } from './rows.js';

const HZ = 200;
const TICK_MS = 10;
const [path = '', forMs = '', memoryBytes = ''] = process.argv.slice(2);
const store = await openStore(
  crashOptions(path, { bootId: 'slow', commitIntervalMs: 1000, memoryBytes: Number(memoryBytes) }),
);
declareAll(store);
let commits = 0;
store.onCommit(() => {
  commits += 1;
});
const delay = monitorEventLoopDelay({ resolution: TICK_MS });
delay.enable();
const began = performance.now();
let [rows, mostPending, refusals] = [0, 0, 0];
let next = store.status().streams.find(({ stream }) => stream === 't')!.next;
while (performance.now() - began < Number(forMs)) {
  await new Promise((resolve) => setTimeout(resolve, TICK_MS));
  const due = Math.floor(((performance.now() - began) * HZ) / 1000) - rows;
  if (due > 0) store.append(rowsFrom('t', next, due));
  rows += due;
  next += due;
  const { pendingRows, health } = store.status();
  mostPending = Math.max(mostPending, pendingRows);
  if (health.state !== 'ok') refusals += 1;
}
delay.disable();
const { gaps } = store.status().streams.find(({ stream }) => stream === 't')!;
const p99Ms = delay.percentile(99) / 1e6;
process.stdout.write(
  JSON.stringify({ p99Ms, rows, mostPending, commits, refusals, dropped: gaps.overflow ?? 0 }),
);
process.exit(0);
