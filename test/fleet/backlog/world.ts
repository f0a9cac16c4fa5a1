import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { connectAsync, type MqttClient } from 'mqtt';
import { pino } from 'pino';
import { RuleBook } from '../../../fleet/alerts/rule-book.js';
import { parseConfig } from '../../../fleet/config/index.js';
import { openDatabase } from '../../../fleet/db/index.js';
import { startFleet } from '../../../fleet/fleet.js';
import { freePort } from '../../support/broker.js';
import { startPostgres } from '../../support/postgres.js';
import { until } from '../../support/until.js';
import { type Sink, startSink } from '../alerts/sink.js';
import { type Message, NODE } from './day.js';

export interface World {
  readonly web: string;
  readonly sink: Sink;
  /** The fleet's clock goes on by so much at once. */
  skip(ms: number): void;
  nowMs(): number;
  send(messages: readonly Message[]): Promise<void>;
}

/** A whole cairn-fleet with these rules beside its own, a mailbox, and the node's link. */
export async function openWorld(
  t: TestContext,
  on: 'sqlite' | 'postgres',
  rules: readonly object[],
): Promise<World> {
  const folder = mkdtempSync(join(tmpdir(), 'cairn-backlog-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const server = on === 'postgres' ? await startPostgres() : undefined;
  if (server) t.after(() => server.remove());
  const database = await server?.database();
  const sink = await startSink();
  t.after(() => sink.stop());
  const port = await freePort();
  const config = parseConfig(
    JSON.stringify({
      ...{ data: folder, database, broker: { port } },
      web: { port: await freePort(), open: 'loopback' },
      mail: { url: `smtp://127.0.0.1:${sink.port}`, from: 'fleet@example.org' },
      tell: ['mail:night@example.org'],
    }),
    'test',
  );
  let aheadMs = 0;
  const nowMs = () => Date.now() + aheadMs;
  const fleet = await startFleet(config, pino({ level: 'silent' }), nowMs);
  t.after(() => fleet.stop());
  await until('all services are healthy', () =>
    fleet.services.health().services.every(({ state }) => state === 'healthy'),
  );
  const db = openDatabase(database ?? join(folder, 'fleet.db'));
  const book = new RuleBook(db, (text) => t.diagnostic(text));
  for (const rule of rules) await book.put(rule, 'test', nowMs());
  await db.close();
  const client = await connectAsync(`mqtt://127.0.0.1:${port}`, { clientId: NODE, protocolVersion: 4 });
  t.after(() => client.endAsync(true));
  return {
    ...{ web: await fleet.address, sink, nowMs },
    skip: (ms) => {
      aheadMs += ms;
    },
    send: (messages) => sendAll(client, messages),
  };
}

/** Each is acknowledged, so it is in the database. */
async function sendAll(client: MqttClient, messages: readonly Message[]): Promise<void> {
  await Promise.all(
    messages.map(({ topic, payload }) => client.publishAsync(topic, Buffer.from(payload), { qos: 1 })),
  );
}
