import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import { ALERT_MIGRATIONS, Alerts, type Reachable, storeFacts } from './alerts/index.js';
import type { FleetConfig } from './config/index.js';
import { type Database, type GatedDatabase, gated, openDatabase, type Queries } from './db/index.js';
import { DeadLetters, Ingest, type Notice, Spool, senmlPacks } from './ingest/index.js';
import { VIEW_MIGRATIONS } from './integrations/index.js';
import { receiptKeyOf } from './keys.js';
import { SharedNews } from './news.js';
import { type AuditEntry, openPeople, PEOPLE_MIGRATIONS, type People } from './people/index.js';
import { Receipts } from './receive/index.js';
import { databaseUrl } from './secrets.js';
import type { Services } from './services/index.js';
import type { Source } from './sources/index.js';
import { openStore, STORE_MIGRATIONS, type Store, type Taken } from './store/index.js';
import { transportsOf } from './transports.js';
import { alertsPages, type Change, changesOf, changesOfMoved, createWeb, peoplePlugin } from './web/index.js';

export const MIGRATIONS = [
  ...STORE_MIGRATIONS,
  ...PEOPLE_MIGRATIONS,
  ...ALERT_MIGRATIONS,
  ...VIEW_MIGRATIONS,
];

const SPOOL_BYTES = 2 * 1024 ** 3;
const ALARM_SPOOL_BYTES = 64 << 20;
const DEAD_LETTER_BYTES = 64 << 20;

/** All of a fleet in one process; the parts know each other by what they are handed here. */
export interface Parts {
  readonly config: FleetConfig;
  readonly log: Logger;
  /** As it is; `db` lets nobody in before its schema is there. */
  readonly raw: Database;
  readonly db: GatedDatabase;
  readonly store: Store;
  readonly people: People;
  readonly alerts: Alerts;
  /** The ways to people. */
  readonly transports: readonly Reachable[];
  readonly ingest: Ingest;
  readonly receipts: Receipts;
  readonly news: SharedNews;
  readonly web: FastifyInstance;
  /** Where messages come in, once it is there. */
  source: Source | undefined;
}

export interface PartsOptions {
  /** The id of the folder. */
  readonly holder: string;
  readonly log: Logger;
  readonly health: () => ReturnType<Services['health']>;
  readonly nowMs?: (() => number) | undefined;
}

/** Opens what lies in the folder; asks nothing of the database yet. */
export async function makeParts(config: FleetConfig, options: PartsOptions): Promise<Parts> {
  const server = config.database && databaseUrl(config.database);
  const raw = server ? openDatabase(server) : openFile(join(config.data, 'fleet.db'));
  try {
    return await partsOn(raw, server, config, options);
  } catch (error) {
    // The old configuration may go on, in this process, with a connection of its own.
    await raw.close();
    throw error;
  }
}

function openFile(path: string): Database {
  try {
    return openDatabase(path);
  } catch (cause) {
    const text = `${path}: ${(cause as Error).message}: is there room on its disk, and may this user write there?`;
    throw new Error(text, { cause });
  }
}

async function partsOn(
  raw: Database,
  server: string | undefined,
  config: FleetConfig,
  { holder, log, health, nowMs = Date.now }: PartsOptions,
): Promise<Parts> {
  const { data } = config;
  const db = gated(raw);
  const news = new SharedNews(db, server);
  const say = (changes: readonly Change[]) => {
    for (const change of changes) news.tell(change);
  };
  const store = openStore(db, { nowMs, onMoved: (node) => say(changesOfMoved(node)) });
  const people = openPeople(db, { nowMs, random: randomBytes });
  const transports = transportsOf(config);
  const alerts = new Alerts({
    ...{ db, nowMs, holder, facts: storeFacts(), histories: store, transports },
    ...{
      defaultTell: config.tell,
      baseUrl: config.web.url ?? `http://${config.web.host}:${config.web.port}`,
    },
    isHearing: () => !parts.ingest.isBehind && isUp(health(), 'broker'),
    onChange: () => news.tell({ kind: 'alert' }),
    onFault: (text) => log.warn(text),
  });
  const receipts: Receipts = new Receipts({
    key: receiptKeyOf(data),
    firstIssue: nowMs(),
    publish: (topic, payload) => parts.source?.publish(topic, payload) ?? false,
  });
  const within = (tx: Queries, taken: readonly Taken[]) => alerts.judge(tx, taken);
  const onTaken = (taken: readonly Taken[]) => {
    alerts.wake();
    say(changesOf(taken));
  };
  const ingest = new Ingest({
    ...{ store, nowMs, receipts, within, onTaken },
    spool: await Spool.open({ folder: join(data, 'spool'), maxBytes: SPOOL_BYTES }),
    alarmSpool: await Spool.open({ folder: join(data, 'alarm-spool'), maxBytes: ALARM_SPOOL_BYTES }),
    deadLetters: await DeadLetters.open(join(data, 'dead-letters'), DEAD_LETTER_BYTES),
    onNotice: async (notice, receivedMs) => {
      const taken = await store.take(noticePacks(notice, receivedMs), receivedMs, within);
      const refused = taken.find(({ verdict }) => verdict === 'refused');
      // It becomes a dead letter, and is counted.
      if (refused) throw new Error(`a notice of ${notice.node}: ${refused.why}`);
      onTaken(taken);
    },
    // A node may send both: its rows are in its blocks.
    onRefusal: ({ cause, text }, topic) =>
      log[cause === 'senmlBesideBlocks' ? 'debug' : 'warn']({ topic }, `refused (${cause}): ${text}`),
    onState: ({ kind, why }) => log.warn(`ingest is ${kind}: ${why}`),
  });
  const web = webOf({ config, log, store, people, alerts, news, health, nowMs });
  const parts: Parts = {
    config,
    log,
    raw,
    db,
    store,
    people,
    alerts,
    transports,
    ingest,
    receipts,
    news,
    web,
    source: undefined,
  };
  return parts;
}

interface WebParts extends Pick<Parts, 'config' | 'log' | 'store' | 'people' | 'alerts' | 'news'> {
  readonly health: () => ReturnType<Services['health']>;
  readonly nowMs: () => number;
}

function webOf({ config, log, store, people, alerts, news, health, nowMs }: WebParts): FastifyInstance {
  const { url, proxy, open, tiles } = config.web;
  const audit = (entry: AuditEntry, tx?: Queries) => people.audit.write(entry, tx);
  return createWeb({
    ...{ store, health, news, nowMs, audit, log, openAlerts: () => alerts.openByNode() },
    ...(tiles && { tiles }),
    // Whoever has a proxy before it says what people type.
    trustProxy: proxy ?? (url ? 'loopback' : false),
    plugins: [peoplePlugin({ people, nowMs, url, open }), alertsPages({ alerts, nowMs, audit })],
  });
}

/** Who is in maintenance works on. */
function isUp({ services }: ReturnType<Services['health']>, wanted: string): boolean {
  return services.some(
    ({ name, state }) => name === wanted && (state === 'healthy' || state === 'maintenance'),
  );
}

/** An alarm that no disk of its node holds has no number: it stands beside the node, as `notice:<node>`, and alerts like any other. */
function noticePacks({ node, stream, records }: Notice, receivedMs: number) {
  const payload = Buffer.from(JSON.stringify(records));
  const packs = senmlPacks(payload, { sender: node, logClass: 'alarm', stream }, receivedMs);
  return packs.map((pack) => ({ ...pack, device: `notice:${node}` }));
}
