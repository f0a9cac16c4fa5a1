import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { startReceiver } from '../../fleet/receive/index.js';
import { startMosquitto, WITHOUT_MOSQUITTO } from '../support/broker.js';
import { startCountingTwins, TestNode, writeSocketBoard } from './harness.js';

/** The run of the issue is 180 s with a broker that is away for 60; the suite's is shorter, `npm run nightly` has the whole. */
const RUN_MS = Number(process.env.CAIRN_KILL_RUN_MS ?? 10_000);
const KILLS = 3;
const RATE_HZ = 200;
/** So many each life of the node commits at the least, however long a busy machine takes for them. */
const ROWS_OF_A_LIFE = (RATE_HZ * RUN_MS) / 1000 / (KILLS + 1);
const COMMIT_MS = 1_000;
const RESERVE_MS = 2_000;
const STREAMS = ['a', 'b', 'c', 'd'];

function nodeFile(url: string): string {
  return `
node: killed
board: ./board.yaml
parts:
  a: { driver: lis3mdl, bus: i2c-1, address: 0x1c, every: 20ms, dataRateHz: 80 }
  b: { driver: lis3mdl, bus: i2c-1, address: 0x1e, every: 20ms, dataRateHz: 80 }
  c: { driver: lis3mdl, bus: i2c-2, address: 0x1c, every: 20ms, dataRateHz: 80 }
  d: { driver: lis3mdl, bus: i2c-2, address: 0x1e, every: 20ms, dataRateHz: 80 }
store: { path: STORE, size: 64 MB, commit: ${COMMIT_MS}ms, reserve: ${RESERVE_MS}ms }
uplink: { url: '${url}', backoff: { min: 100ms, max: 1s } }
`;
}

test('killed three times at 200 readings/s, the broker away meanwhile: every number is received or in a gap', {
  skip: WITHOUT_MOSQUITTO,
  timeout: 4 * RUN_MS + 120_000,
}, async (t) => {
  const broker = await startMosquitto();
  const node = new TestNode(nodeFile(broker.url));
  const sockets = ['i2c-1', 'i2c-2'].map((bus) => join(node.folder, `${bus}.sock`));
  writeSocketBoard(node.folder);
  const twins = await startCountingTwins(sockets);
  const receiver = await startReceiver({ url: broker.url, clientId: 'kill-test', protocol: '5' });
  t.after(async () => {
    await node.remove();
    await receiver.stop();
    await twins.stop();
    await broker.remove();
  });
  await receiver.subscribed;
  let acknowledged = 0;
  /** Until so many rows of this life are committed; what it says of them is a promise. */
  const live = async (rows: number) => {
    const { store } = await node.until(
      `${rows} rows`,
      ({ store: { committedRows } }) => committedRows >= rows,
      RUN_MS + 60_000,
    );
    return store.committedRows;
  };
  const kill = async () => {
    acknowledged += await live(ROWS_OF_A_LIFE);
    // Anywhere between two commits.
    await new Promise((resolve) => setTimeout(resolve, Math.random() * COMMIT_MS));
    await node.stop('SIGKILL');
    node.start();
  };

  node.start();
  await live(ROWS_OF_A_LIFE / 2);
  await broker.kill('SIGTERM');
  await kill();
  await kill();
  await broker.start();
  await kill();
  // Of what this one commits last some may still be in its store at the end.
  await live(ROWS_OF_A_LIFE);
  await node.until(
    'drained',
    (status) =>
      status.uplink?.link.state === 'online' &&
      status.store.classes.every((one) => one.class === 'log' || one.blocks < 20),
    60_000,
  );
  assert.equal(await node.stop(), 0, node.log.slice(-2000));
  const produced = await twins.counts();
  // What the node put last is on its way through the broker.
  const ends = Date.now() + 10_000;
  const lines = () => receiver.receiver.summary().filter((line) => STREAMS.includes(line.stream));
  const received = () => receiver.receiver.summary().reduce((sum, line) => sum + line.received, 0);
  while (Date.now() < ends && (lines().some((line) => line.missing > 0) || received() < acknowledged))
    await new Promise((resolve) => setTimeout(resolve, 100));

  for (const [i, stream] of STREAMS.entries()) {
    const line = lines().find((candidate) => candidate.stream === stream)!;
    const gap = Object.values(line.gaps).reduce((sum, rows) => sum + rows, 0);
    const made = produced[`${sockets[i >> 1]} ${[0x1c, 0x1e][i & 1]}`]!;
    t.diagnostic(
      `${stream}: the twin handed out ${made}; received ${line.received}, gaps ${JSON.stringify(line.gaps)}, missing ${line.missing}, next ${line.next}, duplicates ${line.duplicates}`,
    );
    assert.equal(line.missing, 0, `${stream}: rows are missing: ${JSON.stringify(line.missingRanges)}`);
    assert.equal(line.received + gap, line.next, `${stream}: received and gaps make up all numbers`);
    assert.equal(line.conflicts + line.contradictions, 0);
    assert.deepEqual(
      Object.keys(line.gaps).filter((cause) => cause !== 'uncleanStop'),
      [],
      'no other cause than the kills',
    );
    // Each row was handed out by the twin; what it handed out and nobody received must fit into the gaps.
    assert.ok(line.received <= made, `${stream}: ${line.received} received of ${made}`);
    assert.ok(
      made - line.received <= gap,
      `${stream}: ${made - line.received} lost, only ${gap} accounted for`,
    );
    const window = (KILLS * (RATE_HZ / STREAMS.length) * (COMMIT_MS + RESERVE_MS)) / 1000;
    assert.ok(
      gap <= window,
      `${stream}: ${gap} rows in gaps, at most ${window} are one commit window and the reserve, ${KILLS} times`,
    );
  }
  // All streams, as the node counts them; and each life had its load.
  t.diagnostic(`${acknowledged} rows acknowledged before the kills, ${received()} received`);
  assert.ok(received() >= acknowledged, `${received()} of ${acknowledged} acknowledged`);
});
