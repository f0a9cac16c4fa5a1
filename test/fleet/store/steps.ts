import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openStore, STORE_MIGRATIONS } from '../../../fleet/store/index.js';
import type { Fresh } from '../db/databases.js';
import { anchor, block, meta, NODE, S, T0, T0_MS } from './blocks.js';

const ALL = { fromNs: 0n, toNs: 2n ** 62n };
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

export function stepsSuite(fresh: Fresh): void {
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
    while (await store.forgetRows({ readings: 2 }));
    const [left] = await db.query('SELECT count(*) AS n FROM reading WHERE stream_id = $1', [
      taken!.stream!.streamId,
    ]);
    assert.equal(left!.n, 0n);
    const climate = (await store.node(NODE, nowMs))!.streams.find(({ stream }) => stream === 'climate');
    assert.equal(climate!.removed!.rows, 100n);
  });
}
