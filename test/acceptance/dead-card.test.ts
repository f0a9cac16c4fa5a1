import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ReceivedNotice, startReceiver } from '../../fleet/receive/index.js';
import { startMosquitto, WITHOUT_MOSQUITTO } from '../support/broker.js';
import { until } from '../support/until.js';
import { cannotFail, FailingDisk } from './failing-disk.js';
import { TestNode } from './harness.js';
import { logLines, PINO } from './load.js';

const NODE_FILE = (url: string) => `
node: dead-card
board: twin
parts:
  sos: { driver: lis3mdl, bus: i2c-1, address: 0x1c, every: 2s, dataRateHz: 80, class: alarm }
  field: { driver: lis3mdl, bus: i2c-1, address: 0x1e, every: 1s, dataRateHz: 80 }
store: { path: STORE, size: 16 MB, commit: 200ms, reserve: 2s }
uplink: { url: '${url}', backoff: { min: 100ms, max: 1s } }
`;

for (const when of ['from the start', 'while the node runs'] as const) {
  test(`FAULTS 8: a card that is dead ${when} silences no alarm: each is told without a number, and nothing else is`, {
    skip: cannotFail || WITHOUT_MOSQUITTO,
    timeout: 120_000,
  }, async (t) => {
    const disk = new FailingDisk();
    const broker = await startMosquitto();
    const node = new TestNode(NODE_FILE(broker.url), disk.storePath);
    const notices: ReceivedNotice[] = [];
    const receiver = await startReceiver({
      ...{ url: broker.url, clientId: 'dead-card-test', protocol: '5' },
      onResult: (result) => void (result.kind === 'notice' && notices.push(result.notice)),
    });
    t.after(async () => {
      await node.remove();
      await receiver.stop();
      await broker.remove();
      disk.remove();
    });
    await receiver.subscribed;
    if (when === 'from the start') disk.fail();
    node.start();
    if (when === 'while the node runs') {
      await node.until('alarms are kept', ({ store }) => store.committedRows > 5);
      assert.equal(notices.length, 0, 'what the disk takes has a number');
      disk.fail();
    }
    const failedAt = Date.now();
    await until('three alarms are told', () => notices.length >= 3);
    t.diagnostic(`3 alarms told within ${Date.now() - failedAt} ms of a dead disk, one every 2 s`);
    for (const { stream, records } of notices) {
      assert.equal(stream, 'sos');
      assert.ok(
        records.some(({ n, v }) => n === 'fieldX' && typeof v === 'number'),
        JSON.stringify(records),
      );
    }
    const errors = logLines(node).filter(
      ({ level, msg }) => level === PINO.error && /without a number/.test(msg),
    );
    assert.equal(errors.length, 1, 'said once a minute, not once an alarm');

    disk.repair();
    await node.until('it writes again', ({ store }) => store.health.state === 'ok');
    const told = notices.length;
    const received = () => receiver.receiver.summary().find(({ stream }) => stream === 'sos')?.received ?? 0;
    await until('they come with their numbers', () => received() >= told);
    t.diagnostic(`${told} notices; then ${received()} of its rows with their numbers`);
  });
}
