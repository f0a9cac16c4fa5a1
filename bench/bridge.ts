import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { connectAsync } from 'mqtt';
import { systemClock } from '../runtime/clock/index.js';
import type { UplinkConfig } from '../runtime/config/index.js';
import type { Store } from '../runtime/store/index.js';
import { createUplink, mqttJs, type Uplink } from '../runtime/uplink/index.js';
import { MOSQUITTO, startMosquitto } from '../test/support/broker.js';
import { ShapingProxy } from '../test/support/shaper.js';
import { blockTopic } from '../wire/index.js';
import { inFolder, median, seconds } from './measure.js';
import type { Bench, Report } from './report.js';
import { benchStream, openBenchStore, rowMaker } from './store-rows.js';

const ROWS = 1_000_000;
/** So that a message is about the 200 bytes that brokers are measured with. */
const BLOCK_ROWS = 20;
const STREAMS = ['imu-a', 'imu-b', 'imu-c', 'imu-d'];
/** Under way at once, ours and the bridge's. */
const WINDOW = 200;
const DEADLINE_S = 180;
const TURNS = 3;
const LINK_BYTES_PER_S = 400_000;
const LIVE_STREAM = 'live';
/** About half of the link, ten times a second. */
const LIVE_ROWS = 4000;
const LIVE_COMMITS = 50;

/** What a subscriber at the far end saw. */
interface Counted {
  readonly messages: number;
  readonly distinct: number;
  readonly duplicates: number;
  readonly bytes: number;
  readonly firstMs: number;
  readonly lastMs: number;
}

interface Message {
  readonly topic: string;
  readonly payload: Buffer;
}

/** A million stored readings leave: ours from the store, a mosquitto bridge from its queue, the same messages in the same order. */
export const bridge: Bench = {
  name: 'bridge',
  title: `bridge: ${ROWS.toLocaleString('en-US')} stored readings in messages of ${BLOCK_ROWS}, to mosquitto, ${WINDOW} under way`,
  run: async (): Promise<Report> => {
    if (!MOSQUITTO) return { figures: [], notes: ['left out: mosquitto is not installed'] };
    return inFolder(async (folder) => {
      const ours: number[] = [];
      const theirs: number[] = [];
      const notes: string[] = [];
      for (let turn = 0; turn < TURNS; turn++) {
        const store = await filledStore(join(folder, `store-${turn}`));
        const messages = await messagesOf(store);
        const drained = await drainOurs(store, messages.length);
        const bridged = await drainBridge(messages, ['max_queued_messages 0']);
        ours.push(rate(drained));
        theirs.push(rate(bridged));
        notes.push(
          `turn ${turn + 1}: ${said('ours', drained, messages.length)}; ${said('the bridge', bridged, messages.length)}`,
        );
        if (turn === 0) {
          const usual = await drainBridge(messages, ['max_queued_messages 1000']);
          notes.push(said('the bridge as installed (1000 messages queued)', usual, messages.length));
        }
      }
      const name = 'mosquitto bridge, unlimited';
      const live = await liveBeside(join(folder, 'live'));
      return {
        figures: [
          {
            what: 'drain, equal messages',
            unit: 'messages/s',
            better: 'more',
            ours: median(ours),
            peer: { name, value: median(theirs) },
          },
          {
            ...{
              what: 'drain, a reading a message',
              unit: 'readings/s',
              better: 'more',
              ours: median(ours) * BLOCK_ROWS,
            },
            peer: { name, value: median(theirs) },
          },
          { what: 'live beside the drain, p95', unit: 'ms', better: 'less', ours: live.p95Ms },
          { what: 'backlog meanwhile', unit: '% of bytes', better: 'more', ours: live.backlogPercent },
        ],
        notes: [
          ...notes,
          'rates are from the first to the last message at a subscriber, medians of turns taken alternately',
          'ours are synced on the disk and freed by receipt; the bridge’s queue is in memory',
        ],
      };
    });
  },
};

const rate = ({ distinct, firstMs, lastMs }: Counted): number => (1000 * distinct) / (lastMs - firstMs);

function said(who: string, { distinct, duplicates }: Counted, wanted: number): string {
  return `${who}: ${wanted - distinct} of ${wanted} lost, ${duplicates} twice`;
}

async function filledStore(path: string): Promise<Store> {
  const store = await openBenchStore(path, STREAMS);
  const makers = STREAMS.map((stream) => rowMaker(stream, BLOCK_ROWS));
  for (let rows = 0; rows < ROWS; rows += BLOCK_ROWS * STREAMS.length) {
    for (const make of makers) store.append(make());
    await store.flush();
  }
  return store;
}

/** What our uplink would send of the telemetry, in its order. */
async function messagesOf(store: Store): Promise<Message[]> {
  const messages: Message[] = [];
  for (let page = await store.read('telemetry', undefined, 1000, 1e6); page.length > 0; ) {
    for (const { header, bytes } of page) {
      messages.push({
        topic: blockTopic(header.node, 'telemetry', header.stream),
        payload: Buffer.from(bytes),
      });
    }
    page = await store.read('telemetry', page.at(-1)!.position, 1000, 1e6);
  }
  return messages;
}

async function startCounter(url: string): Promise<{ read(): Promise<Counted>; stop(): void }> {
  const script = fileURLToPath(new URL('./counter.js', import.meta.url));
  const child: ChildProcess = spawn(process.execPath, [script, url, 'cairn/1/+/telemetry/#'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
  await lines.next();
  const read = async () => {
    child.stdin!.write('?\n');
    return JSON.parse((await lines.next()).value as string) as Counted;
  };
  return { read, stop: () => void child.kill() };
}

/** Until nothing more comes. */
async function counted(counter: { read(): Promise<Counted> }, wanted: number): Promise<Counted> {
  const end = performance.now() + DEADLINE_S * 1000;
  let [last, still] = [-1, 0];
  for (;;) {
    const now = await counter.read();
    still = now.messages === last && now.messages > 0 ? still + 1 : 0;
    if (now.distinct >= wanted || still > 20 || performance.now() > end) return now;
    last = now.messages;
    await seconds(0.25);
  }
}

function uplinkTo(url: string, store: Store): Uplink {
  const config: UplinkConfig = {
    ...{ url, protocol: '5', payloads: ['packet'], window: WINDOW, pubackDeadlineMs: 20_000 },
    ...{ keepAliveS: 60, backoffMinMs: 100, backoffMaxMs: 1000 },
  };
  const clock = systemClock();
  return createUplink({
    ...{
      config,
      node: store.node,
      store,
      clock,
      random: Math.random,
      software: 'bench',
      connect: mqttJs(config, clock),
    },
    log: (level, text) => {
      if (level === 'error') process.stderr.write(`bench: ${text}\n`);
    },
  });
}

async function drainOurs(store: Store, wanted: number): Promise<Counted> {
  const broker = await startMosquitto([`max_inflight_messages ${WINDOW}`]);
  const counter = await startCounter(broker.url);
  const uplink = uplinkTo(broker.url, store);
  try {
    uplink.start();
    return await counted(counter, wanted);
  } finally {
    await uplink.stop(1000);
    await store.close();
    counter.stop();
    await broker.remove();
  }
}

/** The bridge's broker takes all while the far one is away, as a node's would in an outage; then both are there, and it sends. */
async function drainBridge(messages: readonly Message[], queue: readonly string[]): Promise<Counted> {
  const far = await startMosquitto([`max_inflight_messages ${WINDOW}`]);
  await far.kill();
  const near = await startMosquitto([
    `max_inflight_messages ${WINDOW}`,
    ...queue,
    ...['connection far', `address 127.0.0.1:${far.port}`, 'topic # out 1', 'cleansession false'],
    ...['restart_timeout 1', 'bridge_protocol_version mqttv50'],
  ]);
  try {
    await publishAll(near.url, messages);
    // Its queue is saved in order, and read again: the subscriber is there before the first message.
    await near.kill();
    await far.start();
    const counter = await startCounter(far.url);
    await near.start();
    const result = await counted(counter, messages.length);
    counter.stop();
    return result;
  } finally {
    await near.remove();
    await far.remove();
  }
}

async function publishAll(url: string, messages: readonly Message[]): Promise<void> {
  const client = await connectAsync(url, { protocolVersion: 5 });
  let next = 0;
  const worker = async () => {
    for (let at = next++; at < messages.length; at = next++) {
      const { topic, payload } = messages[at]!;
      await client.publishAsync(topic, payload, { qos: 1 });
    }
  };
  await Promise.all(Array.from({ length: 20 }, worker));
  await client.endAsync();
}

/** On a link of LINK_BYTES_PER_S: a live stream takes half of it while the backlog drains. */
async function liveBeside(path: string): Promise<{ p95Ms: number; backlogPercent: number }> {
  const store = await filledStore(path);
  const make = rowMaker(LIVE_STREAM, LIVE_ROWS);
  store.declare({ ...benchStream(LIVE_STREAM), live: true });
  const broker = await startMosquitto([`max_inflight_messages ${WINDOW}`]);
  const proxy = await ShapingProxy.start(broker.port, {
    bytesPerS: LINK_BYTES_PER_S,
    rttMs: 100,
    loss: 0,
    random: Math.random,
  });
  const client = await connectAsync(broker.url, { protocolVersion: 5 });
  const seen = { liveBytes: 0, backlogBytes: 0 };
  const sentMs: number[] = [];
  const latencies: number[] = [];
  client.on('message', (topic, payload) => {
    if (topic.endsWith(`/${LIVE_STREAM}`)) {
      seen.liveBytes += payload.length;
      latencies.push(performance.now() - sentMs[latencies.length]!);
    } else seen.backlogBytes += payload.length;
  });
  await client.subscribeAsync('cairn/#', { qos: 0 });
  const uplink = uplinkTo(`mqtt://127.0.0.1:${proxy.port}`, store);
  try {
    uplink.start();
    await seconds(2);
    Object.assign(seen, { liveBytes: 0, backlogBytes: 0 });
    for (let i = 0; i < LIVE_COMMITS; i++) {
      store.append(make());
      sentMs.push(performance.now());
      await store.flush();
      await seconds(0.1);
    }
    const { liveBytes, backlogBytes } = seen;
    await seconds(2);
    const p95Ms =
      [...latencies].sort((a, b) => a - b)[Math.floor(0.95 * LIVE_COMMITS)] ?? Number.POSITIVE_INFINITY;
    return { p95Ms, backlogPercent: (100 * backlogBytes) / (backlogBytes + liveBytes) };
  } finally {
    await uplink.stop(0);
    await store.close();
    await client.endAsync();
    proxy.close();
    await broker.remove();
  }
}
