import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Database, SqlRow, SqlValue } from '../../../fleet/db/index.js';
import { openStore, STORE_MIGRATIONS } from '../../../fleet/store/index.js';
import { type MetaRecord, Times } from '../../../wire/index.js';
import type { Fresh } from '../db/databases.js';
import { anchor, block, EPOCH, logBlock, meta, NODE, S, T0, T0_MS } from './blocks.js';

const ALL = { fromNs: 0n, toNs: 2n ** 62n };
const DESCRIPTOR: MetaRecord = {
  kind: 'descriptor',
  value: {
    ...{ stream: 'climate', version: 1, title: 'Air', class: 'telemetry' },
    channels: [{ name: 't', quantity: 'temperature', type: { kind: 'f64' } }],
  },
};
const DAY_S = 86_400;
const MONTH_NS = BigInt(30 * DAY_S) * S;
/** A row a second: 100 of them, from 50 s after the boot. */
const rows = (first = 0) =>
  block(
    Array.from({ length: 100 }, (_, i) => [i]),
    { first, atS: 50 + first },
  );

/** Two anchors that can't both be right, at 0 and 200 s: halfway the clock is set back by a month. */
const STEP = [anchor(0, T0), anchor(200, T0 - MONTH_NS + 200n * S)];

export function stepsSuite(fresh: Fresh, runs: number): void {
  test('a clock that was set back amid a block, told late: each row has its time, and moves when a surer one comes', async () => {
    const db = await fresh(STORE_MIGRATIONS);
    const store = openStore(db, { nowMs: () => T0_MS });
    const [taken] = await store.take([rows()], T0_MS);
    const { streamId } = taken!.stream!;
    await store.take([meta(STEP)], T0_MS);
    while (await store.repairTimes());
    const before = new Map(
      (await store.readings(streamId, ALL, 200)).map(({ sequence, wallNs }) => [sequence, wallNs!]),
    );
    assert.equal(before.size, 100);
    // The nearer anchor tells: rows to 99 s after the boot the first one, from 101 s on the other.
    for (const [sequence, wallNs] of before) {
      const atS = 50n + sequence;
      if (atS !== 100n) assert.equal(wallNs, T0 + atS * S - (atS < 100n ? 0n : MONTH_NS), `row ${sequence}`);
    }
    // As a store says that had known the anchors before.
    const other = openStore(await fresh(STORE_MIGRATIONS), { nowMs: () => T0_MS });
    await other.take([meta(STEP)], T0_MS);
    const [known] = await other.take([rows()], T0_MS);
    assert.deepEqual(new Map(known!.readings.map(({ sequence, wallNs }) => [sequence, wallNs!])), before);
    const reach = 'SELECT wall_first_ns, wall_last_ns FROM block WHERE stream_id = $1';
    const walls = [...before.values()].sort((a, b) => (a < b ? -1 : 1));
    assert.deepEqual(
      { ...(await db.query(reach, [streamId]))[0] },
      {
        wall_first_ns: walls[0],
        wall_last_ns: walls.at(-1),
      },
    );
    // One more, between them: it agrees with the second.
    await store.take([meta([anchor(20, T0 - MONTH_NS + 20n * S)], { first: 2 })], T0_MS);
    while (await store.repairTimes());
    const after = await store.readings(streamId, ALL, 200);
    assert.deepEqual(
      after.map(({ wallNs }) => wallNs! - T0 + MONTH_NS),
      Array.from({ length: 100 }, (_, i) => BigInt(50 + i) * S),
    );
  });

  test('what retention takes away is all of a block whose rows are of two times', async () => {
    const db = await fresh(STORE_MIGRATIONS);
    let nowMs = T0_MS;
    const store = openStore(db, { nowMs: () => nowMs });
    const [taken] = await store.take([rows()], T0_MS);
    await store.take([meta(STEP)], T0_MS);
    while (await store.repairTimes());
    nowMs += 40 * DAY_S * 1_000;
    // As others of its streams go on.
    await db.query('UPDATE node SET latest_ns = $1', [BigInt(nowMs) * 1_000_000n]);
    while (await store.forgetRows({ readings: 2 }));
    const [left] = await db.query('SELECT count(*) AS n FROM reading WHERE stream_id = $1', [
      taken!.stream!.streamId,
    ]);
    assert.equal(left!.n, 0n);
    const climate = (await store.node(NODE, nowMs))!.streams.find(({ stream }) => stream === 'climate');
    assert.equal(climate!.removed!.rows, 100n);
  });

  test('a chart has every hole, however many, and a figure for the greatest numbers', async () => {
    const store = openStore(await fresh(STORE_MIGRATIONS), { nowMs: () => T0_MS });
    await store.take([meta([DESCRIPTOR, anchor(0, T0)])], T0_MS);
    const every = Array.from({ length: 1_200 }, (_, i) =>
      block([[i === 0 ? 1e300 : i === 1 ? -1e300 : i]], { first: 2 * i, atS: 2 * i }),
    );
    const [taken] = await store.take(every.slice(0, 600), T0_MS + 3_600_000);
    await store.take(every.slice(600), T0_MS + 3_600_000);
    const span = { fromNs: T0, toNs: T0 + 2_400n * S };
    const series = (await store.series(taken!.stream!.streamId, 0, span, 600))!;
    assert.equal(series.holes.length, 1_199);
    assert.equal(series.holes.at(-1)!.toMs, T0_MS + 2_398_000);
    // Two rows a bucket: the first two cancel out.
    const [first, second] = series.buckets;
    assert.deepEqual([first!.min, first!.max, first!.mean], [-1e300, 1e300, 0]);
    assert.deepEqual([second!.min, second!.max, second!.mean], [2, 3, 2.5]);
  });

  test('a position of a clock that was ahead keeps out none that is true', async () => {
    const store = openStore(await fresh(STORE_MIGRATIONS), { nowMs: () => T0_MS });
    const channels = (['latitude', 'longitude'] as const).map(
      (name) => ({ name, quantity: name, type: { kind: 'f64' } }) as const,
    );
    const value = { stream: 'gnss', version: 1, title: '', class: 'telemetry', channels } as const;
    const at = (first: number, latitude: number) =>
      block([[latitude, 16]], { stream: 'gnss', first, atS: 10 + first });
    await store.take([meta([{ kind: 'descriptor', value }, anchor(0, T0 + BigInt(DAY_S) * S)])], T0_MS);
    await store.take([at(0, 48)], T0_MS + 10_000);
    // It is set right.
    await store.take([meta([anchor(11, T0 + 11n * S)], { first: 2 })], T0_MS + 11_000);
    while (await store.repairTimes());
    await store.take([at(1, 49)], T0_MS + 11_000);
    const latitude = async () => (await store.node(NODE, T0_MS + 11_000))!.position!.latitude;
    assert.equal(await latitude(), 49);
    // What comes from a backlog is where it was, not where it is.
    const pack = {
      ...({ kind: 'pack', device: NODE, stream: 'gnss', logClass: 'telemetry', channels } as const),
      ...{ wallNs: [T0 - 3_600n * S], values: Float64Array.of(1, 2), identity: Uint8Array.of(1) },
    };
    await store.take([pack], T0_MS + 12_000);
    assert.equal(await latitude(), 49);
  });

  test('who looks for a word finds it as it is written, in any script', async () => {
    const store = openStore(await fresh(STORE_MIGRATIONS), { nowMs: () => T0_MS });
    await store.take([logBlock([['info', 'm', 'Überspannung an Pumpe É']])], T0_MS);
    await store.rename(NODE, { name: 'Ötztal' });
    for (const contains of ['Überspannung', 'überSPANNUNG', 'pumpe é'])
      assert.equal((await store.logs({ contains, limit: 10 })).length, 1, contains);
    for (const search of ['Ötztal', 'ötz'])
      assert.equal((await store.nodes(T0_MS, { search })).length, 1, search);
  });

  test('a node that says the same gap over all numbers many times makes the database say it once', async () => {
    const db = await fresh(STORE_MIGRATIONS);
    const store = openStore(db, { nowMs: () => T0_MS });
    const gap = (first: number, last: number): MetaRecord => ({
      kind: 'gap',
      value: { epoch: EPOCH, stream: 'climate', first, last, cause: 'quota', atMost: false },
    });
    await store.take([meta(Array.from({ length: 1_000 }, (_, i) => gap(2 * i, 2 * i)))], T0_MS);
    let rows = 0;
    const counting: Database = {
      ...{ dialect: db.dialect, query: db.query.bind(db), close: db.close.bind(db) },
      transaction: (work) =>
        db.transaction((tx) =>
          work({
            dialect: tx.dialect,
            query: async <Row extends SqlRow>(sql: string, values?: readonly SqlValue[]) => {
              const found = await tx.query<Row>(sql, values);
              rows += found.length;
              return found;
            },
          }),
        ),
    };
    const all = meta(
      Array.from({ length: 100 }, () => gap(0, 2 ** 53 - 2)),
      { first: 1_000 },
    );
    const [taken] = await openStore(counting, { nowMs: () => T0_MS }).take([all], T0_MS);
    assert.equal(taken!.verdict, 'new');
    assert.ok(rows < 2_100, `${rows} rows`);
    assert.deepEqual(
      (await store.gaps(NODE)).map(({ first, last }) => [first, last]),
      [[0n, 2n ** 53n - 2n]],
    );
  });

  test('a node that says all numbers of a thousand streams are lost is still one of the list, and heard', async () => {
    const store = openStore(await fresh(STORE_MIGRATIONS), { nowMs: () => T0_MS });
    const gaps = Array.from({ length: 1_280 }, (_, i): MetaRecord => {
      const epoch = (i >> 8).toString(16).padStart(16, '0');
      const whole = { first: 0, last: 2 ** 53 - 2, cause: 'quota', atMost: false } as const;
      return { kind: 'gap', value: { epoch, stream: `s${i % 256}`, ...whole } };
    });
    const [said] = await store.take([meta(gaps)], T0_MS);
    assert.equal(said!.verdict, 'new');
    assert.equal((await store.nodes(T0_MS))[0]!.lostRows, 2n ** 63n - 1n);
    assert.equal((await store.take([block([[1]])], T0_MS))[0]!.verdict, 'new');
  });

  test('a gap that is exact stays so beside another that is not', async () => {
    const store = openStore(await fresh(STORE_MIGRATIONS), { nowMs: () => T0_MS });
    const gap = (first: number, last: number, atMost: boolean): MetaRecord => ({
      kind: 'gap',
      value: { epoch: EPOCH, stream: 'climate', first, last, cause: 'uncleanStop', atMost },
    });
    await store.take([meta([gap(0, 9, true), gap(100, 109, false)])], T0_MS);
    await store.take([meta([gap(200, 209, false), gap(8, 11, true)], { first: 2 })], T0_MS);
    assert.deepEqual(
      (await store.gaps(NODE)).map(({ first, last, atMost }) => [first, last, atMost]),
      [
        [0n, 11n, true],
        [100n, 109n, false],
        [200n, 209n, false],
      ],
    );
  });

  test('what stays behind rows that have no time is there, or is said to have gone', async () => {
    const db = await fresh(STORE_MIGRATIONS);
    let nowMs = T0_MS + 10 * DAY_S * 1_000;
    const store = openStore(db, { nowMs: () => nowMs });
    // After ten days without a link: of the first boot nobody knows when it was.
    const days = Array.from({ length: 10 }, (_, day) =>
      block([[day], [day]], { first: 2 + 2 * day, atS: day * DAY_S + 60, boot: 2 }),
    );
    await store.take([meta([anchor(0, T0, 1, 2)]), block([[0], [0]]), ...days], nowMs);
    while (await store.forgetRows({ readings: 3 }));
    const account = async () => {
      const [row] = await db.query<{ n: bigint }>('SELECT count(*) AS n FROM reading');
      const climate = (await store.node(NODE, nowMs))!.streams.find(({ stream }) => stream === 'climate');
      return [row!.n + (climate!.removed?.rows ?? 0n), climate!.removed?.rows];
    };
    assert.equal((await account())[0], 22n);
    nowMs += 5 * DAY_S * 1_000;
    while (await store.forgetRows({ readings: 3 }));
    assert.deepEqual(await account(), [22n, 22n]);
  });

  test('whatever anchors come in whatever order, a block says where its rows are, and none that can have a time is without', async () => {
    const db = await fresh(STORE_MIGRATIONS);
    const store = openStore(db, { nowMs: () => T0_MS });
    const told = fc.record({
      atS: fc.nat(300),
      boot: fc.integer({ min: 1, max: 2 }),
      // Some agree, some are off by a minute, a day, or by what nobody believes.
      offS: fc.constantFrom(0, 0, 0, 60, -DAY_S, -20 * DAY_S, 400 * DAY_S),
      sureMs: fc.constantFrom(1, 500, 60_000),
    });
    const had = fc.record({ count: fc.integer({ min: 1, max: 90 }), boot: fc.integer({ min: 1, max: 2 }) });
    let nodes = 0;
    const check = async (batches: readonly (readonly Sent[])[]) => {
      const node = (++nodes).toString(16).padStart(16, '0');
      let [first, metaFirst] = [0, 0];
      const said: MetaRecord[] = [];
      const atS = [0, 0, 0];
      for (const steps of batches) {
        const blocks = steps.map((step) => {
          if ('atS' in step) {
            const wallNs = T0 - BigInt(1_000 - step.atS - step.offS) * S;
            said.push(anchor(step.atS, wallNs, step.sureMs, step.boot));
            return meta([said.at(-1)!], { node, first: metaFirst++ });
          }
          const one = block(
            Array.from({ length: step.count }, () => [1]),
            { node, first, boot: step.boot, atS: atS[step.boot]! },
          );
          first += step.count;
          atS[step.boot]! += step.count;
          return one;
        });
        await store.take(blocks, T0_MS);
        while (await store.repairTimes());
      }
      const times = new Times();
      for (const record of said) if (record.kind === 'anchor') times.anchor(record.value);
      const rows = await db.query<{
        seq: bigint;
        boot: bigint;
        mono_ns: bigint;
        wall_ns: bigint | null;
        first: bigint;
        least: bigint | null;
        most: bigint | null;
      }>(
        `SELECT reading.seq, block.boot, reading.mono_ns, reading.wall_ns, block.first, block.wall_first_ns AS least, block.wall_last_ns AS most
          FROM epoch JOIN stream ON stream.epoch_id = epoch.id JOIN block ON block.stream_id = stream.id
          JOIN reading ON reading.stream_id = block.stream_id AND reading.seq BETWEEN block.first AND block.first + block.count - 1
          WHERE epoch.node = $1 AND stream.name = 'climate' ORDER BY reading.seq`,
        [node],
      );
      assert.equal(rows.length, first);
      for (const start of new Set(rows.map((row) => row.first))) {
        const of = rows.filter((row) => row.first === start);
        const walls = of.map(({ wall_ns }) => wall_ns);
        const now = of.map(({ boot, mono_ns }) => times.at(Number(boot), mono_ns));
        const canAll = now.every((time) => time.kind === 'known' && isBelievable(time.wallNs));
        if (walls.includes(null)) {
          assert.ok(walls.every((wall) => wall === null) && of[0]!.least === null, 'all or none');
          assert.ok(!canAll, `rows from ${start} on could have a time`);
        } else {
          const sorted = (walls as bigint[]).toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0));
          assert.deepEqual([of[0]!.least, of[0]!.most], [sorted[0], sorted.at(-1)]);
        }
      }
    };
    const sent = fc.array(
      fc.array(fc.oneof<fc.Arbitrary<Sent>[]>(told, had), { minLength: 1, maxLength: 4 }),
      { maxLength: 5 },
    );
    await fc.assert(fc.asyncProperty(sent, check), { numRuns: runs });
  });
}

type Sent =
  | { readonly atS: number; readonly boot: number; readonly offS: number; readonly sureMs: number }
  | { readonly count: number; readonly boot: number };

const isBelievable = (wallNs: bigint) =>
  wallNs > T0 - 999n * BigInt(DAY_S) * S && wallNs < T0 + BigInt(DAY_S) * S;
