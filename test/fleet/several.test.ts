import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { createPublicKey } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { connectAsync, type MqttClient } from 'mqtt';
import { WebSocket } from 'ws';
import { openDatabase } from '../../fleet/db/index.js';
import { keyIdOf, openReceipt, receiptTopic } from '../../wire/index.js';
import { freePort, startMosquitto, WITHOUT_MOSQUITTO } from '../support/broker.js';
import { startPostgres, WITHOUT_POSTGRES } from '../support/postgres.js';
import { until } from '../support/until.js';
import { startSink } from './alerts/sink.js';
import { block, type Sent } from './ingest/messages.js';

const MAIN = join(import.meta.dirname, '../../fleet/main.js');
const NODES = Array.from({ length: 12 }, (_, i) => i.toString(16).padStart(16, '0'));
const BLOCKS = 30;
const ROWS = 4;
const RESEND_MS = 1_000;

interface Shared {
  readonly folder: string;
  readonly database: string;
  readonly broker: string;
  readonly smtpPort: number;
}

/** `cairn-fleet`, one of those that share a database and what the broker delivers. */
class FleetProcess {
  said = '';
  readonly web: Promise<string>;
  readonly #file: string;
  #child: ChildProcess | undefined;

  constructor(
    readonly name: string,
    readonly shared: Shared,
  ) {
    this.#file = join(shared.folder, `${name}.yaml`);
    this.web = this.#write();
  }

  async #write(): Promise<string> {
    const { folder, database, broker, smtpPort } = this.shared;
    const port = await freePort();
    const config = {
      ...{ data: join(folder, this.name), database, web: { port, open: 'loopback' } },
      broker: { url: broker, clientId: `fleet-${this.name}`, shared: 'fleet' },
      ...{ mail: { url: `smtp://127.0.0.1:${smtpPort}`, from: 'fleet@example.org' } },
      tell: ['mail:night@example.org'],
    };
    writeFileSync(this.#file, JSON.stringify(config));
    return `127.0.0.1:${port}`;
  }

  async start(): Promise<void> {
    await this.web;
    const child = spawn(process.execPath, [MAIN, '--config', this.#file], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    child.stdout.on('data', (text: Buffer) => {
      this.said += text;
    });
    this.#child = child;
  }

  async isHealthy(): Promise<boolean> {
    const response = await fetch(`http://${await this.web}/health`).catch(() => undefined);
    return response?.ok ?? false;
  }

  async kill(): Promise<void> {
    if (!this.#child || this.#child.signalCode !== null) return;
    this.#child.kill('SIGKILL');
    await once(this.#child, 'exit');
  }

  get publicKey() {
    return createPublicKey(readFileSync(join(this.shared.folder, this.name, 'fleet.pub')));
  }

  /** What a page that follows these nodes is told. */
  async follow(nodes: readonly string[]): Promise<Set<string>> {
    const told = new Set<string>();
    const socket = new WebSocket(`ws://${await this.web}/live`);
    socket.on('message', (data) => {
      for (const topic of (JSON.parse(String(data)) as { topics?: string[] }).topics ?? []) told.add(topic);
    });
    await once(socket, 'open');
    socket.send(JSON.stringify({ watch: nodes.map((node) => `node:${node}`) }));
    return told;
  }
}

/** Nodes of custody `fleet`: each block is sent again until a receipt names it. */
class Nodes {
  readonly #waiting = new Map<string, Sent>();
  /** How many blocks each key signed for. */
  readonly signed = new Map<string, number>();

  private constructor(private readonly client: MqttClient) {}

  static async connect(url: string, keys: () => readonly FleetProcess[]): Promise<Nodes> {
    const client = await connectAsync(url, { clientId: 'nodes' });
    const nodes = new Nodes(client);
    client.on('message', (_, payload) => nodes.#receipt(payload, keys()));
    await client.subscribeAsync(NODES.map(receiptTopic), { qos: 1 });
    return nodes;
  }

  #receipt(payload: Buffer, processes: readonly FleetProcess[]): void {
    const keys = new Map(processes.map(({ publicKey }) => [keyIdOf(publicKey), publicKey]));
    let by = '';
    const { node, blocks } = openReceipt(payload, (kid) => {
      by = kid;
      return keys.get(kid);
    });
    for (const { stream, first } of blocks) this.#waiting.delete(`${node}/${stream}/${first}`);
    this.signed.set(by, (this.signed.get(by) ?? 0) + blocks.length);
  }

  async send(name: string, sent: Sent): Promise<void> {
    this.#waiting.set(name, sent);
    await this.client.publishAsync(sent.topic, Buffer.from(sent.payload), { qos: 1 });
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  async allReceipted(): Promise<void> {
    const again = setInterval(() => {
      for (const { topic, payload } of this.#waiting.values())
        this.client.publish(topic, Buffer.from(payload), { qos: 1 });
    }, RESEND_MS);
    try {
      await until('a receipt for each block', () => this.#waiting.size === 0, 30_000);
    } finally {
      clearInterval(again);
    }
  }

  close(): Promise<void> {
    return this.client.endAsync(true);
  }
}

const climate = (node: string, at: number) =>
  block(
    ROWS * at,
    Array.from({ length: ROWS }, (_, i) => at + i / 10),
    'climate',
    node,
  );

/** One block of each node a turn, every third twice; `between` runs before each turn. */
async function publishAll(nodes: Nodes, between: (at: number) => Promise<void>): Promise<void> {
  for (let at = 0; at < BLOCKS; at++) {
    await between(at);
    for (const [i, node] of NODES.entries()) {
      const copies = (at + i) % 3 === 0 ? 2 : 1;
      for (let copy = 0; copy < copies; copy++)
        await nodes.send(`${node}/climate/${ROWS * at}`, climate(node, at));
    }
  }
}

async function begin(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'cairn-several-'));
  const [server, broker, sink] = [await startPostgres(), await startMosquitto(), await startSink()];
  const database = await server.database();
  const shared = { folder, database, broker: broker.url, smtpPort: sink.port };
  const all = ['a', 'b'].map((name) => new FleetProcess(name, shared));
  const db = openDatabase(database);
  const nodes = await Nodes.connect(broker.url, () => all);
  t.after(async () => {
    await nodes.close();
    for (const one of all) await one.kill();
    await db.close();
    await Promise.all([server.remove(), broker.remove(), sink.stop()]);
    rmSync(folder, { recursive: true, force: true });
  });
  return { sink, db, nodes, all: all as [FleetProcess, FleetProcess] };
}

test('two processes share a database and a broker, one is killed: each row once, one alert, one mail, and pages hear of both', {
  skip: WITHOUT_POSTGRES || WITHOUT_MOSQUITTO,
  timeout: 90_000,
}, async (t) => {
  const { sink, db, nodes, all } = await begin(t);
  const [a, b] = all;
  // At once: both find an empty database.
  await Promise.all(all.map((one) => one.start()));
  for (const one of all) await until(`${one.name} is healthy`, () => one.isHealthy());
  // Whoever may read the database may say something there.
  await db.query(`SELECT pg_notify('cairn_news', 'no news')`);
  // A page follows what is known.
  await nodes.send(`${NODES[0]}/climate/0`, climate(NODES[0]!, 0));
  await nodes.allReceipted();
  const pages = [await a.follow(NODES), await b.follow(NODES)];
  // One of the two takes it.
  await nodes.send(`${NODES[0]}/climate/${ROWS}`, climate(NODES[0]!, 1));
  for (const told of pages) await until('its page is told', () => told.has(`node:${NODES[0]}`), 5_000);

  await publishAll(nodes, async (at) => {
    if (at === 15) await b.kill();
    if (at === 20) await b.start();
  });
  const alarm = block(0, [1], 'sos', NODES[0], 'alarm');
  for (let copy = 0; copy < 4; copy++) await nodes.send(`${NODES[0]}/sos/0`, alarm);
  await nodes.allReceipted();
  await until('a mail', () => sink.mails.length > 0);
  await until('b is healthy again', () => b.isHealthy());

  const [rows] = await db.query(
    'SELECT count(*) AS n, count(DISTINCT (stream_id, seq)) AS once FROM reading',
  );
  const expected = BigInt(NODES.length * BLOCKS * ROWS);
  assert.deepEqual({ ...rows }, { n: expected + 1n, once: expected + 1n });
  const [ledger] = await db.query(
    `SELECT count(*) AS streams, sum(received) AS received, sum(next) AS next, sum(conflicts) AS conflicts FROM stream WHERE name = 'climate'`,
  );
  assert.deepEqual(
    { ...ledger },
    { streams: BigInt(NODES.length), received: expected, next: expected, conflicts: 0n },
  );
  const [alerts] = await db.query('SELECT count(*) AS n FROM alert');
  const [deadlocks] = await db.query(
    'SELECT deadlocks AS n FROM pg_stat_database WHERE datname = current_database()',
  );
  assert.deepEqual([alerts!.n, deadlocks!.n, sink.mails.length], [1n, 0n, 1]);
  for (const one of all) {
    assert.ok((nodes.signed.get(keyIdOf(one.publicKey)) ?? 0) > 0, `${one.name} took its share`);
    assert.doesNotMatch(one.said, /deadlock|"level":50/);
  }
});
