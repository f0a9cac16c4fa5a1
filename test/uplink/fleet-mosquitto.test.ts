import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { connectAsync } from 'mqtt';
import { type RunningReceiver, startReceiver } from '../../fleet/receive/index.js';
import type { UplinkConfig } from '../../runtime/config/types.js';
import { receiptTopic } from '../../wire/index.js';
import { root } from '../house/imports.js';
import { type Mosquitto, startMosquitto, WITHOUT_MOSQUITTO } from '../support/broker.js';
import { TcpProxy } from '../support/proxy.js';
import { until } from '../support/until.js';
import { FakeStore } from './fake-store.js';
import { FLEET_KEY } from './fleet-rig.js';
import { realUplink } from './real.js';

/** Custody `fleet` over a real broker: nodes and receivers that come and go, answers that are lost, a broker that forgets. */

const options = { skip: WITHOUT_MOSQUITTO, timeout: 200_000 };
const telemetry = { class: 'telemetry', stream: 'climate', rows: 5 } as const;
const RECEIPT_MS = 1_000;

/** A broker, and the ends of what was started on it. */
async function withBroker(
  extra: readonly string[],
  run: (broker: Mosquitto, ends: (() => unknown)[]) => Promise<void>,
): Promise<void> {
  const broker = await startMosquitto(extra);
  const ends: (() => unknown)[] = [];
  try {
    await run(broker, ends);
  } finally {
    for (const end of ends.reverse()) await Promise.resolve(end()).catch(() => undefined);
    await broker.remove();
  }
}

function receiverOf(broker: Mosquitto, more: { username?: string } = {}): Promise<RunningReceiver> {
  const ledgerFile = join(broker.folder, 'ledger.jsonl');
  return startReceiver({ url: broker.url, clientId: 'r', ledgerFile, receiptKey: FLEET_KEY, ...more });
}

function fleetUplink(url: string, store = new FakeStore(), more: Partial<UplinkConfig> = {}) {
  const fleet = { keys: [], receiptDeadlineMs: RECEIPT_MS };
  return realUplink({ url, fleet, ...more }, store, undefined, [FLEET_KEY.publicKey]);
}

const lineOf = (running: RunningReceiver) =>
  running.receiver.summary().find((line) => line.stream === 'climate');

for (const protocol of ['5', '3.1.1'] as const) {
  test(`MQTT ${protocol}: all arrives, is receipted, and is freed; meta too`, options, () =>
    withBroker([], async (broker, ends) => {
      const running = await receiverOf(broker);
      ends.push(() => running.stop());
      await running.subscribed;
      const { uplink, store } = fleetUplink(broker.url, undefined, { protocol });
      ends.push(() => uplink.stop(0));
      store.commitMeta({ kind: 'boot', value: { boot: 3, bootId: 'x', software: 'y' } });
      for (let i = 0; i < 100; i++) store.commit([telemetry, telemetry, { class: 'alarm', stream: 'sos' }]);
      uplink.start();
      await until('all blocks have receipts', () => store.left.length === 0);
      const { receipts, waiting, badReceipts } = uplink.status();
      assert.deepEqual([receipts, waiting, badReceipts], [301, 0, {}]);
      assert.equal(lineOf(running)?.received, 1000);
      assert.equal(lineOf(running)?.missing, 0);
    }),
  );
}

test(
  'MQTT 3.1.1, nobody subscribes: the broker acknowledges and drops; custody fleet keeps all of it',
  options,
  () =>
    withBroker([], async (broker, ends) => {
      const { uplink, store } = fleetUplink(broker.url, undefined, { protocol: '3.1.1' });
      ends.push(() => uplink.stop(0));
      for (let i = 0; i < 20; i++) store.commit([telemetry]);
      uplink.start();
      await until('all are with the broker', () => uplink.status().waiting === 20);
      assert.equal(store.left.length, 20);
      const running = await receiverOf(broker);
      ends.push(() => running.stop());
      await until('all blocks have receipts', () => store.left.length === 0);
      assert.equal(lineOf(running)?.received, 100);
      assert.ok(uplink.status().resends >= 20);
    }),
);

for (const custody of ['broker', 'fleet'] as const) {
  test(
    `a broker that is killed with its queue, custody ${custody}: ${custody === 'fleet' ? 'nothing' : 'what it acknowledged'} is lost`,
    options,
    (t) =>
      withBroker([], async (broker, ends) => {
        const before = await receiverOf(broker);
        await before.subscribed;
        const real = custody === 'fleet' ? fleetUplink(broker.url) : realUplink({ url: broker.url });
        const { uplink, store } = real;
        ends.push(() => uplink.stop(0));
        for (let i = 0; i < 10; i++) store.commit([telemetry]);
        uplink.start();
        await until('the first blocks', () => store.left.length === 0);
        await until('their rows', () => lineOf(before)?.received === 50);
        await before.stop();
        for (let i = 0; i < 30; i++) store.commit([telemetry]);
        await until('the broker has the rest', () =>
          custody === 'fleet' ? uplink.status().waiting === 30 : store.left.length === 0,
        );
        // Its database is written at SIGTERM only: the queue of the receiver that is away is gone.
        await broker.kill('SIGKILL');
        await broker.start();
        const after = await receiverOf(broker);
        ends.push(() => after.stop());
        await after.subscribed;
        for (let i = 0; i < 10; i++) store.commit([telemetry]);
        await until('the store is empty', () => store.left.length === 0);
        await until('the last rows', () => lineOf(after)?.next === 250);
        const line = lineOf(after)!;
        t.diagnostic(
          `custody ${custody}: of 250 rows ${line.received} received, ${line.missing} lost without a gap`,
        );
        assert.deepEqual([line.received, line.missing], custody === 'fleet' ? [250, 0] : [100, 150]);
      }),
  );
}

test(
  'FAULTS 30: a proxy that loses answers, PUBACKs and receipts: all is sent again, the receiver drops the doubles',
  options,
  (t) =>
    withBroker([], async (broker, ends) => {
      const proxy = await TcpProxy.start(broker.port);
      ends.push(() => proxy.close());
      const running = await receiverOf(broker);
      ends.push(() => running.stop());
      await running.subscribed;
      const store = new FakeStore();
      const { uplink } = fleetUplink(`mqtt://127.0.0.1:${proxy.port}`, store);
      ends.push(() => uplink.stop(0));
      let [chunks, lost] = [0, 0];
      // Every twelfth: some are PUBACKs, some receipts; the connection's first answers pass, or nothing would ever be sent.
      proxy.losesDown = () => ++chunks % 12 === 0 && ++lost > 0;
      for (let i = 0; i < 400; i++) store.commit([telemetry]);
      uplink.start();
      await until(
        'ten answers are lost',
        () => {
          if (store.left.length === 0 && lost < 10) for (let i = 0; i < 50; i++) store.commit([telemetry]);
          return lost >= 10;
        },
        40_000,
      );
      proxy.losesDown = () => false;
      await until('all blocks have receipts', () => store.left.length === 0);
      const line = lineOf(running)!;
      t.diagnostic(
        `${lost} answers lost: ${line.blocks} blocks, ${line.duplicates} doubles dropped, ${line.missing} rows lost`,
      );
      assert.deepEqual([line.missing, line.conflicts], [0, 0]);
      assert.equal(line.received, line.next);
      assert.ok(line.duplicates > 0, 'something was sent twice');
      assert.equal(store.disposed.length, line.blocks, 'each block was freed, once');
    }),
);

test(
  'the access list of docs/wire-format.md: a node reads its own receipts, only the fleet writes them',
  options,
  async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'cairn-acl-'));
    t.after(() => rmSync(folder, { recursive: true, force: true }));
    const docs = readFileSync(join(root, 'docs/wire-format.md'), 'utf8');
    const list = /An access list for mosquitto[^:]*:\n\n((?: {4}[^\n]*\n|\n)+)/.exec(docs);
    assert.ok(list, 'the page has the list');
    const acl = join(folder, 'acl');
    writeFileSync(acl, list[1]!.replace(/^ {4}/gm, ''), { mode: 0o644 });
    await withBroker([`acl_file ${acl}`], async (broker, ends) => {
      // The user name is the node's id, as certificates give it (use_identity_as_username); this broker believes any.
      const clientOf = async (username: string, topic: string) => {
        const client = await connectAsync(broker.url, { username, protocolVersion: 5, reconnectPeriod: 0 });
        ends.push(() => client.endAsync(true));
        const got: string[] = [];
        client.on('message', (at) => got.push(at));
        await client.subscribeAsync(topic, { qos: 1 }).catch(() => undefined);
        return { client, got };
      };
      const store = new FakeStore();
      const own = receiptTopic(store.node);
      const other = await clientOf('ffffffffffffffff', own);
      const fleet = await clientOf('fleet', receiptTopic('+'));
      const node = await clientOf(store.node, own);
      for (const username of [store.node, 'ffffffffffffffff']) {
        const { client } = await clientOf(username, own);
        await assert.rejects(client.publishAsync(own, 'forged', { qos: 1 }), { code: 0x87 });
      }
      const running = await receiverOf(broker, { username: 'fleet' });
      ends.push(() => running.stop());
      await running.subscribed;
      const { uplink } = fleetUplink(broker.url, store, { username: store.node });
      ends.push(() => uplink.stop(0));
      store.commit([telemetry]);
      uplink.start();
      await until('its receipt', () => store.left.length === 0);
      await until('whoever may read it has it', () => fleet.got.length > 0 && node.got.length > 0);
      assert.deepEqual(
        [other.got, node.got, fleet.got],
        [[], [own], [own]],
        'one receipt, and no forgery before it',
      );
      assert.deepEqual(uplink.status().badReceipts, {});
    });
  },
);
