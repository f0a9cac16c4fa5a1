import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Database } from '../../../fleet/db/index.js';
import {
  openStore,
  type Retention,
  STORE_MIGRATIONS,
  type Store,
  type StreamSummary,
} from '../../../fleet/store/index.js';
import type { MetaRecord } from '../../../wire/index.js';
import type { Fresh } from '../db/databases.js';
import { anchor, block, EPOCH, logBlock, meta, NODE, S, T0, T0_MS } from './blocks.js';

const DAY_S = 86_400;
const DAY_MS = DAY_S * 1_000;
const DAYS = 10;
const ALL = { fromNs: 0n, toNs: 2n ** 62n };
const descriptor = (stream: string): MetaRecord => ({
  kind: 'descriptor',
  value: {
    ...{ stream, version: 1, title: stream, class: 'telemetry' },
    channels: [{ name: 't', quantity: 'temperature', type: { kind: 'f64' } }],
  },
});

/** Two rows at noon of day `day` since T0, or a moment later: numbers 2·day on. */
const noon = (day: number, of: Parameters<typeof block>[1] = {}) =>
  block([[day], [day + 0.5]], { first: 2 * day, atS: day * DAY_S + DAY_S / 2, ...of });

/** Ten days of a telemetry, an alarm and a log stream, but for day 4 of the telemetry. */
async function tenDays(db: Database) {
  let nowMs = T0_MS;
  const store = openStore(db, { nowMs: () => nowMs });
  await store.take([meta([anchor(0, T0), descriptor('climate')])], T0_MS);
  for (let day = 0; day < DAYS; day++) {
    nowMs = T0_MS + (day + 1) * DAY_MS;
    await store.take(
      [
        ...(day === 4 ? [] : [noon(day)]),
        noon(day, { stream: 'sos', logClass: 'alarm' }),
        logBlock([['info', 'm', `day ${day}`]], { first: day, atS: day * DAY_S + DAY_S / 2 }),
      ],
      nowMs,
    );
  }
  const forget = (retention: Retention) => forgotten(store, retention);
  const streams = async () => (await store.node(NODE, nowMs))!.streams;
  const of = async (name: string) => (await streams()).find(({ stream }) => stream === name)!;
  return { store, nowMs, forget, of };
}

async function forgotten(store: Store, retention: Retention): Promise<number> {
  let steps = 1;
  while (await store.forgetRows(retention)) assert.ok(++steps < 1_000);
  return steps;
}

const account = ({ received, lost, missing, removed, conflicts }: StreamSummary) => ({
  ...{ received, lost, missing, conflicts, removed: removed?.rows },
});

/** Days since T0 that PostgreSQL has a table for. */
async function daysOf(db: Database, table: string): Promise<readonly number[]> {
  const rows = await db.query<{ name: string }>(
    `SELECT relname AS name FROM pg_class WHERE relname LIKE '${table}!_%' ESCAPE '!' AND relkind = 'r'`,
  );
  const numbers = rows.map(({ name }) => Number(name.slice(table.length + 1)) - T0_MS / DAY_MS);
  return numbers.filter(Number.isFinite).sort((a, b) => a - b);
}

export function retentionSuite(fresh: Fresh): void {
  test('what is too old goes, by kind; received stays received, and what went is told', async () => {
    const db = await fresh(STORE_MIGRATIONS);
    const { store, forget, of, nowMs } = await tenDays(db);
    assert.equal(await forget({}), 1);
    // It is the begin of day 10: three whole days are 7, 8 and 9, and a log keeps 9 only.
    await forget({ readings: 3, logs: 1 });
    const climate = await of('climate');
    assert.deepEqual(account(climate), { received: 18n, lost: {}, missing: 2n, conflicts: 0n, removed: 12n });
    assert.deepEqual(
      [climate.removed!.fromNs! - T0, climate.removed!.toNs! - T0],
      [BigInt(DAY_S / 2) * S, BigInt(6 * DAY_S + DAY_S / 2 + 1) * S],
    );
    const rows = await store.readings(climate.streamId, ALL, 100);
    assert.deepEqual(
      rows.map(({ sequence }) => Number(sequence)),
      [14, 15, 16, 17, 18, 19],
    );
    assert.deepEqual(account(await of('sos')), {
      received: 20n,
      lost: {},
      missing: 0n,
      conflicts: 0n,
      removed: undefined,
    });
    assert.equal((await store.readings((await of('sos')).streamId, ALL, 100)).length, 20);
    assert.deepEqual(
      (await store.logs({ limit: 100 })).map(({ text }) => text),
      ['day 9'],
    );
    const gone = await store.removedLogs({ fromNs: T0 });
    assert.deepEqual([gone!.rows, gone!.toNs! - T0], [9n, BigInt(8 * DAY_S + DAY_S / 2) * S]);
    assert.equal(await store.removedLogs({ fromNs: BigInt(nowMs) * 1_000_000n }), undefined);
    assert.equal(await store.removedLogs({ node: 'another' }), undefined);
    await forget({ readings: 3, logs: 1, events: 5 });
    assert.equal((await of('sos')).removed!.rows, 10n);
    const [left] = await db.query('SELECT count(*) AS n FROM reading');
    assert.equal(left!.n, 6n + 10n);
    if (db.dialect === 'sqlite') return;
    assert.deepEqual(await daysOf(db, 'reading'), [5, 6, 7, 8, 9, 10]);
    assert.deepEqual(await daysOf(db, 'log_line'), [9, 10]);
  });

  test('a clock of the fleet that is years ahead takes no archive away', async () => {
    const db = await fresh(STORE_MIGRATIONS);
    const { nowMs, of } = await tenDays(db);
    const before = account(await of('climate'));
    const far = openStore(db, { nowMs: () => nowMs + 3_650 * DAY_MS });
    const all = { readings: 30, logs: 30, events: 30 };
    await forgotten(far, all);
    // Nobody was heard since, or somebody is.
    await db.query('UPDATE node SET heard_ms = $1', [BigInt(nowMs + 3_650 * DAY_MS)]);
    await assert.rejects(
      forgotten(far, all),
      /newest time of their rows is 3651 days ago: either this machine's clock is ahead/,
    );
    assert.deepEqual(account(await of('climate')), before);
    assert.equal((await far.logs({ limit: 100 })).length, DAYS);
    assert.equal((await far.readings((await of('sos')).streamId, ALL, 100)).length, 2 * DAYS);
  });

  test('a block whose rows went is a double when it comes again; one that never came is taken, and goes in its turn', async () => {
    const { store, forget, of, nowMs } = await tenDays(await fresh(STORE_MIGRATIONS));
    await forget({ readings: 3 });
    const again = await store.take([noon(2), noon(8), noon(8, { boot: 2 })], nowMs);
    assert.deepEqual(
      again.map(({ verdict, readings }) => [verdict, readings.length]),
      [
        ['duplicate', 0],
        ['duplicate', 0],
        ['conflict', 0],
      ],
    );
    const [late] = await store.take([noon(4)], nowMs);
    assert.deepEqual([late!.verdict, late!.readings.length], ['new', 2]);
    assert.equal((await store.readings(late!.stream!.streamId, ALL, 100)).length, 8);
    await forget({ readings: 3 });
    assert.deepEqual(account(await of('climate')), {
      received: 20n,
      lost: {},
      missing: 0n,
      conflicts: 1n,
      removed: 14n,
    });
    assert.equal((await store.take([noon(4)], nowMs))[0]!.verdict, 'duplicate');
  });

  test('a chart says removed where rows went, and lost where they were lost, at the edge too', async () => {
    const { store, forget, of, nowMs } = await tenDays(await fresh(STORE_MIGRATIONS));
    // Day 4 is a hole, then the first whole day that is kept is 5.
    const value = {
      epoch: EPOCH,
      stream: 'climate',
      first: 8,
      last: 9,
      cause: 'quota',
      atMost: false,
    } as const;
    await store.take([meta([{ kind: 'gap', value }], { first: 2 })], nowMs);
    await forget({ readings: 5 });
    const { streamId } = await of('climate');
    const series = await store.series(streamId, 0, { fromNs: T0, toNs: T0 + BigInt(DAYS * DAY_S) * S }, 10);
    const days = (ms: number) => (ms - T0_MS) / DAY_MS;
    assert.deepEqual(
      series!.holes.map(({ cause, rows, fromMs, toMs }) => [cause, rows, days(fromMs), days(toMs)]),
      [
        ['removed', 8, 0.5, 3.5 + 1 / DAY_S],
        ['quota', 2, 3.5 + 1 / DAY_S, 5.5],
      ],
    );
    assert.deepEqual(
      series!.buckets.map(({ min, max }) => [min, max]),
      [5, 6, 7, 8, 9].map((day) => [day, day + 0.5]),
    );
  });

  test('rows that never got a time go by when they came; much goes in many steps', async () => {
    const db = await fresh(STORE_MIGRATIONS);
    let nowMs = T0_MS;
    const store = openStore(db, { nowMs: () => nowMs });
    const many = (at: number) =>
      block(
        Array.from({ length: 200 }, () => [1]),
        { first: 200 * at, boot: 7 },
      );
    await store.take(
      Array.from({ length: 100 }, (_, at) => many(at)),
      T0_MS,
    );
    nowMs += 3 * DAY_MS;
    await store.take([many(100)], nowMs);
    // 20,000 rows, at most 8,192 a step.
    assert.ok((await forgotten(store, { readings: 2 })) >= 3);
    const [left] = await db.query('SELECT count(*) AS n, min(seq) AS first FROM reading');
    assert.deepEqual({ ...left }, { n: 200n, first: 20_000n });
    const [blocks] = await db.query('SELECT count(*) AS n FROM block');
    assert.equal(blocks!.n, 1n);
  });

  test('a late anchor repairs what is left, and two that forget at once count once', async () => {
    const db = await fresh(STORE_MIGRATIONS);
    const { nowMs, forget, of, store } = await tenDays(db);
    const other = openStore(db, { nowMs: () => nowMs });
    await Promise.all([forget({ readings: 4 }), forgotten(other, { readings: 4 })]);
    assert.equal((await of('climate')).removed!.rows, 10n);
    await store.take([meta([anchor(9 * DAY_S, T0 + BigInt(9 * DAY_S + 60) * S)], { first: 9 })], nowMs);
    while (await store.repairTimes());
    assert.equal((await store.readings((await of('climate')).streamId, ALL, 100)).length, 8);
  });
}
