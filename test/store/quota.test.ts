import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { LevelDb, LevelOperation, Store } from '../../runtime/store/index.js';
import { randomOf } from './corruption-damage.js';
import { memoryDisk } from './memory-disk.js';
import { CHANNELS, heldRows, openTest, rowsOf, testDeps, testOptions } from './support.js';

const SIZE = 1024 * 1024;
/** docs/store.md, Size: 1 MiB less six buffers of 64 KiB, a sixteenth of ballast and an eighth for dead values; half of that is for a compaction. */
const LIVE_BYTES = (SIZE - 6 * 64 * 1024 - SIZE / 16 - SIZE / 8) / 2;
/** What LevelDB adds to a value, by the same page's measure. */
const OVERHEAD_BYTES = 48;
const QUOTA_PERCENT = { alarm: 10, event: 10, telemetry: 40, bulk: 20, log: 10 };
/** The bytes of a value's key: V, class, batch. */
const [VALUE, KEY_BYTES] = [0x56, 10];
/** By the class's number in the key; the last goes first. */
const CLASSES = ['meta', 'alarm', 'event', 'telemetry', 'bulk', 'log'] as const;
const STREAMS = { a: 'alarm', e: 'event', t: 'telemetry', b: 'bulk', l: 'log' } as const;
type Name = keyof typeof STREAMS;

interface Value {
  readonly key: string;
  readonly bytes: number;
}

/** What lies on the disk, by its batches alone; each deletion is held against the rule. */
class Ledger {
  readonly values = new Map<(typeof CLASSES)[number], Value[]>(CLASSES.map((name) => [name, []]));
  evicted = 0;
  mostBytes = 0;
  /** Told at the end: to the store a batch that throws is a disk that refuses. */
  readonly faults: string[] = [];

  watch(db: LevelDb): LevelDb {
    return {
      ...db,
      batch: async (operations) => {
        this.#take(operations);
        await db.batch(operations);
      },
    };
  }

  bytesOf(name: (typeof CLASSES)[number]): number {
    return this.values.get(name)!.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  #take(operations: readonly LevelOperation[]): void {
    const ofValues = operations.filter(({ key }) => key.length === KEY_BYTES && key[0] === VALUE);
    for (const { type, key } of ofValues) if (type === 'del') this.#evict(key);
    for (const operation of ofValues) {
      if (operation.type === 'del') continue;
      const values = this.values.get(CLASSES[operation.key[1]!]!)!;
      values.push({ key: hex(operation.key), bytes: operation.value.length + OVERHEAD_BYTES });
    }
    const live = CLASSES.reduce((sum, name) => sum + this.bytesOf(name), 0);
    this.mostBytes = Math.max(this.mostBytes, live);
    if (live > LIVE_BYTES) this.faults.push(`${live} live bytes after a batch, the budget is ${LIVE_BYTES}`);
  }

  #evict(key: Uint8Array): void {
    const name = CLASSES[key[1]!]!;
    const holding = CLASSES.filter((one) => one !== 'meta' && this.bytesOf(one) > 0).reverse();
    const above = holding.find((one) => one !== 'meta' && this.bytesOf(one) > share(one));
    const values = holding.map((one) => `${one} ${this.bytesOf(one)}`).join(', ');
    if (name !== (above ?? holding[0]))
      this.faults.push(`${name} gave way, not ${above ?? holding[0]}: ${values}`);
    if (hex(key) !== this.values.get(name)!.shift()?.key) this.faults.push(`${name}: not the oldest went`);
    this.evicted += 1;
  }
}

function share(name: keyof typeof QUOTA_PERCENT): number {
  return (QUOTA_PERCENT[name] / 100) * LIVE_BYTES;
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

/** Rows that don't compress. */
function noise(stream: Name, first: number, count: number, random: () => number) {
  const rows = rowsOf(
    stream,
    Array.from({ length: count }, (_, i) => first + i),
  );
  for (let i = 0; i < count; i += 1) rows.values[2 * i] = Math.floor(random() * 2 ** 40) / 100;
  return rows;
}

/** Every number is either held or in one gap `quota`, never both. */
async function accounts(store: Store, appended: ReadonlyMap<Name, number>): Promise<void> {
  const held = await heldRows(store);
  const gaps = store.openGaps();
  for (const [name, next] of appended) {
    const seen = new Uint8Array(next);
    for (const { stream, sequence } of held) if (stream === name) seen[sequence]! += 1;
    for (const gap of gaps.filter(({ stream }) => stream === name)) {
      assert.deepEqual([gap.cause, gap.atMost], ['quota', false], 'rows went for want of room alone');
      for (let n = gap.first; n <= gap.last!; n += 1) seen[n]! += 1;
    }
    assert.ok(
      seen.every((times) => times === 1),
      `${name}: ${seen.findIndex((times) => times !== 1)} is held and in a gap, or in neither`,
    );
  }
}

/** Rows that memory holds: none may go for want of that. */
const MAX_WAITING = 20_000;

const step = fc.record({
  stream: fc.constantFrom(...(Object.keys(STREAMS) as Name[])),
  rows: fc.oneof(
    { weight: 6, arbitrary: fc.integer({ min: 1, max: 400 }) },
    { weight: 3, arbitrary: fc.integer({ min: 1, max: 4000 }) },
    { weight: 1, arbitrary: fc.integer({ min: 1, max: MAX_WAITING }) },
  ),
  flush: fc.boolean(),
});

test('in every batch the live bytes stay within the budget; what goes is the oldest of the lowest class above its share, and gaps say exactly what', async (t) => {
  const seed = Number(process.env.CAIRN_SEED ?? Date.now() % 1e9);
  t.diagnostic(`CAIRN_SEED=${seed}`);
  let [evicted, mostBytes] = [0, 0];
  const property = fc.asyncProperty(
    fc.array(step, { minLength: 20, maxLength: 60 }),
    fc.nat(),
    async (steps, noiseSeed) => {
      const [ledger, disk] = [new Ledger(), memoryDisk()];
      const openLevel: typeof disk.openLevel = async (...args) => ledger.watch(await disk.openLevel(...args));
      const deps = testDeps({ ...disk, openLevel });
      const store = await openTest(
        testOptions('/memory', { sizeBytes: SIZE, quotaPercent: QUOTA_PERCENT, deps }),
      );
      store.declare({ name: 'b', class: 'bulk', title: 'stream b', channels: CHANNELS });
      const appended = new Map<Name, number>();
      const random = randomOf(noiseSeed);
      let waiting = 0;
      for (const { stream, rows, flush } of steps) {
        waiting += rows;
        if (waiting > MAX_WAITING) await store.flush();
        if (waiting > MAX_WAITING) waiting = rows;
        const first = appended.get(stream) ?? 0;
        store.append(noise(stream, first, rows, random));
        appended.set(stream, first + rows);
        if (flush) {
          await store.flush();
          waiting = 0;
        }
      }
      await store.flush();
      await accounts(store, appended);
      await store.close();
      assert.deepEqual(ledger.faults.slice(0, 3), []);
      evicted += ledger.evicted;
      mostBytes = Math.max(mostBytes, ledger.mostBytes);
    },
  );
  await fc.assert(property, { seed, numRuns: 40, endOnFailure: true, includeErrorInReport: true });
  t.diagnostic(`${evicted} values went; at most ${mostBytes} of ${LIVE_BYTES} live bytes`);
  assert.ok(evicted > 20, 'there was something to judge');
});
