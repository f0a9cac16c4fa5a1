import assert from 'node:assert/strict';
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { native } from '../../native/index.js';
import { type LevelDb, openStore, type StoreDeps, verifyStore } from '../../runtime/store/index.js';
import { batchEntries, logRecords } from '../../runtime/store/leveldb/log-file.js';
import { emptyClasses } from '../../runtime/store/records.js';
import { recover } from '../../runtime/store/recover.js';
import { SLOT_BYTES } from '../../runtime/store/reserve.js';
import { StoreState } from '../../runtime/store/state.js';
import {
  allGaps,
  CHANNELS,
  heldRows,
  openTest,
  rowsOf,
  temporary,
  testDeps,
  testOptions,
  until,
} from './support.js';

/** A store with 40 rows of `t` in 4 blocks and 10 of `a`, left by a clean stop. */
async function filled(path: string): Promise<string> {
  const store = await openTest(testOptions(path));
  for (let i = 0; i < 4; i += 1) {
    store.append(
      rowsOf(
        't',
        Array.from({ length: 10 }, (_, n) => 10 * i + n),
      ),
    );
    if (i === 0) store.append(rowsOf('a', [100, 101, 102, 103, 104, 105, 106, 107, 108, 109]));
    await store.flush();
  }
  await store.close();
  return store.epoch;
}

/** As dependencies whose LevelDB hands out values that `damage` has been at. */
function rotten(damage: (key: Uint8Array, value: Uint8Array) => Uint8Array): StoreDeps {
  const real = testDeps();
  const spoil = (db: LevelDb): LevelDb => ({
    ...db,
    get: async (key) => {
      const value = await db.get(key);
      return value && damage(key, value);
    },
    scan: async function* (from, to) {
      for await (const [key, value] of db.scan(from, to)) yield [key, damage(key, value)] as const;
    },
  });
  return { ...real, openLevel: async (path, options) => spoil(await real.openLevel(path, options)) };
}

function flipped(value: Uint8Array, at: number): Uint8Array {
  const copy = Uint8Array.from(value);
  copy[at]! ^= 0x10;
  return copy;
}

test('one flipped bit anywhere in a value costs at most its block, and a gap says exactly which rows', async (t) => {
  const path = temporary(t);
  await filled(path);
  const isVictim = (key: Uint8Array): boolean => key.length === 10 && key[0] === 0x56 && key[1] === 3;
  const victims: { commit: number; length: number }[] = [];
  const look = rotten((key, value) => {
    const isNew = !victims.some(({ commit }) => commit === key[9]);
    if (isVictim(key) && isNew) victims.push({ commit: key[9]!, length: value.length });
    return value;
  });
  const probe = await openStore(testOptions(path, { deps: look }));
  await heldRows(probe);
  await probe.close();
  const { commit, length } = victims.toSorted((a, b) => a.commit - b.commit)[1]!;
  let damaged = 0;
  for (let at = 0; at < length; at += 5) {
    const copy = join(temporary(t), 'copy');
    cpSync(path, copy, { recursive: true });
    const deps = rotten((key, value) => (isVictim(key) && key[9] === commit ? flipped(value, at) : value));
    const store = await openTest(testOptions(copy, { deps }));
    await heldRows(store);
    await store.flush();
    const held = await heldRows(store);
    const gaps = (await allGaps(store)).filter((gap) => gap.stream === 't');
    assert.equal(held.filter((row) => row.stream === 'a').length, 10);
    for (const row of held)
      assert.equal(row.count, row.stream === 'a' ? 100 + row.sequence : row.sequence, 'no wrong value');
    const accounted = new Set(held.filter((row) => row.stream === 't').map((row) => row.sequence));
    damaged += gaps.length;
    for (const gap of gaps) {
      assert.deepEqual([gap.cause, gap.first, gap.last], ['rot', 10, 19]);
      for (let n = gap.first; n <= gap.last!; n += 1) accounted.add(n);
    }
    assert.equal(accounted.size, 40, `flipped byte ${at}: every row is there or in a gap`);
    await store.close();
  }
  // All flips but those in the value's table, which the blocks' own headers make up for.
  assert.ok(damaged > 0.6 * (length / 5), `${damaged} gaps`);
});

test('FAULTS 9: each of the store’s own records damaged, one at a time: said, and every row is there once or in a gap', async (t) => {
  const path = temporary(t);
  const epoch = await filled(path);
  // Another boot, so that bounds, anchors and a gap are there too.
  const again = await openTest(testOptions(path, { bootId: '22222222-2222-2222-2222-222222222222' }));
  again.anchor({ monotonicNs: 5n, wallNs: 7n, uncertaintyNs: 1n, source: 'system' });
  const [first] = await again.read('telemetry', undefined, 1, 1e6);
  again.dispose([{ kind: 'receipt', position: first!.position }]);
  await again.close();
  const open = (at: string) =>
    testDeps().openLevel(join(at, 'level'), {
      createIfMissing: false,
      writeBufferBytes: 1e6,
      tableBytes: 1e6,
    });
  const db = await open(path);
  const own: [Uint8Array, Uint8Array][] = [];
  for await (const [key, value] of db.scan(Uint8Array.of(0), Uint8Array.of(0xff)))
    if (key[0] !== 0x56) own.push([key, value]);
  await db.close();
  t.diagnostic(`${own.length} records: ${own.map(([key]) => String.fromCharCode(key[0]!)).join('')}`);
  for (const [key, value] of own) {
    const copy = join(temporary(t), 'copy');
    cpSync(path, copy, { recursive: true });
    const damaged = await open(copy);
    await damaged.batch([{ type: 'put', key, value: flipped(value, value.length >> 1) }]);
    await damaged.close();
    const said: string[] = [];
    const log = (_level: string, text: string) => said.push(text);
    const store = await openTest(testOptions(copy, { deps: testDeps({ log }) }));
    await heldRows(store);
    await store.flush();
    const name = `${String.fromCharCode(key[0]!)} ${Buffer.from(key).toString('hex')}`;
    assert.ok(
      said.some((text) => /own records are damaged/.test(text)),
      `${name}: ${said.join('; ')}`,
    );
    const counts = (await heldRows(store, ['telemetry'])).map(({ count }) => count);
    const gaps = (await allGaps(store)).filter((gap) => gap.stream === 't' && gap.epoch === epoch);
    const isTold = (n: number) => gaps.some((gap) => gap.first <= n && n <= (gap.last ?? n));
    for (let n = 10; n < 40; n++)
      assert.ok(counts.filter((count) => count === n).length === 1 || isTold(n), `${name}: row ${n}`);
    await store.close();
  }
});

test('FAULTS 9: values that vanish from the middle are found by the audit after a clean stop too', async (t) => {
  const path = temporary(t);
  await filled(path);
  const db = await testDeps().openLevel(join(path, 'level'), {
    createIfMissing: false,
    writeBufferBytes: 1e6,
    tableBytes: 1e6,
  });
  const keys: Uint8Array[] = [];
  for await (const [key] of db.scan(Uint8Array.of(0x56, 3), Uint8Array.of(0x56, 4))) keys.push(key);
  await db.batch([
    { type: 'del', key: keys[1]! },
    { type: 'del', key: keys[2]! },
  ]);
  await db.close();
  const verdict = await verifyStore(path, testDeps());
  assert.ok(!verdict.ok);
  assert.deepEqual(verdict.streams.find((one) => one.stream === 't')!.missing, [[10, 30]]);

  const again = await openTest(testOptions(path));
  await until(() => again.openGaps().some((gap) => gap.cause === 'rot'));
  const rot = again.openGaps().filter((gap) => gap.cause === 'rot');
  assert.deepEqual(
    rot.map(({ stream, first, last, atMost }) => ({ stream, first, last, atMost })),
    [{ stream: 't', first: 10, last: 29, atMost: true }],
  );
  await again.close();
  assert.deepEqual((await verifyStore(path, testDeps())).problems, []);
});

test('with a slot of the reserve damaged, or both, nobody can say how far numbers were given: a new epoch', async (t) => {
  const path = temporary(t);
  const epoch = await filled(path);
  const reserve = join(path, 'reserve');
  const bytes = readFileSync(reserve);
  for (const slot of [0, 1]) {
    const damaged = join(temporary(t), 'copy');
    cpSync(path, damaged, { recursive: true });
    writeFileSync(join(damaged, 'reserve'), flipped(bytes, slot * SLOT_BYTES + 60));
    const store = await openTest(testOptions(damaged));
    assert.notEqual(store.epoch, epoch);
    const ends = store.openGaps().filter((gap) => gap.stream === 't');
    assert.deepEqual(ends, [
      { epoch, stream: 't', first: 40, last: undefined, cause: 'epochEnd', atMost: true },
    ]);
    store.append(rowsOf('t', [77]));
    await store.flush();
    assert.equal((await heldRows(store, ['telemetry'])).at(-1)!.sequence, 0);
    await store.close();
  }

  writeFileSync(reserve, flipped(flipped(bytes, 60), SLOT_BYTES + 60));
  const renewed = await openTest(testOptions(path));
  assert.notEqual(renewed.epoch, epoch);
  const ends = renewed.openGaps().filter((gap) => gap.cause === 'epochEnd');
  assert.deepEqual(
    ends.find((gap) => gap.stream === 't'),
    { epoch, stream: 't', first: 40, last: undefined, cause: 'epochEnd', atMost: true },
  );
  renewed.append(rowsOf('t', [78]));
  await renewed.flush();
  const held = (await heldRows(renewed, ['telemetry'])).map((row) => [row.epoch, row.sequence]);
  assert.deepEqual(held.slice(-2), [
    [epoch, 39],
    [renewed.epoch, 0],
  ]);
});

test('on another machine a new epoch begins, and the readings stay', async (t) => {
  const path = temporary(t);
  const epoch = await filled(path);
  const store = await openTest(testOptions(path, { machineId: 'machine-2' }));
  assert.notEqual(store.epoch, epoch);
  assert.equal((await heldRows(store, ['telemetry'])).length, 40);
});

for (const [title, damage, rowsKept] of [
  ['CURRENT is deleted', (level: string) => rmSync(join(level, 'CURRENT')), true],
  ['CURRENT is empty', (level: string) => truncateSync(join(level, 'CURRENT')), true],
  ['the MANIFEST is deleted', (level: string) => rmSync(join(level, manifestOf(level))), true],
  ['the MANIFEST is empty', (level: string) => truncateSync(join(level, manifestOf(level))), true],
  ['every file is garbage', garbage, false],
  ['the tables are garbage', garbleTables, false],
  ['the log is deleted, which LevelDB does not notice,', dropLog, false],
] as const) {
  test(`when ${title} the database is put aside and repaired or made anew: nothing is silent`, async (t) => {
    const path = temporary(t);
    const epoch = await filled(path);
    if (damage === garbleTables) await (await openTest(testOptions(path))).close(); // an opening turns the log into a table
    damage(join(path, 'level'));
    const store = await openTest(testOptions(path));
    assert.equal(existsSync(join(path, 'quarantine-1')), damage !== dropLog, 'what was there is kept');
    const held = await heldRows(store, ['telemetry']);
    if (rowsKept) {
      assert.equal(store.epoch, epoch);
      assert.deepEqual(
        held.map((row) => row.count),
        Array.from({ length: 40 }, (_, n) => n),
      );
    } else {
      assert.notEqual(store.epoch, epoch);
      const ends = store.openGaps().filter((gap) => gap.epoch === epoch && gap.cause === 'epochEnd');
      assert.ok(ends.some((gap) => gap.stream === 't' && gap.first === 0 && gap.last === undefined));
    }
    store.append(rowsOf('t', [40]));
    await store.flush();
    await store.close();
    await (await openTest(testOptions(path))).close();
  });
}

test('a store whose creation was cut is made anew; one of a later format or another node is refused and untouched', async (t) => {
  const cut = temporary(t);
  await filled(cut);
  rmSync(join(cut, 'acknowledged'));
  truncateSync(join(cut, 'level', manifestOf(join(cut, 'level'))));
  const store = await openTest(testOptions(cut));
  store.append(rowsOf('t', [0]));
  await store.flush();

  const path = temporary(t);
  await filled(path);
  await assert.rejects(openStore(testOptions(path, { node: 'fedcba9876543210' })), { kind: 'foreignNode' });
  const db = await testDeps().openLevel(join(path, 'level'), {
    createIfMissing: false,
    writeBufferBytes: 1e6,
    tableBytes: 1e6,
  });
  const identity = JSON.stringify({ format: 2, node: '0123456789abcdef', epochs: ['00'], boot: 1 });
  const bytes = new TextEncoder().encode(identity);
  const crc = new Uint8Array(4);
  new DataView(crc.buffer).setUint32(0, native.crc32c(bytes), true);
  await db.batch([{ type: 'put', key: Uint8Array.of(0x49), value: Uint8Array.of(...bytes, ...crc) }]);
  await db.close();
  const before = readdirSync(path).toSorted();
  await assert.rejects(openStore(testOptions(path)), { kind: 'newerFormat' });
  assert.deepEqual(readdirSync(path).toSorted(), before);
});

function manifestOf(level: string): string {
  return readdirSync(level).find((name) => name.startsWith('MANIFEST'))!;
}

function garbage(level: string): void {
  for (const name of readdirSync(level))
    if (name !== 'LOCK') writeFileSync(join(level, name), 'garbage'.repeat(100));
}

function dropLog(level: string): void {
  for (const name of readdirSync(level)) if (name.endsWith('.log')) rmSync(join(level, name));
}

/** As many bytes of garbage as each table has; LevelDB notices only when it reads there. */
function garbleTables(level: string): void {
  const tables = readdirSync(level).filter((name) => name.endsWith('.ldb'));
  assert.ok(tables.length > 0);
  for (const name of tables) {
    const { length } = readFileSync(join(level, name));
    writeFileSync(join(level, name), new Uint8Array(length).fill(0xa5));
  }
}

test('FAULTS 9: where an epoch’s meta rows end in an open gap, what they were to tell is told again', () => {
  const starting = { node: '0123456789abcdef', machineId: 'm', bootId: 'b', newEpoch: '0011223344556677' };
  const nothing = { identity: undefined, head: undefined, records: [], reserve: undefined };
  const state = new StoreState(testOptions('/nowhere'), recover(nothing, starting), 0, emptyClasses());
  const stream = state.put({
    ...{ epoch: 0, id: 1, name: 't', class: 'telemetry', version: 1, title: '', channels: CHANNELS },
  });
  state.gap(stream, { first: 904, last: 904, cause: 'rejected', atMost: false });
  const [gap] = state.untoldGaps();
  state.ledger.carried(gap!, { epoch: 0, number: 6 });
  assert.deepEqual(state.untoldGaps(), []);
  state.gap(state.meta, { first: 7, last: undefined, cause: 'epochEnd', atMost: true });
  assert.deepEqual(
    state.untoldGaps().map(({ first }) => first),
    [7],
    'the row that bears it is there',
  );
  state.gap(state.meta, { first: 6, last: undefined, cause: 'epochEnd', atMost: true });
  assert.ok(state.untoldGaps().some(({ first }) => first === 904));
});

test('FAULTS 9: a record of a log whose middle is damaged is none, and what follows it is whole', async (t) => {
  const level = join(temporary(t), 'level');
  const {
    openLevel,
    native: { crc32c },
  } = testDeps();
  const sizes = { writeBufferBytes: 1024 * 1024, tableBytes: 1024 * 1024 };
  const db = await openLevel(level, { createIfMissing: true, ...sizes });
  const put = (key: number, bytes: number) =>
    db.batch([{ type: 'put', key: Uint8Array.of(key), value: new Uint8Array(bytes).fill(key) }]);
  await put(1, 100_000);
  await put(2, 10);
  await db.close();
  const name = readdirSync(level).find((one) => one.endsWith('.log'))!;
  const keysOf = (bytes: Uint8Array) =>
    [...logRecords(bytes, crc32c, () => undefined)]
      .flatMap((record) => [...batchEntries(record)])
      .map(({ key }) => key[0]);
  assert.deepEqual(keysOf(readFileSync(join(level, name))), [1, 2]);
  assert.deepEqual(keysOf(flipped(readFileSync(join(level, name)), 40_000)), [2]);
});
