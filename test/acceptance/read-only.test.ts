import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type RunningReceiver, type SummaryLine, startReceiver } from '../../fleet/receive/index.js';
import { statusScreen } from '../../runtime/console/screen.js';
import { startMosquitto, WITHOUT_MOSQUITTO } from '../support/broker.js';
import { cannotFail, FailingDisk } from './failing-disk.js';
import { type CountingTwins, TestNode } from './harness.js';
import {
  assertAccounted,
  handedOut,
  isDrained,
  LOAD_HZ,
  LOAD_STREAMS,
  loadNodeFile,
  logLines,
  PINO,
  residentBytes,
  settledLines,
  sleep,
  startLoad,
} from './load.js';

/** For so long at 200 readings/s, and until a busy machine has sampled as many. */
const READ_ONLY_MS = Number(process.env.CAIRN_READ_ONLY_MS ?? 6_000);
/** What may come and go in a process of Node by itself. */
const RSS_SLACK_BYTES = 24 * 1024 * 1024;
const STOPS_MS = 8_000;
const MEMORY_BYTES = 16_384;
const BOUNDED_NODE = fileURLToPath(new URL('./bounded-node.js', import.meta.url));
const skip = cannotFail || WITHOUT_MOSQUITTO;

interface Bench {
  readonly disk: FailingDisk;
  readonly node: TestNode;
  readonly twins: CountingTwins;
  readonly receiver: RunningReceiver;
}

/** A node with little memory under load, its link up, on a disk that has just become read-only. */
async function setUp(t: TestContext): Promise<Bench> {
  const disk = new FailingDisk();
  const broker = await startMosquitto();
  const node = new TestNode(loadNodeFile('read-only', broker.url), disk.storePath);
  const twins = await startLoad(node);
  const receiver = await startReceiver({ url: broker.url, clientId: 'read-only-test', protocol: '5' });
  t.after(async () => {
    await node.remove();
    await receiver.stop();
    await twins.stop();
    await broker.remove();
    disk.remove();
  });
  await receiver.subscribed;
  node.start([BOUNDED_NODE, node.configFile, String(MEMORY_BYTES)]);
  await node.until('rows are kept', ({ store }) => store.committedRows > LOAD_HZ);
  disk.fail();
  await node.until('the disk refuses', ({ store }) => store.health.state === 'notWriting');
  return { disk, node, twins, receiver };
}

async function linesOf({ node, receiver }: Bench): Promise<readonly SummaryLine[]> {
  const { store } = await node.until('drained', isDrained);
  const next = Object.fromEntries(store.streams.map((stream) => [stream.stream, stream.next]));
  return settledLines(receiver, LOAD_STREAMS, next);
}

test('a disk that becomes read-only: bounded memory, gaps, an alarm; repaired, it is written again', {
  skip,
  timeout: READ_ONLY_MS + 200_000,
}, async (t) => {
  const bench = await setUp(t);
  const { disk, node, twins } = bench;
  const from = { bytes: residentBytes(node.pid), made: await handedOut(twins) };
  const load = (LOAD_HZ * READ_ONLY_MS) / 1000;
  while ((await handedOut(twins)) < from.made + load) await sleep(100);
  const grown = residentBytes(node.pid) - from.bytes;
  const made = (await handedOut(twins)) - from.made;
  const status = (await node.status())!;
  t.diagnostic(`${made} rows sampled while it was read-only, VmRSS ${(grown / 1e6).toFixed(1)} MB more`);
  assert.ok(grown < RSS_SLACK_BYTES, `${grown} bytes more`);
  assert.ok(
    status.store.pendingRows < made / 2,
    `${status.store.pendingRows} rows wait, the rest is given up`,
  );
  assert.ok(
    statusScreen(status, []).some((line) => /^store NOT WRITING \(\d+ rows wait in memory\)/.test(line)),
    statusScreen(status, []).join('\n'),
  );
  const alarms = logLines(node).filter(({ level }) => level === PINO.error);
  assert.deepEqual(
    alarms
      .map(({ module, msg }) => [module, /the disk refuses|numbers can't be reserved/.exec(msg)?.[0]])
      .sort(),
    [
      ['store', "numbers can't be reserved"],
      ['store', 'the disk refuses'],
    ],
    JSON.stringify(alarms),
  );

  disk.repair();
  const repairedAt = Date.now();
  await node.until('it writes again', ({ store }) => store.health.state === 'ok');
  const againMs = Date.now() - repairedAt;
  t.diagnostic(`writing again ${againMs} ms after the repair`);
  const lines = await linesOf(bench);
  assert.equal(lines.length, LOAD_STREAMS.length);
  for (const line of lines) {
    t.diagnostic(
      `${line.stream}: received ${line.received}, gaps ${JSON.stringify(line.gaps)}, next ${line.next}`,
    );
    assertAccounted(line);
    assert.deepEqual(Object.keys(line.gaps), ['overflow']);
  }
});

test('stopped while its disk is read-only: it ends, and after the repair what it held is a gap', {
  skip,
  timeout: 200_000,
}, async (t) => {
  const bench = await setUp(t);
  const { disk, node } = bench;
  await sleep(500);
  const stoppingAt = Date.now();
  await node.stop();
  const stopMs = Date.now() - stoppingAt;
  assert.ok(stopMs < STOPS_MS, `it took ${stopMs} ms to stop`);
  assert.doesNotMatch(node.log, /^ {4}at /m, 'no stack trace');
  disk.repair();
  node.start();
  const lines = await linesOf(bench);
  assert.equal(lines.length, LOAD_STREAMS.length);
  for (const line of lines) {
    t.diagnostic(
      `${line.stream}: received ${line.received}, gaps ${JSON.stringify(line.gaps)}, next ${line.next}`,
    );
    assertAccounted(line);
    assert.ok(line.gaps.uncleanStop, 'its numbers could not be written down');
  }
});

test('FAULTS 8: started while its disk is read-only: it samples, what it can’t keep is in gaps, and the rest is sent once the disk is repaired', {
  skip,
  timeout: 90_000,
}, async (t) => {
  const bench = await setUp(t);
  const { disk, node, twins } = bench;
  await node.stop('SIGKILL');
  const before = await handedOut(twins);
  node.start([BOUNDED_NODE, node.configFile, String(MEMORY_BYTES)]);
  const made = async () => (await handedOut(twins)) - before;
  const status = await node.until('its memory is full', ({ store }) =>
    store.streams.some(({ gaps }) => (gaps.overflow ?? 0) > LOAD_HZ),
  );
  assert.deepEqual([status.store.epoch, status.store.health.state], ['', 'notWriting']);
  assert.match(statusScreen(status, [])[0]!, /NOT OPEN YET/);
  t.diagnostic(`${await made()} rows sampled on a read-only disk, ${status.store.pendingRows} in memory`);
  const errors = logLines(node).filter(({ level, msg }) => level === PINO.error && /at the start/.test(msg));
  assert.equal(errors.length, 1, 'an alarm, not one a try');

  disk.repair();
  await node.until('it writes again', ({ store }) => store.health.state === 'ok');
  const lines = await linesOf(bench);
  assert.equal(lines.length, LOAD_STREAMS.length);
  for (const line of lines) {
    t.diagnostic(
      `${line.stream}: received ${line.received}, gaps ${JSON.stringify(line.gaps)}, next ${line.next}`,
    );
    assertAccounted(line);
    assert.ok(line.gaps.overflow, 'what its memory could not hold');
  }
});
