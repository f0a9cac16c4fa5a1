import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { test } from 'node:test';
import { startReceiver } from '../../fleet/receive/index.js';
import { startMosquitto, WITHOUT_MOSQUITTO } from '../support/broker.js';
import { type Shape, ShapingProxy } from '../support/shaper.js';
import { until } from '../support/until.js';
import { seededRandom } from './random.js';
import { realUplink } from './real.js';

const BYTES_PER_S = 40_000;
const MEASURED_MS = 12_000;

const shape = (): Shape => ({ bytesPerS: BYTES_PER_S, rttMs: 600, loss: 0.01, random: seededRandom(7) });
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** What one TCP connection that always has something to send gets through the same link. */
async function plainTcp(): Promise<{ proxy: ShapingProxy; close(): void }> {
  const sink: Server = createServer((socket) => socket.resume()).listen(0, '127.0.0.1');
  await once(sink, 'listening');
  const proxy = await ShapingProxy.start((sink.address() as AddressInfo).port, shape());
  const source = connect(proxy.port, '127.0.0.1');
  source.on('error', () => undefined);
  const fill = () => {
    while (source.writable && source.write(Buffer.alloc(16_384)));
  };
  source.on('drain', fill);
  fill();
  const close = () => {
    source.destroy();
    proxy.close();
    sink.close();
  };
  return { proxy, close };
}

test('FAULTS 35: 1 % loss, 600 ms round trip: four fifths of what the link carries are blocks, and an alarm passes', {
  skip: WITHOUT_MOSQUITTO,
  timeout: 200_000,
}, async (t) => {
  const broker = await startMosquitto(['max_inflight_messages 200']);
  const proxy = await ShapingProxy.start(broker.port, shape());
  const plain = await plainTcp();
  const alarms: number[] = [];
  const running = await startReceiver({
    ...{ url: broker.url, clientId: 'r' },
    onResult: (result) => {
      if (result.kind === 'rows' && result.rows.header.stream === 'sos') alarms.push(performance.now());
    },
  });
  const { uplink, store } = realUplink({
    url: `mqtt://127.0.0.1:${proxy.port}`,
    window: 200,
    pubackDeadlineMs: 20_000,
  });
  try {
    await running.subscribed;
    for (let i = 0; i < 600; i++) store.commit([{ class: 'bulk', stream: 'imu', rows: 200 }]);
    uplink.start();
    await until('the link is full', () => uplink.status().receipts > 40);
    const [ours, theirs] = [proxy.upBytes, plain.proxy.upBytes];
    const late = monitorEventLoopDelay({ resolution: 10 });
    late.enable();
    const latencies: number[] = [];
    for (let i = 0; i < 4; i++) {
      const committedAt = performance.now();
      store.commit([{ class: 'alarm', stream: 'sos' }]);
      await pause(MEASURED_MS / 4);
      latencies.push((alarms[i] ?? Number.POSITIVE_INFINITY) - committedAt);
    }
    const ratio = (proxy.upBytes - ours) / (plain.proxy.upBytes - theirs);
    const worst = Math.max(...latencies);
    t.diagnostic(`${(100 * ratio).toFixed(0)} % of what plain TCP got; worst alarm ${worst.toFixed(0)} ms`);
    const lateMs = late.mean / 1e6;
    t.diagnostic(`this process ran ${lateMs.toFixed(0)} ms late on average`);
    // All of the link is made of this process's timers: where they are late, the figure is the machine's.
    if (lateMs < 30) assert.ok(ratio >= 0.8, `${ratio}`);
    assert.ok(ratio >= 0.2, `${ratio}`);
    await until('the alarms', () => alarms.length === 4);
    assert.equal(uplink.status().refusals.deadline, undefined);
  } finally {
    await uplink.stop(0);
    await running.stop();
    proxy.close();
    plain.close();
    await broker.remove();
  }
});
