import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { connectAsync } from 'mqtt';
import { systemClock } from '../runtime/clock/index.js';
import type { UplinkConfig } from '../runtime/config/index.js';
import { createUplink, mqttJs } from '../runtime/uplink/index.js';
import { MOSQUITTO, startMosquitto } from '../test/support/broker.js';
import { inFolder, processCost, seconds } from './measure.js';
import type { Bench, Report } from './report.js';
import { openBenchStore, rowMaker } from './store-rows.js';

const ROWS = 100_000;
/** Publishes under way at once, ours and theirs. */
const WINDOW = 100;
const STREAMS = ['imu-a', 'imu-b', 'imu-c', 'imu-d'];
const BLOCK_ROWS = 64;
const DEADLINE_S = 60;

interface Drained {
  readonly rows: number;
  readonly tookS: number;
  readonly cpuUs: number;
  readonly bytes: number;
}

/** How fast a backlog leaves once the link is back, until the last receipt, and what it weighs on the way. */
export const uplink: Bench = {
  name: 'uplink',
  title: `uplink: a backlog of ${ROWS.toLocaleString('en-US')} readings to mosquitto, QoS 1, ${WINDOW} under way`,
  run: async (): Promise<Report> => {
    if (!MOSQUITTO) return { figures: [], notes: ['left out: mosquitto is not installed'] };
    const ours = await toBroker(drainStore);
    const peer = await toBroker(publishEach);
    const name = 'MQTT.js, a reading a message';
    const figure = (what: string, unit: string, better: 'less' | 'more', of: (one: Drained) => number) => ({
      ...{ what, unit, better, ours: of(ours) },
      peer: { name, value: of(peer) },
    });
    return {
      figures: [
        figure('drain', 'readings/s', 'more', ({ rows, tookS }) => rows / tookS),
        figure('CPU', 'µs/reading', 'less', ({ rows, cpuUs }) => cpuUs / rows),
        figure('payload sent', 'bytes/reading', 'less', ({ rows, bytes }) => bytes / rows),
      ],
      notes: [
        `ours reads blocks of ${BLOCK_ROWS} from the store on the disk, sends, and frees them by receipt; the peer publishes JSON from memory`,
        'each has its own broker with persistence on and one subscriber in a process of its own',
      ],
    };
  },
};

type Drain = (url: string) => Promise<Drained>;

async function toBroker(drain: Drain): Promise<Drained> {
  const broker = await startMosquitto();
  const subscriber = spawn(
    process.execPath,
    [fileURLToPath(new URL('./subscriber.js', import.meta.url)), broker.url],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  try {
    await once(subscriber.stdout, 'data');
    return await drain(broker.url);
  } finally {
    subscriber.kill();
    await broker.remove();
  }
}

function drainStore(url: string): Promise<Drained> {
  return inFolder(async (folder) => {
    const store = await openBenchStore(join(folder, 'store'), STREAMS);
    const makers = STREAMS.map((stream) => rowMaker(stream, BLOCK_ROWS));
    while (store.status().committedRows + store.status().pendingRows < ROWS) {
      for (const make of makers) store.append(make());
      await store.flush();
    }
    const clock = systemClock();
    const [before, began] = [processCost('self').cpuUs, performance.now()];
    const config: UplinkConfig = {
      ...{ url, protocol: '5', payloads: ['packet'], window: WINDOW, pubackDeadlineMs: 10_000 },
      ...{ keepAliveS: 60, backoffMinMs: 100, backoffMaxMs: 1000 },
    };
    const running = createUplink({
      ...{ config, node: store.node, store, clock, random: Math.random, software: 'bench' },
      connect: mqttJs(config, systemClock()),
      log: (level, text) => {
        if (level === 'error') process.stderr.write(`bench: ${text}\n`);
      },
    });
    store.onCommit(() => running.nudge());
    running.start();
    const waiting = () => store.status().classes.reduce((sum, one) => sum + one.blocks, 0);
    while (waiting() > 0) {
      if (performance.now() - began > DEADLINE_S * 1000) throw new Error(`not drained in ${DEADLINE_S} s`);
      await seconds(0.01);
    }
    const tookS = (performance.now() - began) / 1000;
    const result = { cpuUs: processCost('self').cpuUs - before, bytes: running.status().bytesSent };
    const rows = store.status().committedRows;
    await running.stop(1000);
    await store.close();
    return { ...result, rows, tookS };
  });
}

async function publishEach(url: string): Promise<Drained> {
  const make = rowMaker('imu', ROWS);
  const { timesNs, values } = make();
  const axes = values.length / ROWS;
  const [before, began] = [processCost('self').cpuUs, performance.now()];
  const client = await connectAsync(url, { protocolVersion: 5 });
  let next = 0;
  let bytes = 0;
  const worker = async () => {
    while (next < ROWS) {
      const row = next++;
      const payload = JSON.stringify({
        time: Number(timesNs[row]),
        values: [...values.subarray(row * axes, (row + 1) * axes)],
      });
      bytes += payload.length;
      await client.publishAsync('bench/imu', payload, { qos: 1 });
    }
  };
  await Promise.all(Array.from({ length: WINDOW }, worker));
  const tookS = (performance.now() - began) / 1000;
  const cpuUs = processCost('self').cpuUs - before;
  await client.endAsync();
  return { rows: ROWS, tookS, cpuUs, bytes };
}
