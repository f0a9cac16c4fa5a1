import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startReceiver } from '../../fleet/receive/index.js';
import { startMosquitto, WITHOUT_MOSQUITTO } from '../support/broker.js';
import { TcpProxy } from '../support/proxy.js';
import { StubBroker } from '../support/stub-broker.js';
import { until } from '../support/until.js';
import { realUplink } from './real.js';

const options = { skip: WITHOUT_MOSQUITTO, timeout: 200_000 };
const telemetry = { class: 'telemetry', stream: 'climate', rows: 5 } as const;

test(
  'FAULTS 28: a half-open link with blocks on it is found by the deadline; nothing is lost',
  options,
  async (t) => {
    const broker = await startMosquitto();
    const proxy = await TcpProxy.start(broker.port);
    const running = await startReceiver({ url: broker.url, clientId: 'r' });
    const { uplink, store } = realUplink({ url: `mqtt://127.0.0.1:${proxy.port}`, pubackDeadlineMs: 600 });
    try {
      await running.subscribed;
      uplink.start();
      await until('online', () => uplink.status().link.state === 'online');
      proxy.frozen = true;
      for (let i = 0; i < 10; i++) store.commit([telemetry]);
      const began = Date.now();
      await until('the link is given up', () => uplink.status().link.state !== 'online');
      t.diagnostic(
        `found after ${Date.now() - began} ms, with a deadline of 600 ms and a keep-alive of 10 s`,
      );
      assert.equal(store.left.length, 10);
      proxy.cut();
      proxy.frozen = false;
      await until('all blocks have receipts', () => store.left.length === 0);
      await until('the ledger is whole', () => running.receiver.summary()[0]?.received === 50);
      assert.equal(uplink.status().refusals.deadline! >= 1, true);
    } finally {
      await uplink.stop(0);
      await running.stop();
      proxy.close();
      await broker.remove();
    }
  },
);

test('FAULTS 28: an idle half-open link is found by the keep-alive', options, async (t) => {
  const broker = await startMosquitto();
  const proxy = await TcpProxy.start(broker.port);
  const { uplink } = realUplink({ url: `mqtt://127.0.0.1:${proxy.port}`, keepAliveS: 2 });
  try {
    uplink.start();
    await until('online', () => uplink.status().link.state === 'online' && uplink.status().inFlight === 0);
    proxy.frozen = true;
    const began = Date.now();
    await until('the link is given up', () => uplink.status().link.state !== 'online');
    // That it is 1.5, heartbeat.test.ts shows on a clock of its own.
    t.diagnostic(`found after ${((Date.now() - began) / 2000).toFixed(2)} keep-alives of 2 s`);
  } finally {
    await uplink.stop(0);
    proxy.close();
    await broker.remove();
  }
});

test('FAULTS 28: a server that asks for a long keep-alive of its own changes nothing', options, async () => {
  const broker = await StubBroker.start();
  broker.serverKeepAliveS = 3_600;
  broker.pongs = false;
  const { uplink, reason } = realUplink({ url: broker.url, keepAliveS: 1 });
  try {
    uplink.start();
    await until('online', () => uplink.status().link.state === 'online');
    await until('found', () => reason().startsWith('timeout'));
    assert.equal(broker.pings, 1);
  } finally {
    await uplink.stop(0);
    broker.close();
  }
});

test('a server that asks for a short keep-alive gets its pings', options, async () => {
  const broker = await StubBroker.start();
  broker.serverKeepAliveS = 1;
  const { uplink } = realUplink({ url: broker.url, keepAliveS: 3_600 });
  try {
    uplink.start();
    await until('two pings', () => broker.pings >= 2);
    assert.equal(broker.connects, 1);
  } finally {
    await uplink.stop(0);
    broker.close();
  }
});

test(
  'FAULTS 28: a block that a slow link takes longer for than 1.5 keep-alives leaves all the same',
  options,
  async (t) => {
    const broker = await StubBroker.start();
    const proxy = await TcpProxy.start(broker.port);
    proxy.upBytesPerS = 8_000;
    const { uplink, store } = realUplink({ url: `mqtt://127.0.0.1:${proxy.port}`, keepAliveS: 1 });
    const [block] = store.commit([{ ...telemetry, rows: 4_096 }]);
    try {
      uplink.start();
      await until('it has its receipt', () => store.left.length === 0);
      const { connects, refusals } = uplink.status();
      const neededS = block!.bytes.length / proxy.upBytesPerS;
      t.diagnostic(`${neededS.toFixed(1)} s on the link, keep-alive 1 s: ${connects} connects`);
      assert.ok(neededS > 3, 'the test is one');
      assert.equal(refusals.deadline, connects - 1, 'no other reason ended a link');
    } finally {
      await uplink.stop(0);
      proxy.close();
      broker.close();
    }
  },
);

test('the link is cut again and again: the receiver has each row once', options, async () => {
  const broker = await startMosquitto();
  const proxy = await TcpProxy.start(broker.port);
  const running = await startReceiver({ url: broker.url, clientId: 'r' });
  const { uplink, store } = realUplink({
    url: `mqtt://127.0.0.1:${proxy.port}`,
    window: 10,
    backoffMaxMs: 60,
  });
  const timer = setInterval(() => proxy.cut(), 120);
  try {
    await running.subscribed;
    for (let i = 0; i < 3000; i++) store.commit([telemetry]);
    uplink.start();
    await until('cut three times', () => proxy.connections > 3);
    clearInterval(timer);
    await until('all blocks have receipts', () => store.left.length === 0);
    const [line] = running.receiver.summary();
    assert.deepEqual([line?.received, line?.missing, line?.conflicts], [15_000, 0, 0]);
  } finally {
    clearInterval(timer);
    await uplink.stop(0);
    await running.stop();
    proxy.close();
    await broker.remove();
  }
});

test('both ends stop on a half-open link without waiting for its keep-alive', options, async () => {
  const broker = await startMosquitto();
  const proxy = await TcpProxy.start(broker.port);
  const url = `mqtt://127.0.0.1:${proxy.port}`;
  const running = await startReceiver({ url, clientId: 'r' });
  const { uplink, store } = realUplink({ url });
  try {
    await running.subscribed;
    uplink.start();
    await until('online', () => uplink.status().link.state === 'online');
    proxy.frozen = true;
    store.commit([telemetry]);
    const began = Date.now();
    await Promise.all([uplink.stop(300), running.stop()]);
    // 15 s from the last word; a busy machine takes its time too.
    assert.ok(Date.now() - began < 10_000);
    assert.equal(store.left.length, 1);
  } finally {
    proxy.close();
    await broker.remove();
  }
});
