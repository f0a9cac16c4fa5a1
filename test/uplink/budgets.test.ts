import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LinkClass, UplinkConfig } from '../../runtime/config/types.js';
import type { UplinkOptions } from '../../runtime/uplink/index.js';
import { linkClassOf } from '../../runtime/uplink/link-class.js';
import { wireBytes } from '../../runtime/uplink/meter.js';
import type { MqttConnect } from '../../runtime/uplink/mqtt-port.js';
import { receiptTopic, signReceipt } from '../../wire/index.js';
import { SimClock } from '../support/sim-clock.js';
import { FakePort } from './fake-port.js';
import { FLEET_KEY, heldBlock } from './fleet-rig.js';
import { alarm, rig, telemetry, topics } from './rig.js';

const SATELLITE: LinkClass = {
  name: 'satellite',
  interface: 'ppp*',
  budgetBytesPerDay: 50_000,
  thin: ['bulk'],
};
const HOUR_MS = 3_600_000;

const info = (address: string) =>
  ({ address, netmask: '', mac: '', internal: false, cidr: null, family: 'IPv4' }) as const;
const interfaces = () => ({
  lo: [info('127.0.0.1')],
  ppp0: [info('10.64.0.2')],
  wlan0: [info('192.168.1.5')],
});

/** A port whose connections tell what they carried: each payload and its topic, and so much for the handshake. */
function carrying(port: FakePort, localAddress: string, handshakeBytes = 1_000): MqttConnect {
  return (options, events) => {
    let sentBytes = handshakeBytes;
    const link = port.connect(options, events);
    return {
      ...link,
      publish: (message) => {
        sentBytes += message.payload.length + message.topic.length + 7;
        return link.publish(message);
      },
      traffic: () => ({ sentBytes, receivedBytes: 0, localAddress }),
    };
  };
}

function metered(
  localAddress = '10.64.0.2',
  file = new Map<'text', string>(),
  clock = new SimClock(),
  fleet?: UplinkConfig['fleet'],
  health?: UplinkOptions['health'],
) {
  const port = new FakePort();
  const writes: string[] = [];
  const all = rig(
    { links: [SATELLITE], window: 100, pubackDeadlineMs: 120_000, keepAliveS: 600, ...(fleet && { fleet }) },
    {
      fleetKeys: [FLEET_KEY.publicKey],
      ...{ connect: carrying(port, localAddress), interfaces, clock, ...(health && { health }) },
      budgetFile: {
        read: () => file.get('text'),
        write: async (text) => {
          writes.push(text);
          file.set('text', text);
        },
      },
    },
  );
  const online = async () => {
    all.uplink.start();
    port.accept();
    await clock.advance(0);
  };
  /** So much time, with every publish answered at once. */
  const run = async (ms: number, stepMs = 1_000) => {
    const sent: string[] = [];
    for (let passed = 0; passed < ms; passed += stepMs) {
      sent.push(...topics(port.answerAll()));
      await clock.advance(stepMs);
    }
    return sent;
  };
  return { ...all, port, clock, online, run, writes, file };
}

test('the class of a link is that of the interface which has its address', () => {
  const links = [SATELLITE, { ...SATELLITE, name: 'any', interface: '*' }];
  assert.equal(linkClassOf('10.64.0.2', interfaces, links)?.name, 'satellite');
  assert.equal(linkClassOf('::ffff:10.64.0.2', interfaces, links)?.name, 'satellite');
  assert.equal(linkClassOf('192.168.1.5', interfaces, links)?.name, 'any');
  assert.equal(linkClassOf('192.168.1.5', interfaces, [SATELLITE]), undefined);
  assert.equal(linkClassOf(undefined, interfaces, links), undefined);
  assert.equal(linkClassOf('10.0.0.1', interfaces, links), undefined);
});

test('headers are counted: two segments of 52 bytes for each 1400 of data, or part of it', () => {
  // IPv4 20 (RFC 791), TCP 20 (RFC 9293), timestamps 12 (RFC 7323); the other segment is the acknowledgement.
  assert.equal(wireBytes(0), 0);
  assert.equal(wireBytes(1), 105);
  assert.equal(wireBytes(2_800), 2_800 + 208);
});

test('a day’s budget: telemetry stops with a fifth of it left, an alarm passes even beyond, the rest waits in the store', async () => {
  const { store, uplink, online, run, log } = metered();
  for (let i = 0; i < 200; i++) store.commit([{ ...telemetry, rows: 100 }]);
  await online();
  await run(60_000);
  const [status] = uplink.status().budgets;
  assert.ok(
    status!.isCurrent && status!.leftBytes > 9_000 && status!.leftBytes <= 10_000,
    `${status!.leftBytes} left`,
  );
  assert.ok(Math.abs(status!.usedBytes + status!.leftBytes - 50_000) < 100);
  assert.ok(store.left.length > 100, 'the rest waits');
  assert.equal(
    store.disposed.every((one) => one.kind === 'receipt'),
    true,
  );
  for (let i = 0; i < 150; i++) {
    store.commit([alarm]);
    await run(1_000);
  }
  await run(2_000);
  assert.equal(store.left.filter((one) => one.position.class === 'alarm').length, 0, 'alarms all went');
  assert.ok(uplink.status().budgets[0]!.leftBytes < 0);
  assert.ok(log.some((line) => line.includes("'satellite' are used up")));
});

test('the budget refills with the time that the machine runs, whatever the wall clock says', async () => {
  const { store, uplink, online, run } = metered();
  for (let i = 0; i < 1_500; i++) store.commit([{ ...telemetry, rows: 100 }]);
  await online();
  await run(60_000);
  const first = uplink.status().budgets[0]!.usedBytes;
  await run(24 * HOUR_MS, 60_000);
  const second = uplink.status().budgets[0]!.usedBytes - first;
  assert.ok(second > 48_000 && second < 52_500, `${second} bytes in the next day`);
});

test('what no receipt came for waits for its class’s share of the budget too; an alarm is sent again whatever is left', async () => {
  const fleet = { keys: [], receiptDeadlineMs: 60_000 };
  const { store, port, uplink, online, run } = metered('10.64.0.2', new Map(), new SimClock(), fleet);
  const [heard] = store.commit([
    alarm,
    alarm,
    ...Array.from({ length: 200 }, () => ({ ...telemetry, rows: 100 })),
  ]);
  await online();
  const first = await run(50_000);
  const isTelemetry = (topic: string) => topic.startsWith('telemetry');
  assert.ok(first.some(isTelemetry) && uplink.status().budgets[0]!.leftBytes <= 10_000, 'its share is used');
  // Somebody signs: all that is overdue is worth sending again.
  const receipt = { node: store.node, issue: 0, blocks: [heldBlock(heard!)] };
  port.last.events.message(
    receiptTopic(store.node),
    signReceipt(receipt, FLEET_KEY.kid, FLEET_KEY.privateKey),
  );
  const again = (await run(2 * HOUR_MS, 10_000)).filter((topic) => topic.startsWith('alarm'));
  assert.ok(again.length >= 2, `the alarm asked ${again.length} times in two hours`);
  const { leftBytes } = uplink.status().budgets[0]!;
  assert.ok(leftBytes > 8_500, `nothing but alarms went into the rest: ${leftBytes} bytes`);
});

test('how the node is costs a twentieth of a day’s bytes, and nothing of what is left to others', async () => {
  let telling = { parts: { climate: 'ok' }, text: 'x'.repeat(1_000) };
  const metering = () => metered('10.64.0.2', new Map(), new SimClock(), undefined, async () => telling);
  const { online, run } = metering();
  await online();
  const isStatus = (topic: string) => topic === 'status';
  const first = (await run(24 * HOUR_MS, 10_000)).filter(isStatus);
  // The birth and the first; at 1,504 bytes a message on the wire, 2,500 bytes a day are one each 14.4 hours.
  assert.equal(first.length, 3);
  telling = { ...telling, parts: { climate: 'failing' } };
  assert.equal(
    (await run(180_000, 10_000)).filter(isStatus).length,
    1,
    'a word that changed is told at once',
  );
  const used = metering();
  for (let i = 0; i < 200; i++) used.store.commit([{ ...telemetry, rows: 100 }]);
  await used.online();
  await used.run(60_000);
  telling = { ...telling, parts: { climate: 'missing' } };
  assert.equal((await used.run(HOUR_MS, 10_000)).filter(isStatus).length, 0, 'telemetry has the rest');
});

test('what was used survives a restart, is never forgotten by a crash, and costs few writes', async () => {
  const first = metered();
  for (let i = 0; i < 200; i++) first.store.commit([{ ...telemetry, rows: 100 }]);
  await first.online();
  await first.run(24 * HOUR_MS, 60_000);
  const { leftBytes } = first.uplink.status().budgets[0]!;
  assert.ok(first.writes.length > 10 && first.writes.length <= 150, `${first.writes.length} writes in a day`);
  const second = metered('10.64.0.2', first.file);
  const after = second.uplink.status().budgets[0]!.leftBytes;
  assert.ok(after <= leftBytes && after >= leftBytes - 0.08 * 50_000, `${after} of ${leftBytes}`);
});

test('a file of budgets that can’t be read begins no fresh day', () => {
  const { uplink, log } = metered('10.64.0.2', new Map([['text', '{"satellite": 12']]));
  assert.equal(uplink.status().budgets[0]!.leftBytes, 0);
  assert.ok(log.some((line) => line.startsWith('error') && line.includes('budgets')));
});

test('another link is free, and what a connection costs before MQTT speaks is counted', async () => {
  const free = metered('192.168.1.5');
  for (let i = 0; i < 200; i++) free.store.commit([{ ...telemetry, rows: 100 }]);
  await free.online();
  await free.run(60_000);
  assert.equal(free.store.left.length, 0);
  assert.equal(free.uplink.status().budgets[0]!.usedBytes, 0);
  const refused = metered();
  refused.uplink.start();
  refused.port.down('auth');
  // 1000 bytes of a handshake, its acknowledged segment, and seven segments to open and close.
  assert.equal(refused.uplink.status().budgets[0]!.usedBytes, 1_000 + 104 + 7 * 52);
});

test('bulk that the budget can’t carry: whole up to half of its share, then evenly thinned as fast as new comes, the newest kept', async (t) => {
  const { store, online, run } = metered();
  const quotaBytes = 200_000;
  let commits = 0;
  const bulk = { class: 'bulk', stream: 'imu', rows: 100 } as const;
  const held = () =>
    store.left.filter((one) => one.position.class === 'bulk').reduce((sum, one) => sum + one.bytes.length, 0);
  store.status = () => {
    const classes = [{ class: 'bulk', commits: 0, blocks: 0, bytes: held(), quotaBytes }];
    return { classes, commits } as unknown as ReturnType<typeof store.status>;
  };
  await online();
  const first = store.commit([bulk])[0]!.bytes.length;
  const produce = async (blocks: number) => {
    for (let i = 0; i < blocks; i++) {
      commits++;
      store.commit([bulk]);
      await run(60_000, 5_000);
    }
  };
  await produce(150);
  const thinnedOf = () => store.disposed.filter((one) => one.kind === 'thinned');
  assert.equal(thinnedOf().length, 0, 'there is room');
  await produce(900);
  const thinned = thinnedOf().map((one) => one.position.commit);
  const kept = store.disposed.filter((one) => one.kind === 'receipt').map((one) => one.position.commit);
  assert.ok(held() > 0.4 * quotaBytes && held() < 0.6 * quotaBytes, `${held()} bytes are kept whole`);
  const newest = store.left.map((one) => one.position.commit);
  assert.ok(Math.max(...thinned) < Math.min(...newest), 'the oldest were given up, the newest are whole');
  assert.equal(new Set([...thinned, ...kept, ...newest]).size, thinned.length + kept.length + newest.length);
  const later = kept.filter((commit) => commit > thinned[0]!);
  const steps = later.slice(1).map((commit, i) => commit - later[i]!);
  t.diagnostic(
    `blocks of ${first} bytes; ${thinned.length} thinned, one kept every ${Math.min(...steps)} to ${Math.max(...steps)}`,
  );
  assert.ok(later.length > 5 && Math.max(...steps) <= 3 * Math.min(...steps) + 3, `steps ${steps}`);
});
