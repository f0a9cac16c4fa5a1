import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { startReceiver } from '../../fleet/receive/index.js';
import { FakeWall, WITHOUT_FAKE_WALL } from '../clock/fake-wall.js';
import { makeCa, startMosquitto, WITHOUT_MOSQUITTO } from '../support/broker.js';
import { until } from '../support/until.js';
import { MAIN, TestNode } from './harness.js';

const nodeFile = (url: string, ca: string) => `
node: timeless
board: twin
parts:
  climate: { driver: bme280, bus: i2c-1, address: 0x76, every: 500ms }
store: { path: STORE, size: 16 MB, commit: 200ms }
uplink: { url: '${url}', ca: { file: ${ca} }, backoff: { min: 100ms, max: 1s } }
`;
const nowNs = () => BigInt(Date.now()) * 1_000_000n;

test('FAULTS 26: it is 1970 and no certificate is valid yet: nothing is believed, rows are kept, and the time that is proven brings the link', {
  skip: WITHOUT_MOSQUITTO || WITHOUT_FAKE_WALL,
  timeout: 200_000,
}, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'cairn-no-clock-'));
  const ca = makeCa(join(folder, 'ca'));
  const broker = await startMosquitto([], ca.issue('127.0.0.1'));
  const node = new TestNode(nodeFile(broker.url, ca.ca));
  const wall = new FakeWall(node.folder);
  const running = await startReceiver({ url: broker.url, clientId: 'r', ca: readFileSync(ca.ca) });
  t.after(async () => {
    await node.remove();
    rmSync(folder, { recursive: true });
    await running.stop();
    await broker.remove();
    wall.close();
  });
  await running.subscribed;
  wall.set(-nowNs(), false);
  // As a service's, which the unit that sets the clock knows too.
  const state = join(node.folder, 'state');
  mkdirSync(state);
  const environment = { ...wall.environment, STATE_DIRECTORY: state };
  node.start([MAIN, 'run', '--config', node.configFile], environment);
  const refused = await node.until('refused twice, and rows are kept', ({ store, uplink }) => {
    const link = uplink?.link;
    const kept = store.streams.find(({ stream }) => stream === 'climate')?.committed ?? 0;
    return link?.state === 'waiting' && link.reason.startsWith('tlsNotYetValid') && kept > 3;
  });
  assert.equal(refused.uplink?.connects, 0);
  assert.deepEqual(running.receiver.summary(), [], 'nothing was said to anybody');
  assert.match(node.log, /"level":50[^\n]*tlsNotYetValid/);
  assert.match(node.log, /clock says 1970[^\n]* at the least \(a certificate of ours begins then\)/);

  // What cairn-clock.service does with it is tested beside it (test/clock/kept-time.test.ts).
  const kept = statSync(join(state, 'clock')).mtimeMs;
  assert.ok(Math.abs(kept - Date.now()) < 60_000);
  wall.set(BigInt(kept) * 1_000_000n - nowNs(), false);
  const online = await node.until('online', ({ uplink }) => uplink?.link.state === 'online');
  const { committed } = online.store.streams.find(({ stream }) => stream === 'climate')!;
  const received = () => running.receiver.summary().find(({ stream }) => stream === 'climate');
  await until('what was kept', () => (received()?.received ?? 0) >= committed);
  assert.deepEqual([received()?.missing, received()?.gaps], [0, {}]);
  assert.equal(online.time.wallNs, undefined, 'a time that is only proven to have passed anchors nothing');
  t.diagnostic(`${refused.store.committedRows} rows kept while no certificate was valid, 0 missing after it`);
});
