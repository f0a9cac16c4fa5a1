import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type RunningReceiver, type SummaryLine, startReceiver } from '../../fleet/receive/index.js';
import { native } from '../../native/index.js';
import type { PipelineStatus } from '../../runtime/pipeline.js';
import { type Mosquitto, startMosquitto, WITHOUT_MOSQUITTO } from '../support/broker.js';
import { type CountingTwins, TestNode } from './harness.js';
import {
  assertAccounted,
  cannotMount,
  fillUp,
  gapRows,
  handedOut,
  isDrained,
  LOAD_HZ,
  LOAD_STREAMS,
  loadNodeFile,
  logLines,
  PINO,
  run,
  settledLines,
  sleep,
  startLoad,
} from './load.js';

/** The is a minute, and the nightly's; the suite's is shorter. */
const FULL_MS = Number(process.env.CAIRN_DISK_FULL_MS ?? 5_000);
/** What the same machine, as busy as it is, samples with room on the disk: for so long it is looked at. */
const BEFORE_MS = 1_000;
const DISK_BYTES = 8 * 1024 * 1024;
const BOUNDED_NODE = fileURLToPath(new URL('./bounded-node.js', import.meta.url));
const skip = cannotMount || WITHOUT_MOSQUITTO;

interface Bench {
  readonly mount: string;
  readonly node: TestNode;
  readonly broker: Mosquitto;
  readonly twins: CountingTwins;
  readonly receiver: RunningReceiver;
  /** Of each reading that was received, ns since boot. */
  readonly times: bigint[];
}

/** A node on a small disk of its own, under load, its broker away. */
async function setUp(t: TestContext): Promise<Bench> {
  const mount = mkdtempSync(join(tmpdir(), 'cairn-full-'));
  run('mount', '-t', 'tmpfs', '-o', `size=${DISK_BYTES}`, 'cairn-full', mount);
  const broker = await startMosquitto();
  const node = new TestNode(loadNodeFile('full', broker.url), join(mount, 'store'));
  const twins = await startLoad(node);
  const times: bigint[] = [];
  const receiver = await startReceiver({
    url: broker.url,
    clientId: 'full-test',
    protocol: '5',
    onResult: (result) => {
      if (result.kind !== 'rows') return;
      const { header, block } = result.rows;
      if (LOAD_STREAMS.includes(header.stream)) times.push(...block.timesNs);
    },
  });
  t.after(async () => {
    await node.remove();
    await receiver.stop();
    await twins.stop();
    await broker.remove();
    run('umount', mount);
    rmSync(mount, { recursive: true });
  });
  await receiver.subscribed;
  await broker.kill('SIGTERM');
  return { mount, node, broker, twins, receiver, times };
}

interface Outcome {
  readonly lines: readonly SummaryLine[];
  /** Handed out by the twins, and received, of the run that met the full disk. */
  readonly made: number;
  readonly received: number;
}

/** Rows of the load that the store has promised. */
function committed({ store }: PipelineStatus): number {
  const ofLoad = store.streams.filter(({ stream }) => LOAD_STREAMS.includes(stream));
  return ofLoad.reduce((sum, stream) => sum + stream.committed, 0);
}

/** Fills the disk under load, frees it, gives the broker back, stops the node, and returns what the receiver has. */
async function fullDisk(
  t: TestContext,
  bench: Bench,
  isLongEnough: (status: PipelineStatus) => boolean,
): Promise<Outcome> {
  const { mount, node, broker, twins } = bench;
  await node.until('rows are kept', ({ store }) => store.committedRows > LOAD_HZ);
  const first = { made: await handedOut(twins), at: Date.now() };
  await sleep(BEFORE_MS);
  const acknowledged = { untilNs: native.bootTimeNs(), made: await handedOut(twins) };
  const beforeHz = ((acknowledged.made - first.made) * 1000) / (Date.now() - first.at);
  await node.until('they are committed', (status) => committed(status) >= acknowledged.made);
  const ballast = join(mount, 'ballast');
  fillUp(ballast);
  const filledAt = Date.now();
  await node.until('the disk refuses', ({ store }) => store.health.state === 'notWriting');
  const from = { status: (await node.status())!, handed: await handedOut(twins), at: Date.now() };
  await sleep(FULL_MS - (Date.now() - filledAt));
  await node.until('it is full for long enough', isLongEnough);
  fillUp(ballast);
  const during = (await node.status())!;
  const sampled = (await handedOut(twins)) - from.handed;
  const seconds = (Date.now() - from.at) / 1000;
  rmSync(ballast);
  const freedAt = Date.now();
  await node.until('it writes again', ({ store }) => store.health.state === 'ok');
  const againMs = Date.now() - freedAt;
  t.diagnostic(
    `full for ${FULL_MS} ms: ${sampled} rows sampled meanwhile (${Math.round(sampled / seconds)}/s, ` +
      `${Math.round(beforeHz)}/s before), ${acknowledged.made} before; writing again after ${againMs} ms`,
  );
  assert.equal(during.store.health.state, 'notWriting', 'the disk was full to the end');
  assert.ok(sampled > (beforeHz * seconds) / 3, `sampling went on: ${sampled} rows in ${seconds} s`);
  for (const part of during.parts) {
    const then = from.status.parts.find(({ id }) => id === part.id)!;
    assert.equal(part.failures, then.failures, `${part.id} did not fail: ${part.lastError}`);
  }
  await broker.start();
  await node.until('online', (status) => status.uplink?.link.state === 'online');
  assert.equal(await node.stop(), 0, node.log.slice(-2000));
  const cutNs = native.bootTimeNs();
  const made = await handedOut(twins);
  // What was committed last leaves with the next start.
  node.start();
  const { store } = await node.until('drained', isDrained);
  const next = Object.fromEntries(store.streams.map((stream) => [stream.stream, stream.next]));
  const lines = await settledLines(bench.receiver, LOAD_STREAMS, next);
  report(t, lines);
  const receivedUntil = (ns: bigint) => bench.times.filter((timeNs) => timeNs < ns).length;
  const kept = receivedUntil(acknowledged.untilNs);
  assert.ok(
    kept >= acknowledged.made - LOAD_STREAMS.length,
    `${acknowledged.made} made and acknowledged before, ${kept} of them received`,
  );
  return { lines, made, received: receivedUntil(cutNs) };
}

test('disk full, memory enough: sampling never stops, and not one row is lost', {
  skip,
  timeout: FULL_MS + 200_000,
}, async (t) => {
  const bench = await setUp(t);
  bench.node.start();
  const { lines, made, received } = await fullDisk(t, bench, ({ store }) => store.pendingRows > LOAD_HZ);
  assert.equal(lines.length, LOAD_STREAMS.length);
  for (const line of lines) {
    assertAccounted(line);
    assert.deepEqual(line.gaps, {}, `${line.stream}: nothing was dropped`);
  }
  assertAllCounted(made, received, 0);
  const alarms = logLines(bench.node).filter(({ level }) => level === PINO.error);
  assert.equal(alarms.length, 1, `one alarm, not one a try: ${JSON.stringify(alarms)}`);
  assert.match(alarms[0]!.msg, /the disk refuses, rows wait in memory: .*(no space|ENOSPC)/i);
});

test('disk full, memory too small: what was acknowledged is there, what was dropped is a gap', {
  skip,
  timeout: FULL_MS + 200_000,
}, async (t) => {
  const bench = await setUp(t);
  const { node } = bench;
  node.start([BOUNDED_NODE, node.configFile, '16384']);
  const { lines, made, received } = await fullDisk(t, bench, ({ store }) =>
    store.streams.every(({ stream, gaps }) => !LOAD_STREAMS.includes(stream) || (gaps.overflow ?? 0) > 0),
  );
  assert.equal(lines.length, LOAD_STREAMS.length);
  for (const line of lines) {
    assertAccounted(line);
    assert.deepEqual(Object.keys(line.gaps), ['overflow'], `${line.stream}: dropped for want of memory`);
  }
  const lost = lines.reduce((sum, line) => sum + gapRows(line), 0);
  assertAllCounted(made, received, lost);
});

/** A reading that a stop finds between the part and the sampler is nobody's: one a part at most. */
function assertAllCounted(made: number, received: number, lost: number): void {
  const left = made - received - lost;
  assert.ok(
    left >= 0 && left <= LOAD_STREAMS.length,
    `${made} handed out: ${received} received, ${lost} in gaps`,
  );
}

function report(t: TestContext, lines: readonly SummaryLine[]): void {
  for (const line of lines) {
    t.diagnostic(
      `${line.stream}: received ${line.received}, gaps ${JSON.stringify(line.gaps)}, missing ${line.missing}, next ${line.next}`,
    );
  }
}
