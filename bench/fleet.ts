import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { type Database, migrate, openDatabase } from '../fleet/db/index.js';
import { type IncomingBlock, openStore, STORE_MIGRATIONS } from '../fleet/store/index.js';
import { type ColumnType, native } from '../native/index.js';
import { startPostgres } from '../test/support/postgres.js';
import type { MetaRecord } from '../wire/index.js';
import { copyInto, type PlainRow } from './fleet-copy.js';
import { inFolder, seeded } from './measure.js';
import type { Bench, Figure, Report } from './report.js';

const NODES = 2_000;
const CHANNELS = 4;
const COLUMNS: readonly ColumnType[] = Array.from({ length: CHANNELS }, () => ({
  kind: 'decimal',
  scale: 2,
}));
const EPOCH = 'fedcba9876543210';
const STREAM = 'climate';
const T0_MS = 1_767_225_600_000;
const S = 1_000_000_000n;

/** What is taken in one transaction, and how often. */
interface Load {
  readonly rows: number;
  readonly blocks: number;
  readonly rounds: number;
}
const LOADS: readonly Load[] = [
  { rows: 1, blocks: 1_000, rounds: 20 },
  { rows: 60, blocks: 100, rounds: 20 },
];

interface Result {
  readonly rowsPerS: number;
  readonly bytesPerRow: number;
}

interface Contender {
  take(blocks: readonly IncomingBlock[]): Promise<void>;
  bytes(): Promise<number>;
  close(): Promise<unknown>;
}

/** Blocks of 2,000 nodes into the fleet's store, against the same rows put into a plain table of the same database. */
export const fleet: Bench = {
  name: 'fleet',
  title: `fleet: blocks of ${NODES} nodes, ${CHANNELS} channels, into its store`,
  run: (): Promise<Report> =>
    inFolder(async (folder) => {
      const figures: Figure[] = [];
      for (const load of LOADS) {
        const name = (what: string) => `${what}, ${load.rows} row${load.rows > 1 ? 's' : ''} a block`;
        const file = (what: string) => join(folder, `${what}-${load.rows}.db`);
        const ours = await measure(load, await sqliteStore(file('store')));
        figures.push(
          ...pair(name('SQLite'), ours, 'prepared insert', await measure(load, plainSqlite(file('plain')))),
        );
      }
      const server = await startPostgres({ synced: true });
      try {
        for (const load of LOADS) {
          const name = `PostgreSQL, ${load.rows} row${load.rows > 1 ? 's' : ''} a block`;
          const ours = await measure(load, await postgresStore(await server.database()));
          figures.push(
            ...pair(name, ours, 'COPY', await measure(load, await plainPostgres(await server.database()))),
          );
        }
      } finally {
        await server.remove();
      }
      return {
        figures,
        notes: [
          'a transaction, synced, of 1,000 blocks of a row, or of 100 of 60; the plain table has the rows and an index by node and time, no',
          'identity, no ledger, no gaps and no uncertainty: it is the floor that the database sets',
          'bytes are of all tables and indexes after the last commit',
        ],
      };
    }),
};

function pair(what: string, ours: Result, peer: string, theirs: Result): readonly Figure[] {
  return [
    {
      ...{ what, unit: 'rows/s', better: 'more' },
      ours: ours.rowsPerS,
      peer: { name: peer, value: theirs.rowsPerS },
    },
    {
      ...{ what, unit: 'bytes/row', better: 'less' },
      ...{ ours: ours.bytesPerRow, peer: { name: peer, value: theirs.bytesPerRow } },
    },
  ];
}

async function measure({ rows, blocks, rounds }: Load, contender: Contender): Promise<Result> {
  const random = seeded(7);
  const nextOf = new Array<number>(NODES).fill(0);
  let node = 0;
  const round = () =>
    Array.from({ length: blocks }, () => {
      const first = nextOf[node]!;
      const made = blockOf(node, first, rows, random);
      nextOf[node] = first + rows;
      node = (node + 1) % NODES;
      return made;
    });
  // What a node's first block costs isn't counted.
  for (let done = 0; done < NODES; done += blocks) await contender.take(round());
  const before = await contender.bytes();
  let tookMs = 0;
  for (let i = 0; i < rounds; i++) {
    const some = round();
    const began = performance.now();
    await contender.take(some);
    tookMs += performance.now() - began;
  }
  const count = rounds * blocks * rows;
  const bytesPerRow = ((await contender.bytes()) - before) / count;
  await contender.close();
  return { rowsPerS: (count / tookMs) * 1_000, bytesPerRow };
}

function nodeId(node: number): string {
  return node.toString(16).padStart(16, '0');
}

function blockOf(node: number, first: number, count: number, random: () => number): IncomingBlock {
  const header = { node: nodeId(node), epoch: EPOCH, stream: STREAM, first, boot: 1, descriptorVersion: 1 };
  const bytes = native.encodeBlock(header, [...COLUMNS], {
    timesNs: BigInt64Array.from({ length: count }, (_, i) => BigInt(first + i) * S),
    values: Float64Array.from({ length: count * CHANNELS }, () => Math.round(random() * 3_000) / 100),
    quality: new Uint8Array(count * CHANNELS),
  });
  const { header: decoded, columns, ...rows } = native.decodeBlock(bytes);
  return { kind: 'block', header: decoded, logClass: 'telemetry', columns, rows, bytes };
}

async function storeOn(db: Database): Promise<Contender['take']> {
  await migrate(db, STORE_MIGRATIONS);
  const store = openStore(db, { nowMs: () => T0_MS });
  for (let node = 0; node < NODES; node += 500)
    await store.take(
      Array.from({ length: 500 }, (_, i) => metaOf(node + i)),
      T0_MS,
    );
  return async (blocks) => {
    await store.take(blocks, T0_MS);
  };
}

/** A node that knows the time. */
function metaOf(node: number): IncomingBlock {
  const value = { boot: 1, monotonicNs: 0n, wallNs: BigInt(T0_MS) * 1_000_000n, uncertaintyNs: 1_000_000n };
  const record: MetaRecord = { kind: 'anchor', value: { ...value, source: 'system' } };
  const block = blockOf(node, 0, 1, () => 0);
  return {
    ...block,
    header: { ...block.header, stream: 'meta' },
    ...{ logClass: 'meta', meta: { records: [record], unread: [] } },
  };
}

async function sqliteStore(path: string): Promise<Contender> {
  const db = openDatabase(path);
  return { take: await storeOn(db), bytes: () => pageBytes(db), close: () => db.close() };
}

async function pageBytes(db: Database): Promise<number> {
  const [row] = await db.query<{ bytes: bigint }>(
    'SELECT page_count * page_size AS bytes FROM pragma_page_count(), pragma_page_size()',
  );
  return Number(row!.bytes);
}

function plainSqlite(path: string): Contender {
  const db = new Sqlite(path);
  db.pragma('journal_mode = WAL');
  db.pragma('synchronous = FULL');
  db.exec('CREATE TABLE plain (node INTEGER, seq INTEGER, wall_ns INTEGER, v TEXT)');
  db.exec('CREATE INDEX plain_time ON plain (node, wall_ns)');
  const insert = db.prepare('INSERT INTO plain VALUES (?, ?, ?, ?)');
  const all = db.transaction((rows: readonly PlainRow[]) => {
    for (const { node, seq, wallNs, values } of rows) insert.run(node, seq, wallNs, JSON.stringify(values));
  });
  return {
    take: async (blocks) => all(blocks.flatMap(plainRows)),
    bytes: async () => Number(db.pragma('page_count', { simple: true })) * 4_096,
    close: async () => db.close(),
  };
}

async function postgresStore(url: string): Promise<Contender> {
  const db = openDatabase(url);
  return { take: await storeOn(db), bytes: () => databaseBytes(db), close: () => db.close() };
}

async function databaseBytes(db: Database): Promise<number> {
  const [row] = await db.query<{ bytes: bigint }>('SELECT pg_database_size(current_database()) AS bytes');
  return Number(row!.bytes);
}

async function plainPostgres(url: string): Promise<Contender> {
  const db = openDatabase(url);
  await db.query('CREATE TABLE plain (node BIGINT, seq BIGINT, wall_ns BIGINT, v DOUBLE PRECISION[])');
  await db.query('CREATE INDEX plain_time ON plain (node, wall_ns)');
  const { copy, end } = copyInto(url, 'plain');
  return {
    take: (blocks) => copy(blocks.flatMap(plainRows)),
    bytes: () => databaseBytes(db),
    close: () => Promise.all([db.close(), end()]),
  };
}

function plainRows({ header, rows }: IncomingBlock): PlainRow[] {
  return Array.from({ length: header.count }, (_, i) => ({
    node: Number.parseInt(header.node, 16),
    seq: header.first + i,
    wallNs: BigInt(T0_MS) * 1_000_000n + rows.timesNs[i]!,
    values: Array.from(rows.values.subarray(i * CHANNELS, (i + 1) * CHANNELS)),
  }));
}
