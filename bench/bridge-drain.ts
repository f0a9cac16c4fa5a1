import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { connectAsync } from 'mqtt';
import { startMosquitto } from '../test/support/broker.js';
import { processCost, seconds } from './measure.js';
import { WINDOW } from './uplink-to.js';

const DEADLINE_S = 180;

/** What a subscriber at the far end saw. */
interface Counted {
  readonly messages: number;
  readonly distinct: number;
  readonly duplicates: number;
  readonly bytes: number;
  readonly firstMs: number;
  readonly lastMs: number;
}

export interface Drained extends Counted {
  /** Messages that there were to send: each round fills a store of its own. */
  readonly wanted: number;
  /** Of the sending process, all its threads: ours from the first message on, the bridge's from its start, in which it reads its queue. */
  readonly cpuUs: number;
}

export interface Message {
  readonly topic: string;
  readonly payload: Buffer;
}

interface Counter {
  read(): Promise<Counted>;
  stop(): void;
}

/** A process of its own, so that its garbage and its threads are the sender's alone; killed with SIGKILL once and started anew where `killed`. */
export async function drainOurs(path: string, wanted: number, killed = false): Promise<Drained> {
  const broker = await startMosquitto([`max_inflight_messages ${WINDOW}`]);
  const counter = await startCounter(broker.url);
  // As a receiver does: without anybody the broker refuses them, and they are sent again and again.
  const listener = await connectAsync(broker.url, { protocolVersion: 5 });
  await listener.subscribeAsync(['cairn/1/+/meta/#', 'cairn/1/+/status'], { qos: 0 });
  let node = await startNode(path, broker.url);
  try {
    if (killed) {
      await begin(node);
      await counted(counter, wanted / 2);
      await end(node);
      node = await startNode(path, broker.url);
    }
    const before = processCost(node.pid!).cpuUs;
    await begin(node);
    const result = await counted(counter, wanted);
    return { ...result, wanted, cpuUs: processCost(node.pid!).cpuUs - before };
  } finally {
    await end(node);
    await listener.endAsync();
    counter.stop();
    await broker.remove();
  }
}

async function startNode(path: string, url: string): Promise<ChildProcess> {
  const script = fileURLToPath(new URL('./bridge-node.js', import.meta.url));
  const child = spawn(process.execPath, [script, path, url], { stdio: ['pipe', 'pipe', 'inherit'] });
  await once(child.stdout!, 'data');
  return child;
}

async function begin(node: ChildProcess): Promise<void> {
  node.stdin!.write('go\n');
}

async function end(node: ChildProcess): Promise<void> {
  if (node.exitCode !== null || node.signalCode !== null) return;
  const gone = once(node, 'exit');
  node.kill('SIGKILL');
  await gone;
}

/**
 * The bridge's broker takes all while the far one is away, as a node's would in an outage; then both are there, and it sends. Ended by
 * SIGTERM in between, at which it saves its queue in order, so that the subscriber is there before the first message; or by SIGKILL.
 */
export async function drainBridge(
  messages: readonly Message[],
  queue: readonly string[],
  signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM',
): Promise<Drained> {
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
    await near.kill(signal);
    await far.start();
    const counter = await startCounter(far.url);
    await near.start();
    const result = await counted(counter, messages.length);
    counter.stop();
    return { ...result, wanted: messages.length, cpuUs: processCost(near.pid!).cpuUs };
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

async function startCounter(url: string): Promise<Counter> {
  const script = fileURLToPath(new URL('./counter.js', import.meta.url));
  const child = spawn(process.execPath, [script, url, 'cairn/1/+/telemetry/#'], {
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

/** Until so many are there, or nothing more comes. */
async function counted(counter: Counter, wanted: number): Promise<Counted> {
  const end = performance.now() + DEADLINE_S * 1000;
  let [last, still] = [-1, 0];
  for (;;) {
    const now = await counter.read();
    still = now.messages === last ? still + 1 : 0;
    if (now.distinct >= wanted || still > 100 || performance.now() > end) return now;
    last = now.messages;
    await seconds(0.1);
  }
}
