import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { openStore, STORE_MIGRATIONS } from '../../../fleet/store/index.js';
import type { MetaRecord } from '../../../wire/index.js';
import type { Fresh } from '../db/databases.js';
import { anchor, block, EPOCH, meta, NODE, S, T0, T0_MS } from './blocks.js';

const ALL = { fromNs: 0n, toNs: 2n ** 62n };
/** So many numbers from 1 on, as rows. */
const numbers = (count: number) =>
  `WITH RECURSIVE number(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < ${count})`;
const descriptor = (stream: string, version: number): MetaRecord => ({
  kind: 'descriptor',
  value: { stream, version, title: 'a\0b', class: 'telemetry', channels: [] },
});
const nodeOf = (n: number) => n.toString(16).padStart(16, '0');

export function boundsSuite(fresh: Fresh, runs: number): void {
  test('what finds no room is refused, and is taken once there is room; what needs none is taken', async () => {
    const db = await fresh(STORE_MIGRATIONS);
    const store = openStore(db, { nowMs: () => T0_MS });
    const verdict = async (one: ReturnType<typeof block>) => {
      const [taken] = await store.take([one], T0_MS);
      return taken!.why ?? taken!.verdict;
    };
    const [taken] = await store.take([block([[1], [2]])], T0_MS);
    const { streamId } = taken!.stream!;
    await db.query('UPDATE stream SET received_ranges = 16384 WHERE id = $1', [streamId]);
    assert.match(await verdict(block([[1]], { first: 9 })), /no room for a range of climate/);
    assert.equal(await verdict(block([[1]], { first: 2 })), 'new');
    await db.query(
      `${numbers(1_024)} INSERT INTO conflict (stream_id, first, count, crc, received_ms, bytes)
        SELECT $1, n + 100, 1, 0, 0, $2 FROM number`,
      [streamId, Uint8Array.of(0)],
    );
    await db.query('UPDATE stream SET conflicts = 1024 WHERE id = $1', [streamId]);
    assert.match(await verdict(block([[9], [9]])), /no room/);
    const { epoch_id } = (await db.query('SELECT epoch_id FROM stream WHERE id = $1', [streamId]))[0]!;
    await db.query(
      `${numbers(1_024)} INSERT INTO descriptor (epoch_id, stream, version, title, class, channels)
        SELECT $1, 'climate', n, '', 'telemetry', '[]' FROM number`,
      [epoch_id!],
    );
    const full = meta([descriptor('climate', 2_000), anchor(0, T0)]);
    assert.match(await verdict(full), /no room for 1 of 2 records of meta 0/);
    assert.match(await verdict(full), /no room/, 'nor is it a double when it comes again');
    // The anchor was taken.
    while (await store.repairTimes());
    assert.equal((await store.readings(streamId, ALL, 10)).length, 3);
    assert.equal(await verdict(meta([descriptor('climate', 7)])), 'new');
    const now = 'SELECT (SELECT count(*) FROM stream WHERE epoch_id = $1) AS n';
    const left = 256 - Number((await db.query(now, [epoch_id!]))[0]!.n);
    await db.query(`${numbers(left)} INSERT INTO stream (epoch_id, name) SELECT $1, 's' || n FROM number`, [
      epoch_id!,
    ]);
    assert.match(await verdict(block([[1]], { stream: 'one-more' })), /no room for .*one-more/);
    assert.equal(await verdict(block([[1]], { stream: 's3' })), 'new');
  });

  test('a batch is bounded', async () => {
    const store = openStore(await fresh(STORE_MIGRATIONS), { nowMs: () => T0_MS });
    const many = Array.from({ length: 1_025 }, () => block([[1]]));
    await assert.rejects(store.take(many, T0_MS), RangeError);
  });

  test('two ingests take the same blocks at the same time: each is had once', async () => {
    const db = await fresh(STORE_MIGRATIONS);
    const stores = [1, 2].map(() => openStore(db, { nowMs: () => T0_MS }));
    const blocks = Array.from({ length: 60 }, (_, i) =>
      block([[i], [i]], { node: nodeOf(i % 7), first: 2 * Math.floor(i / 7) }),
    );
    const batches = stores.flatMap((store, at) =>
      Array.from({ length: 6 }, (_, i) => {
        const some = blocks.slice(10 * i, 10 * i + 10);
        return store.take(at === 0 ? some : some.reverse(), T0_MS);
      }),
    );
    const verdicts = (await Promise.all(batches)).flat().map(({ verdict }) => verdict);
    assert.deepEqual(
      ['new', 'duplicate'].map((wanted) => verdicts.filter((one) => one === wanted).length),
      [60, 60],
    );
    const [rows] = await db.query('SELECT count(*) AS n FROM reading');
    assert.equal(rows!.n, 120n);
    const [sums] = await db.query(
      'SELECT sum(received) AS received, sum(received_ranges) AS ranges FROM stream',
    );
    assert.deepEqual({ ...sums }, { received: 120n, ranges: 7n });
  });

  test('no time that a node may say makes a fault, before or after', async () => {
    const store = openStore(await fresh(STORE_MIGRATIONS), { nowMs: () => T0_MS });
    const int64 = fc.oneof(
      fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
      fc.bigInt({ min: 0n, max: 10n ** 12n }),
      fc.bigInt({ min: T0 - 10n ** 14n, max: T0 + 10n ** 14n }),
      fc.constantFrom(-(2n ** 63n), 2n ** 63n - 1n, 0n),
    );
    const anchors = fc.array(
      fc.record({ boot: fc.nat(2), monotonicNs: int64, wallNs: int64, uncertaintyNs: int64 }),
      { maxLength: 4 },
    );
    let count = 0;
    const check = async (rows: readonly bigint[], said: readonly object[]) => {
      const node = nodeOf(++count);
      const records = said.map(
        (value) => ({ kind: 'anchor', value: { ...value, source: 'gnss' } }) as MetaRecord,
      );
      const blocks = rows.map((atNs, first) => block([[1]], { node, first, atNs, boot: first % 3 }));
      const half = blocks.length >> 1;
      await store.take(
        [...blocks.slice(0, half), ...(records.length > 0 ? [meta(records, { node })] : [])],
        T0_MS,
      );
      while (await store.repairTimes());
      await store.take(blocks.slice(half), T0_MS);
      const detail = await store.node(node, T0_MS);
      const climate = detail?.streams.find(({ stream }) => stream === 'climate');
      assert.equal(climate?.received ?? 0n, BigInt(rows.length));
      if (climate)
        await store.series(climate.streamId, 0, { fromNs: T0 - 10n ** 15n, toNs: T0 + 10n ** 15n }, 50);
    };
    await fc.assert(fc.asyncProperty(fc.array(int64, { maxLength: 4 }), anchors, check), { numRuns: runs });
  });

  test('what one ingest learns of times the other knows, and nobody knows what was taken back', async () => {
    const db = await fresh(STORE_MIGRATIONS);
    const [one, other] = [1, 2].map(() => openStore(db, { nowMs: () => T0_MS }));
    const timeAt = async (first: number, boot: number) => {
      const [taken] = await other!.take([block([[1]], { first, boot, atS: first })], T0_MS);
      return taken!.readings[0]!.wallNs;
    };
    await one!.take([meta([anchor(0, T0)])], T0_MS);
    assert.equal(await timeAt(0, 1), T0);
    const next = meta([anchor(0, T0 + 9n * S, 1, 2)], { first: 1 });
    for (const store of [one!, other!])
      await assert.rejects(store.take([next], T0_MS, () => Promise.reject(new Error('no'))));
    assert.equal(await timeAt(1, 2), undefined);
    await one!.take([next], T0_MS);
    assert.equal(await timeAt(2, 2), T0 + 11n * S);
  });

  test('a day whose table was dropped is there again when it is needed', async () => {
    const db = await fresh(STORE_MIGRATIONS);
    const store = openStore(db, { nowMs: () => T0_MS });
    await store.take([meta([anchor(0, T0)]), block([[1]])], T0_MS);
    if (db.dialect === 'postgres') await db.query('DROP TABLE reading_20454');
    else await db.query('DELETE FROM reading');
    const [taken] = await store.take([block([[2]], { first: 1 })], T0_MS);
    const readings = await store.readings(taken!.stream!.streamId, ALL, 10);
    assert.deepEqual(
      readings.map(({ values }) => values),
      [[2]],
    );
    const broken = store.take([block([[3]], { first: 2 })], T0_MS, async (tx) => {
      await tx.query("INSERT INTO refusal (cause, count) VALUES ('x', 1)");
      await tx.query("INSERT INTO refusal (cause, count) VALUES ('x', 1)");
    });
    await assert.rejects(broken, { kind: 'constraint' });
  });

  test('an epoch that was lost: its open gap comes with the next, whose own numbers begin anew', async () => {
    const store = openStore(await fresh(STORE_MIGRATIONS), { nowMs: () => T0_MS });
    const next = '00000000000000aa';
    const end: MetaRecord = {
      kind: 'gap',
      value: { epoch: EPOCH, stream: 'climate', first: 1, last: undefined, cause: 'epochEnd', atMost: true },
    };
    await store.take([block([[1]])], T0_MS);
    await store.take([meta([end], { epoch: next }), block([[1]], { epoch: next })], T0_MS + 1);
    assert.deepEqual(await store.gaps(NODE), [
      {
        ...{ epoch: EPOCH, stream: 'climate', first: 1n, last: undefined },
        ...{ cause: 'epochEnd', atMost: true, learnedMs: T0_MS + 1 },
      },
    ]);
    const { epochs } = (await store.node(NODE, T0_MS))!;
    assert.deepEqual(epochs, [
      { epoch: next, firstHeardMs: T0_MS + 1 },
      { epoch: EPOCH, firstHeardMs: T0_MS },
    ]);
  });
}
