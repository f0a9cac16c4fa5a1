import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openStore, STORE_MIGRATIONS, type Store } from '../../../fleet/store/index.js';
import type { MetaRecord } from '../../../wire/index.js';
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
const minute = (first: number, atS: number) =>
  block(
    Array.from({ length: 60 }, (_, i) => [i]),
    { first, atS },
  );

async function repaired(store: Store): Promise<number> {
  let steps = 1;
  while (await store.repairTimes()) steps++;
  return steps;
}

export function timesSuite(fresh: Fresh): void {
  const open = async () => openStore(await fresh(STORE_MIGRATIONS), { nowMs: () => T0_MS });

  test('a late anchor gives rows their times, log lines too; the newest is told', async () => {
    const moved: string[] = [];
    const store = openStore(await fresh(STORE_MIGRATIONS), {
      nowMs: () => T0_MS,
      onMoved: (node) => moved.push(node),
    });
    const [taken] = await store.take(
      [block([[1], [2]]), logBlock([['warn', 'm', 'early']], { atS: 11 })],
      T0_MS,
    );
    const { streamId } = taken!.stream!;
    assert.deepEqual(await store.readings(streamId, ALL, 10), []);
    const [line] = await store.logs({ limit: 10 });
    assert.deepEqual([line!.wallNs, line!.atNs], [undefined, T0]);
    assert.equal((await store.nodes(T0_MS))[0]!.latestWallNs, undefined);
    await store.take([meta([anchor(100, T0 - 400n * S)])], T0_MS);
    assert.equal(await store.repairTimes(), false);
    assert.equal(await store.repairTimes(), false);
    assert.deepEqual(moved, [NODE], 'once, as nothing is left to move');
    // 90 s before the anchor.
    const times = (await store.readings(streamId, ALL, 10)).map(({ wallNs }) => wallNs! - (T0 - 490n * S));
    assert.deepEqual(times, [0n, S]);
    assert.deepEqual(
      (await store.logs({ limit: 10 })).map(({ wallNs, atNs }) => [wallNs, atNs]),
      [[T0 - 489n * S, T0 - 489n * S]],
    );
    assert.equal((await store.nodes(T0_MS))[0]!.latestWallNs, T0 - 489n * S);
  });

  test('a surer anchor moves what was wrong, over midnight, in steps that a restart does not undo', async () => {
    const db = await fresh(STORE_MIGRATIONS);
    const store = openStore(db, { nowMs: () => T0_MS });
    await store.take([meta([DESCRIPTOR, anchor(0, T0 - 1_800n * S, 60_000)])], T0_MS);
    // Three hours: half an hour of the old year.
    const blocks = Array.from({ length: 180 }, (_, i) => minute(60 * i, 60 * i + 1));
    const taken = await store.take(blocks, T0_MS);
    const { streamId } = taken[0]!.stream!;
    while (await store.repairTimes());
    // It was 40 s later than it said.
    await store.take([meta([anchor(10_800, T0 + 9_040n * S, 10)], { first: 2 })], T0_MS);
    assert.equal(await store.repairTimes(), true);
    assert.ok((await repaired(openStore(db, { nowMs: () => T0_MS }))) >= 1);
    const all = await store.readings(streamId, ALL, 10_000);
    const next = await store.readings(
      streamId,
      { ...ALL, fromNs: all.at(-1)!.wallNs! },
      10_000,
      all.at(-1)!.sequence,
    );
    const readings = [...all, ...next];
    assert.equal(readings.length, 10_800);
    const [from, to] = [readings[0]!, readings.at(-1)!];
    // The rate between the two anchors is 40 s in three hours, more than any crystal: the sure one is right, within 100 ppm.
    const off = [from.wallNs! - (T0 - 1_759n * S), to.wallNs! - (T0 + 9_040n * S)].map(Number);
    assert.ok(
      off.every((ns) => Math.abs(ns) < 1.1e9 + 1),
      `${off}`,
    );
    const series = await store.series(streamId, 0, { fromNs: T0 - 7_200n * S, toNs: T0 + 14_400n * S }, 360);
    assert.equal(
      series!.buckets.reduce((sum, { count }) => sum + count, 0),
      10_800,
    );
    assert.ok(series!.uncertainty.every(({ ms }) => ms < 2_200));
  });

  test('a chart: least, most and mean of each bucket; nothing across what is lost or missing', async () => {
    const store = await open();
    const gap: MetaRecord = {
      kind: 'gap',
      value: { epoch: EPOCH, stream: 'climate', first: 60, last: 89, cause: 'quota', atMost: false },
    };
    await store.take([meta([DESCRIPTOR, anchor(0, T0), gap])], T0_MS);
    const [taken] = await store.take([minute(0, 0), minute(120, 120)], T0_MS + 180_000);
    const { streamId } = taken!.stream!;
    const series = await store.series(streamId, 0, { fromNs: T0, toNs: T0 + 180n * S }, 6);
    assert.equal(series!.channel.name, 't');
    assert.deepEqual(series!.buckets, [
      { wallMs: T0_MS + 15_000, min: 0, max: 29, mean: 14.5, count: 30 },
      { wallMs: T0_MS + 45_000, min: 30, max: 59, mean: 44.5, count: 30 },
      { wallMs: T0_MS + 135_000, min: 0, max: 29, mean: 14.5, count: 30 },
      { wallMs: T0_MS + 165_000, min: 30, max: 59, mean: 44.5, count: 30 },
    ]);
    const between = { fromMs: T0_MS + 59_000, toMs: T0_MS + 120_000, rows: 30 };
    assert.deepEqual(series!.holes, [
      { ...between, cause: 'quota' },
      { ...between, cause: 'missing' },
    ]);
    // 1 ms of the anchor and 100 ppm of the time since.
    assert.deepEqual(
      series!.uncertainty.map(({ ms }) => ms),
      [1 + 5.9, 1 + 17.9],
    );
    assert.equal(series!.timeless, 0n);
    assert.equal(await store.series(streamId, 7, ALL, 6), undefined);
  });

  test('a channel is followed by its name where a later descriptor has it elsewhere', async () => {
    const store = openStore(await fresh(STORE_MIGRATIONS), { nowMs: () => T0_MS });
    const described = (version: number, names: readonly string[]): MetaRecord => {
      const channels = names.map((name) => ({ name, quantity: 'count', type: { kind: 'f64' } }) as const);
      return {
        kind: 'descriptor',
        value: { ...{ stream: 'climate', title: '', class: 'telemetry' }, version, channels },
      };
    };
    await store.take([meta([described(1, ['a', 'b']), described(2, ['c', 'a']), anchor(0, T0)])], T0_MS);
    const [taken] = await store.take(
      [block([[1, 2]]), block([[3, 4]], { first: 1, atS: 20, version: 2 })],
      T0_MS,
    );
    const { streamId } = taken!.stream!;
    const span = { fromNs: T0, toNs: T0 + 40n * S };
    const meansOf = async (channel: number) =>
      (await store.series(streamId, channel, span, 4))!.buckets.map(({ mean }) => mean);
    assert.deepEqual(await Promise.all([0, 1].map(meansOf)), [[3], [1, 4]]);
  });

  test('packs get numbers of their own; the same again is a double; times are the word of their sender', async () => {
    const store = await open();
    const pack = (identity: number, wallNs: bigint) => ({
      ...({ kind: 'pack', device: 'senml:truck-7', stream: 'air', logClass: 'telemetry' } as const),
      channels: [{ name: 't', quantity: 'temperature', type: { kind: 'f64' } }] as const,
      ...{ wallNs: [wallNs], values: Float64Array.of(identity), identity: Uint8Array.of(identity) },
    });
    const taken = await store.take([pack(1, T0), pack(1, T0), pack(2, T0 + S), pack(3, 2n ** 70n)], T0_MS);
    assert.deepEqual(
      taken.map(({ verdict, readings }) => [verdict, readings[0]?.sequence, readings[0]?.wallNs]),
      [
        ['new', 0n, T0],
        ['duplicate', undefined, undefined],
        ['new', 1n, T0 + S],
        ['new', 2n, undefined],
      ],
    );
    assert.equal((await store.take([pack(2, T0)], T0_MS))[0]!.verdict, 'duplicate');
    const { streamId } = taken[0]!.stream!;
    assert.deepEqual(
      (await store.readings(streamId, ALL, 10)).map(({ values }) => values),
      [[1], [2]],
    );
    assert.equal((await store.descriptor(streamId))!.channels[0]!.quantity, 'temperature');
    assert.equal((await store.series(streamId, 0, { fromNs: T0, toNs: T0 + 10n * S }, 10))!.timeless, 1n);
    assert.equal((await store.nodes(T0_MS))[0]!.node, 'senml:truck-7');
  });

  test('a pack stream that learns of a channel: rows of either version have their block and their values', async () => {
    const db = await fresh(STORE_MIGRATIONS);
    const store = openStore(db, { nowMs: () => T0_MS });
    const pack = (at: number, ...names: readonly string[]) => ({
      ...({ kind: 'pack', device: 'senml:truck-7', stream: 'air', logClass: 'telemetry' } as const),
      channels: names.map((name) => ({ name, quantity: 'temperature', type: { kind: 'f64' } }) as const),
      ...{ wallNs: [T0 + BigInt(at) * S], values: Float64Array.from(names, (_, i) => at + i / 10) },
      identity: Uint8Array.of(at),
    });
    const taken = await store.take(
      [pack(1, 'a'), pack(2, 'a'), pack(3, 'a', 'b'), pack(4, 'a'), pack(5, 'a', 'b', 'c')],
      T0_MS,
    );
    const blocks = await db.query('SELECT first, version FROM block ORDER BY first');
    assert.deepEqual(
      blocks.map(({ version }) => version),
      [1n, 1n, 2n, 2n, 3n],
    );
    const { streamId } = taken[0]!.stream!;
    const span = { fromNs: T0, toNs: T0 + 10n * S };
    const meansOf = async (channel: number) =>
      (await store.series(streamId, channel, span, 10))!.buckets.map(({ mean }) => mean);
    assert.deepEqual(await Promise.all([0, 1, 2].map(meansOf)), [[1, 2, 3, 4, 5], [3.1, 5.1], [5.2]]);
  });

  test('a time that nobody can believe is none, and no anchor makes a table or a fault', async () => {
    const store = await open();
    for (const [i, wall] of [2n ** 63n - 1n, -(2n ** 63n), 0n, T0 + 400n * 86_400n * S].entries()) {
      const node = String(i).padStart(16, '0');
      const wild: MetaRecord = {
        kind: 'anchor',
        value: {
          boot: 1,
          monotonicNs: -(2n ** 63n),
          wallNs: wall,
          uncertaintyNs: 2n ** 63n - 1n,
          source: 'gnss',
        },
      };
      await store.take([block([[1]], { node }), meta([wild], { node })], T0_MS);
      const [taken] = await store.take([block([[1]], { node, first: 1 })], T0_MS);
      assert.equal(taken!.readings[0]!.wallNs, undefined);
      while (await store.repairTimes());
    }
    assert.equal((await store.nodes(T0_MS)).length, 4);
  });
}
