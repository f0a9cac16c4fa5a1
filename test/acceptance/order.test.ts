import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { type RunningReceiver, startReceiver, type TakeResult } from '../../fleet/receive/index.js';
import { native } from '../../native/index.js';
import { kernelBootId, machineId } from '../../runtime/clock/index.js';
import { loadIdentity } from '../../runtime/identity.js';
import { openStore, storeDefaults } from '../../runtime/store/index.js';
import { startMosquitto, WITHOUT_MOSQUITTO } from '../support/broker.js';
import { TcpProxy } from '../support/proxy.js';
import { until } from '../support/until.js';
import { TestNode } from './harness.js';
import { isDrained, sleep } from './load.js';

const skip = WITHOUT_MOSQUITTO;

function nodeFile(url: string): string {
  return `
node: in-order
board: twin
parts:
  climate: { driver: bme280, bus: i2c-1, address: 0x76, every: 200ms, live: true }
  battery: { driver: ina219, bus: i2c-1, address: 0x40, every: 200ms }
  self: { driver: node, every: 1s }
store: { path: STORE, size: 32 MB, commit: 100ms }
uplink: { url: '${url}', backoff: { min: 100ms, max: 1s } }
`;
}

/** A receiver, and every result of it with the moment when it came. */
async function listen(url: string, clientId: string) {
  const results: { readonly at: number; readonly result: TakeResult }[] = [];
  const running = await startReceiver({
    url,
    clientId,
    protocol: '5',
    onResult: (result) => void results.push({ at: Date.now(), result }),
  });
  await running.subscribed;
  const rows = () =>
    results.flatMap(({ at, result }) => (result.kind === 'rows' ? [{ at, rows: result.rows }] : []));
  return { running, results, rows };
}

function lineOf({ receiver }: RunningReceiver, stream: string) {
  return receiver.summary().find((line) => line.stream === stream);
}

test('stopped by SIGTERM and started again, three times: no gap at all, and numbering goes on', {
  skip,
  timeout: 200_000,
}, async (t) => {
  const broker = await startMosquitto();
  const node = new TestNode(nodeFile(broker.url));
  const { running, rows } = await listen(broker.url, 'clean-stops');
  t.after(async () => {
    await node.remove();
    await running.stop();
    await broker.remove();
  });
  let next: Record<string, number> = {};
  for (let start = 1; start <= 3; start++) {
    node.start();
    const up = await node.until('rows are kept', ({ store }) => store.committedRows > 20);
    for (const { stream, next: number } of up.store.streams) {
      assert.ok(number >= (next[stream] ?? 0), `${stream} goes on at ${next[stream]}, not back to ${number}`);
    }
    next = Object.fromEntries(up.store.streams.map((stream) => [stream.stream, stream.next]));
    const stopping = Date.now();
    assert.equal(await node.stop(), 0, node.log.slice(-2000));
    t.diagnostic(`stop ${start}: ${Date.now() - stopping} ms`);
  }
  node.start();
  const { store } = await node.until('drained', isDrained);
  const streams = store.streams.map(({ stream }) => stream);
  assert.ok(streams.includes('climate') && streams.includes('log') && streams.includes('meta'));
  await until('all arrives', () =>
    store.streams.every(({ stream, next: number }) => (lineOf(running, stream)?.received ?? 0) >= number),
  );
  for (const stream of streams) {
    const line = lineOf(running, stream)!;
    assert.deepEqual([line.gaps, line.missing, line.conflicts], [{}, 0, 0], stream);
  }
  assert.equal(store.boot, 1, 'the machine did not boot meanwhile');
  assertOrdered(rows().filter(({ rows: { header } }) => header.stream === 'climate'));
});

/** Sequence order is monotonic order, over all restarts. */
function assertOrdered(blocks: readonly { rows: Extract<TakeResult, { kind: 'rows' }>['rows'] }[]): void {
  const inSequence = blocks.map(({ rows }) => rows).sort((a, b) => a.header.first - b.header.first);
  let lastNs = 0n;
  for (const { header, block } of inSequence) {
    for (const timeNs of block.timesNs) {
      assert.ok(timeNs > lastNs, `${header.stream} ${header.first}: ${timeNs} after ${lastNs}`);
      lastNs = timeNs;
    }
  }
}

test('each descriptor arrives before the first block of its stream', {
  skip,
  timeout: 200_000,
}, async (t) => {
  const broker = await startMosquitto();
  const node = new TestNode(nodeFile(broker.url));
  const { running, results, rows } = await listen(broker.url, 'descriptors');
  t.after(async () => {
    await node.remove();
    await running.stop();
    await broker.remove();
  });
  node.start();
  await node.until('rows left', ({ uplink }) => (uplink?.receipts ?? 0) > 10);
  await until('rows of all parts', () =>
    ['climate', 'battery', 'self', 'log'].every((stream) => lineOf(running, stream)),
  );
  for (const { rows: taken } of rows())
    assert.ok(taken.descriptor, `${taken.header.stream} came without its descriptor`);
  assert.equal(results[0]!.result.kind, 'meta', 'what describes comes first of all');
});

const BACKLOG_ROWS = 20_000;
const OLD_STREAMS = 40;
/** One way, so that the backlog takes its time. */
const LINK_MS = 40;

test('20,000 rows of backlog on a long link: a fresh reading arrives beside the backlog, with nearly all of it still to come', {
  skip,
  timeout: 200_000,
}, async (t) => {
  const broker = await startMosquitto();
  const proxy = await TcpProxy.start(broker.port);
  proxy.delayMs = LINK_MS;
  const node = new TestNode(nodeFile(`mqtt://127.0.0.1:${proxy.port}`));
  const { running, rows } = await listen(broker.url, 'live-first');
  t.after(async () => {
    await node.remove();
    await running.stop();
    proxy.close();
    await broker.remove();
  });
  await storeBacklog(node);
  const startedNs = native.bootTimeNs();
  node.start();
  await until('it is connected', () => proxy.connections > 0);
  const connectedAt = Date.now();
  const fresh = () =>
    rows().find(
      ({ rows: { header, block } }) => header.stream === 'climate' && block.timesNs[0]! > startedNs,
    );
  await until('a fresh reading', () => fresh() !== undefined);
  const freshMs = fresh()!.at - connectedAt;
  const drained = () =>
    running.receiver
      .summary()
      .reduce((sum, line) => sum + (line.stream.startsWith('old') ? line.received : 0), 0);
  const before = drained();
  t.diagnostic(
    `connected; the first fresh reading after ${freshMs} ms, ${before} of ${BACKLOG_ROWS} old rows before it`,
  );
  // By order: how long it took is this machine's, and test/uplink/slow-link.test.ts holds it to 2 s by a clock of its own.
  assert.ok(before < BACKLOG_ROWS / 10, 'the backlog was still there');
  await sleep(1_000);
  const [from, to] = [before, drained()];
  assert.ok(to > from, 'the backlog goes on beside the live rows');
  t.diagnostic(`${to - from} old rows in the second after`);
  const live = rows().filter(({ rows: { header } }) => header.stream === 'climate').length;
  t.diagnostic(`${live} live blocks of climate meanwhile`);
  assert.ok(live >= 3, 'live rows keep coming');
  proxy.delayMs = 0;
  await until('all of it arrives', () => drained() === BACKLOG_ROWS);
});

/** Rows as an outage leaves them: 2,000 blocks of a run before this one, on the same boot. */
async function storeBacklog(node: TestNode): Promise<void> {
  const store = await openStore({
    path: node.storePath,
    node: loadIdentity(join(node.folder, 'identity')).node,
    machineId: machineId(),
    bootId: kernelBootId(),
    software: 'a run before',
    sizeBytes: 32_000_000,
    quotaPercent: { alarm: 10, event: 10, telemetry: 40, bulk: 10, log: 5 },
    commitIntervalMs: 50,
    reserveAheadMs: 10_000,
    memoryBytes: 8_000_000,
    deps: storeDefaults(() => undefined),
  });
  const names = Array.from({ length: OLD_STREAMS }, (_, i) => `old${i}`);
  for (const name of names) {
    store.declare({
      name,
      title: name,
      class: 'telemetry',
      channels: [{ name: 'count', quantity: 'count', type: { kind: 'int' } }],
    });
  }
  const rowsEach = 10;
  for (let row = 0; row < BACKLOG_ROWS; row += OLD_STREAMS * rowsEach) {
    for (const stream of names) {
      const from = native.bootTimeNs();
      const timesNs = BigInt64Array.from({ length: rowsEach }, (_, i) => from + BigInt(i));
      const values = Float64Array.from({ length: rowsEach }, (_, i) => row + i);
      store.append({ stream, timesNs, values, quality: new Uint8Array(rowsEach) });
    }
    await store.flush();
  }
  await store.close();
}
