import { join } from 'node:path';
import { connectAsync } from 'mqtt';
import type { Store } from '../runtime/store/index.js';
import { MOSQUITTO, startMosquitto } from '../test/support/broker.js';
import { ShapingProxy } from '../test/support/shaper.js';
import { blockTopic } from '../wire/index.js';
import { type Drained, drainBridge, drainOurs, type Message } from './bridge-drain.js';
import { inFolder, median, seconds } from './measure.js';
import type { Bench, Figure, Report } from './report.js';
import { benchStream, openBenchStore, rowMaker } from './store-rows.js';
import { uplinkTo, WINDOW } from './uplink-to.js';

const ROWS = 1_000_000;
/** So that a message is about the 200 bytes that brokers are measured with. */
const BLOCK_ROWS = 20;
const STREAMS = ['imu-a', 'imu-b', 'imu-c', 'imu-d'];
const ROUNDS = 5;
const LINK_BYTES_PER_S = 400_000;
const LIVE_STREAM = 'live';
/** About half of the link, ten times a second. */
const LIVE_ROWS = 4000;
const LIVE_COMMITS = 50;
/** Its autosave as it is by default. */
const UNLIMITED = ['max_queued_messages 0', 'autosave_interval 1800'];

/** A million stored readings leave: ours from the store, a mosquitto bridge from its queue, the same messages in the same order. */
export const bridge: Bench = {
  name: 'bridge',
  title: `bridge: ${ROWS.toLocaleString('en-US')} stored readings in messages of ${BLOCK_ROWS}, to mosquitto, ${WINDOW} under way`,
  run: async (): Promise<Report> => {
    if (!MOSQUITTO) return { figures: [], notes: ['left out: mosquitto is not installed'] };
    return inFolder(async (folder) => {
      const drained = await rounds(folder);
      const killed = await afterKills(folder);
      const live = await liveBeside(join(folder, 'live'));
      return {
        figures: [
          ...drained.figures,
          { what: 'live beside the drain, p95', unit: 'ms', better: 'less', ours: live.p95Ms },
          { what: 'backlog meanwhile', unit: '% of bytes', better: 'more', ours: live.backlogPercent },
        ],
        notes: [...drained.notes, ...killed],
      };
    });
  },
};

/** By turns, and who begins by turns: what else the machine does falls on both. */
async function rounds(folder: string): Promise<Report> {
  const ours: Drained[] = [];
  const theirs: Drained[] = [];
  let messages: readonly Message[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const path = join(folder, `store-${round}`);
    messages = await filled(path);
    const turns = [
      async () => ours.push(await drainOurs(path, messages.length)),
      async () => theirs.push(await drainBridge(messages, UNLIMITED)),
    ];
    for (const turn of round % 2 === 0 ? turns : turns.reverse()) await turn();
  }
  const name = 'mosquitto bridge, its queue in memory';
  const peer = (of: (drained: Drained) => number) => ({ name, value: median(theirs.map(of)) });
  const perMessage: Figure = {
    ...{ what: 'drain, equal messages', unit: 'messages/s', better: 'more' },
    ...{ ours: median(ours.map(rate)), peer: peer(rate) },
  };
  const perReading: Figure = {
    ...{ what: 'drain, a reading a message', unit: 'readings/s', better: 'more' },
    ...{ ours: perMessage.ours * BLOCK_ROWS, peer: peer(rate) },
  };
  const cpu: Figure = {
    ...{ what: 'CPU of the sending process', unit: 'us a message', better: 'less' },
    ...{ ours: median(ours.map(cpuUs)), peer: peer(cpuUs) },
  };
  return {
    figures: [perMessage, perReading, cpu],
    notes: [
      `medians of ${ROUNDS} rounds by turns, from the first to the last message at a subscriber; the same broker, messages, QoS 1 and window`,
      `messages/s, least to most: ours ${spread(ours.map(rate))}, the bridge ${spread(theirs.map(rate))}`,
      `us a message, least to most: ours ${spread(ours.map(cpuUs))}, the bridge ${spread(theirs.map(cpuUs))}`,
      `lost, twice: ours ${lost(ours)}; the bridge ${lost(theirs)}`,
      'ours: each reading synced on the disk before it counts, and deleted there by its receipt; the bridge: a queue in memory, saved at SIGTERM and every 30 minutes',
    ],
  };
}

const rate = ({ distinct, firstMs, lastMs }: Drained): number => (1000 * distinct) / (lastMs - firstMs);

const cpuUs = (drained: Drained): number => drained.cpuUs / drained.distinct;

function spread(values: readonly number[]): string {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  return `${Math.round(least)} to ${Math.round(most)}`;
}

function lost(all: readonly Drained[]): string {
  const sum = (of: (one: Drained) => number) => all.reduce((total, one) => total + of(one), 0);
  const missing = sum(({ wanted, distinct }) => wanted - distinct);
  return `${missing}, ${sum(({ duplicates }) => duplicates)} of ${sum(({ wanted }) => wanted)}`;
}

/** What a kill -9 costs: ours half-way through the drain, the bridge before it, with its queue full. */
async function afterKills(folder: string): Promise<readonly string[]> {
  const path = join(folder, 'store-killed');
  const messages = await filled(path);
  const ours = await drainOurs(path, messages.length, true);
  const theirs = await drainBridge(messages, UNLIMITED, 'SIGKILL');
  const usual = await drainBridge(messages, ['max_queued_messages 1000']);
  return [
    `with a kill -9: lost, twice: ours, half-way, ${lost([ours])}; the bridge, at the end of the outage, ${lost([theirs])}`,
    `the bridge as installed (1000 messages queued), without a kill: lost, twice: ${lost([usual])}`,
  ];
}

/** Fills a store, and gives what an uplink would send of its telemetry, in its order. */
async function filled(path: string): Promise<readonly Message[]> {
  const store = await filledStore(path);
  const messages = await messagesOf(store);
  await store.close();
  return messages;
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
