import assert from 'node:assert/strict';
import {
  closeSync,
  cpSync,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { realFiles, type Store, type StoreDeps, verifyStore } from '../../runtime/store/index.js';
import { allGaps, heldRows, openTest, rowsOf, temporary, testDeps, testOptions, until } from './support.js';

/** Rows of one flush: as they don't compress, more than the 4 KiB of a block of LevelDB's. Each value then has a block of its own. */
const ROWS = 1000;

function noise(flush: number) {
  const rows = rowsOf(
    't',
    Array.from({ length: ROWS }, (_, i) => ROWS * flush + i),
  );
  for (let i = 0; i < ROWS; i += 1) rows.values[2 * i] = Math.floor(Math.random() * 2 ** 40) / 100;
  return rows;
}

async function fill(store: Store, from: number, to: number): Promise<void> {
  for (let flush = from; flush < to; flush += 1) {
    store.append(noise(flush));
    await store.flush();
  }
}

/** A stopped store with flushes 0 to 7 in tables. */
async function tabled(path: string): Promise<void> {
  const store = await openTest(testOptions(path));
  await fill(store, 0, 8);
  await store.close();
  await (await openTest(testOptions(path))).close();
}

/** What one commit wrote of `t`. */
interface Written {
  readonly first: number;
  count: number;
  bytes: number;
  readonly block: Uint8Array;
}

async function writtenBy(store: Store): Promise<readonly Written[]> {
  const commits = new Map<number, Written>();
  for (const { position, header, bytes } of await store.read('telemetry', undefined, 1e6, 1e9)) {
    const { first, count } = header;
    const known = commits.get(position.commit);
    if (!known) commits.set(position.commit, { first, count, bytes: bytes.length, block: bytes });
    else [known.count, known.bytes] = [known.count + count, known.bytes + bytes.length];
  }
  return [...commits.values()];
}

/** Two that aren't neighbours, each alone in its block of LevelDB's (4 KiB and what goes beyond with the last value). */
function victimsOf(written: readonly Written[]): readonly [Written, Written] {
  const alone = written.filter(({ bytes }, i) => i > 1 && bytes > 4096 && written[i - 1]!.bytes > 4096);
  return [alone[0]!, alone[3]!];
}

/** Flips a bit in place: LevelDB has the file mapped. */
function damage(level: string, { block }: Written): void {
  for (const name of readdirSync(level).filter((one) => one.endsWith('.ldb'))) {
    const at = readFileSync(join(level, name)).indexOf(block);
    if (at < 0) continue;
    const file = openSync(join(level, name), 'r+');
    writeSync(file, Uint8Array.of(block[100]! ^ 0x10), 0, 1, at + 100);
    closeSync(file);
    return;
  }
  assert.fail('no table has it');
}

/** An audit that nobody asked for comes no sooner. */
const LONG_MS = 600_000;

/** The real dependencies with the next audit at hand, and a gate before a repair. */
class Bench {
  audit: () => void = () => assert.fail('no audit is due');
  isAuditDue = false;
  repairs = 0;
  gate: Promise<void> = Promise.resolve();
  readonly #real = testDeps();

  readonly deps: StoreDeps = {
    ...this.#real,
    setTimer: (run, afterMs) => {
      if (afterMs < LONG_MS) return this.#real.setTimer(run, afterMs);
      this.audit = run;
      this.isAuditDue = true;
      return undefined;
    },
    clearTimer: (timer) => void (timer && this.#real.clearTimer(timer)),
    repairLevel: async (from, to) => {
      this.repairs += 1;
      await this.gate;
      await this.#real.repairLevel(from, to);
    },
  };
}

test('FAULTS 9: a table damaged under a running node: the audit finds it, rows wait in memory, all else is served once, gaps say exactly which rows are gone', async (t) => {
  const path = temporary(t);
  await tabled(path);
  const bench = new Bench();
  const store = await openTest(testOptions(path, { deps: bench.deps }));
  await until(() => store.status().audit.done === 1);
  const victims = victimsOf(await writtenBy(store));
  const [received] = await store.read('telemetry', undefined, 1, 1e9);
  store.dispose([{ position: received!.position, kind: 'receipt' }]);
  await fill(store, 8, 10);

  for (const victim of victims) damage(join(path, 'level'), victim);
  let open = (): void => undefined;
  bench.gate = new Promise((resolve) => {
    open = resolve;
  });
  bench.audit();
  await until(() => bench.repairs === 1);
  let committed = 0;
  store.onCommit(({ rows }) => {
    committed += rows;
  });
  store.append(noise(10));
  const flushed = store.flush();
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setTimeout(resolve, 2));
  assert.equal(committed, 0, 'nothing is written while the repair goes on');
  assert.equal(store.status().pendingRows, ROWS, 'rows wait in memory');
  assert.deepEqual(await store.read('telemetry', undefined, 1, 1e9), [], 'nothing is served of it either');
  open();
  await flushed;
  await until(() => store.status().audit.done === 2);
  await store.flush();

  const held = await heldRows(store, ['telemetry']);
  const isIn = (n: number, { first, count }: { first: number; count: number }) =>
    n >= first && n < first + count;
  const wanted = Array.from({ length: 11 * ROWS }, (_, n) => n).filter(
    (n) => !isIn(n, received!.header) && !victims.some((victim) => isIn(n, victim)),
  );
  assert.deepEqual(
    held.map(({ count }) => count),
    wanted,
    'in order, once, and not what was received',
  );
  assert.ok(held.every(({ sequence, count }) => sequence === count));
  const gaps = (await allGaps(store)).filter(({ stream }) => stream === 't');
  assert.deepEqual(
    gaps.map((gap) => [gap.cause, gap.first, gap.last]),
    victims.map(({ first, count }) => ['rot', first, first + count - 1]),
  );
  assert.deepEqual(store.status().health, { state: 'ok' });
  assert.equal(bench.repairs, 1);
  // The count of repairs is taken back behind the audit, in its own time.
  await until(() => existsSync(join(path, 'quarantine-1')) && !existsSync(join(path, 'repairs')));
  t.diagnostic(
    `of ${11 * ROWS} rows ${11 * ROWS - wanted.length - received!.header.count} were damaged: two gaps name them, one repair`,
  );
  await store.close();
  assert.deepEqual((await verifyStore(path, testDeps())).problems, []);
});

for (const [step, refusedRenames] of [
  ['puts the damaged one aside', [1]],
  ['puts the repaired one in its place', [2, 3]],
] as const) {
  test(`FAULTS 9: the disk refuses what ${step} while the node runs: what was repaired goes on once it takes it, in one repair more at most`, async (t) => {
    const path = temporary(t);
    await tabled(path);
    const bench = new Bench();
    let renames = 0;
    const files = {
      ...realFiles,
      rename: async (from: string, to: string) => {
        const isOfReplacement = /\/(level|repair)$/.test(from);
        if (isOfReplacement) renames += 1;
        if (isOfReplacement && refusedRenames.some((one) => one === renames))
          throw Object.assign(new Error('EIO: i/o error'), { code: 'EIO' });
        await realFiles.rename(from, to);
      },
    };
    const store = await openTest(testOptions(path, { deps: { ...bench.deps, files } }));
    await until(() => bench.isAuditDue);
    const victims = victimsOf(await writtenBy(store));
    for (const victim of victims) damage(join(path, 'level'), victim);
    bench.audit();
    await until(() => renames >= refusedRenames.at(-1)!);
    store.append(noise(8));
    await store.flush();
    await until(() => store.status().audit.done === 2);

    assert.deepEqual(store.status().health, { state: 'ok' });
    assert.ok(bench.repairs <= 2, `${bench.repairs} repairs`);
    const gone = victims.reduce((sum, { count }) => sum + count, 0);
    assert.equal((await heldRows(store, ['telemetry'])).length, 9 * ROWS - gone, 'all that was whole');
    await store.close();
    assert.deepEqual((await verifyStore(path, testDeps())).problems, []);
  });
}

test('FAULTS 10: three repairs without a whole audit, then an empty database; a whole audit gives three again', async (t) => {
  const path = temporary(t);
  await tabled(path);
  const bench = new Bench();
  /** At an opening the tables are said to be damaged; the audit behind it (it has a pause) is cut short until it may end. */
  let [isDamaged, mayAudit] = [true, false];
  const deps: StoreDeps = {
    ...bench.deps,
    checkTables: async (_, { pause }) => {
      if (pause && !mayAudit) throw new Error('cut short');
      return isDamaged && !pause ? { damage: 'by the test', isComplete: true } : { isComplete: true };
    },
  };
  const start = () => openTest(testOptions(path, { deps }));
  const epochs = new Set<string>();
  for (let opening = 1; opening <= 3; opening += 1) {
    const store = await start();
    epochs.add(store.epoch);
    assert.equal((await heldRows(store, ['telemetry'])).length, 8 * ROWS);
    await store.close();
    assert.equal(bench.repairs, opening);
  }
  const [epoch] = epochs;
  assert.equal(epochs.size, 1);
  const emptied = await start();
  assert.equal(bench.repairs, 3, 'no fourth repair');
  assert.notEqual(emptied.epoch, epoch);
  assert.deepEqual(await heldRows(emptied, ['telemetry']), []);
  const ends = emptied.openGaps().filter((gap) => gap.stream === 't' && gap.epoch === epoch);
  assert.deepEqual(
    ends.map(({ first, last, cause }) => [first, last, cause]),
    [[0, undefined, 'epochEnd']],
    'what went is said',
  );
  await fill(emptied, 0, 1);
  await emptied.close();

  [isDamaged, mayAudit] = [false, true];
  const audited = await start();
  await until(() => audited.status().audit.done === 1);
  await until(() => !existsSync(join(path, 'repairs')));
  await audited.close();
  isDamaged = true;
  const repaired = await start();
  assert.equal(bench.repairs, 4);
  assert.equal((await heldRows(repaired, ['telemetry'])).length, ROWS);
});

test('tables that an opening had no time for are all looked at by the next one, should the process have ended before', async (t) => {
  const path = temporary(t);
  await tabled(path);
  const probe = await openTest(testOptions(path));
  const [victim] = victimsOf(await writtenBy(probe));
  await probe.close();
  const real = testDeps();
  let [isSlow, mayAudit, lateNs] = [false, false, 0n];
  const deps: StoreDeps = {
    ...real,
    checkTables: async (level, check) => {
      if (check.pause && !mayAudit) throw new Error('the process ended before');
      isSlow = true;
      return real.checkTables!(level, check).finally(() => {
        isSlow = false;
      });
    },
    // While tables are looked at at an opening each look at the clock takes two seconds.
    nowNs: () => {
      if (isSlow) lateNs += 2_000_000_000n;
      return real.nowNs() + lateNs;
    },
  };
  const start = (where: string) => openTest(testOptions(where, { deps }));

  const cut = await start(path);
  assert.ok(existsSync(join(path, 'unchecked')), 'one second was not enough');
  await cut.close();
  const [marked, unmarked] = [join(temporary(t), 'marked'), join(temporary(t), 'unmarked')];
  for (const copy of [marked, unmarked]) {
    cpSync(path, copy, { recursive: true });
    damage(join(copy, 'level'), victim);
  }
  rmSync(join(unmarked, 'unchecked'));
  await start(unmarked);
  assert.ok(!existsSync(join(unmarked, 'quarantine-1')), 'the control: within its second it finds nothing');
  const again = await start(marked);
  assert.ok(existsSync(join(marked, 'quarantine-1')), 'all were looked at, and what was damaged is repaired');
  assert.equal((await heldRows(again, ['telemetry'])).length, 8 * ROWS - victim.count);
  await again.close();

  mayAudit = true;
  const whole = await start(path);
  await until(() => whole.status().audit.done === 1 && !existsSync(join(path, 'unchecked')));
});

test('FAULTS 10: damage that no repair mends is repaired once a minute, not again and again, and rows are stored meanwhile', async (t) => {
  const path = temporary(t);
  await tabled(path);
  const bench = new Bench();
  let audits = 0;
  const deps: StoreDeps = {
    ...bench.deps,
    checkTables: async (_, { pause }) => {
      if (pause) audits += 1;
      return pause ? { damage: 'by the test', isComplete: true } : { isComplete: true };
    },
  };
  const store = await openTest(testOptions(path, { deps }));
  await until(() => audits === 2);
  for (let i = 0; i < 20; i += 1) {
    await fill(store, 8 + i, 9 + i);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  assert.deepEqual([bench.repairs, audits], [1, 2]);
  assert.equal((await heldRows(store, ['telemetry'])).length, (8 + 20) * ROWS);
});

test('FAULTS 9: a table cut short that no check came to is told from a disk that refuses, and repaired', async (t) => {
  const path = temporary(t);
  await tabled(path);
  const level = join(path, 'level');
  const table = join(level, readdirSync(level).find((name) => name.endsWith('.ldb'))!);
  truncateSync(table, statSync(table).size - 5000);
  const store = await openTest(
    testOptions(path, { deps: testDeps({ checkTables: async () => ({ isComplete: true }) }) }),
  );
  await until(() => store.status().audit.done === 1, 60_000);
  await store.flush();
  assert.ok(existsSync(join(path, 'quarantine-1')));
  const held = (await heldRows(store, ['telemetry'])).map(({ sequence }) => ({
    first: sequence,
    last: sequence,
  }));
  const gaps = (await allGaps(store)).filter(({ stream }) => stream === 't');
  const isAccounted = (n: number): boolean =>
    [...held, ...gaps].some(({ first, last }) => first <= n && n <= (last ?? n));
  for (let n = 0; n < 8 * ROWS; n += 500) assert.ok(isAccounted(n), `number ${n}`);
});

test('FAULTS 9: the log is damaged in its midst, and a write fails: LevelDB opens it without a word, and ten minutes later gaps say which rows are gone', async (t) => {
  const path = temporary(t);
  const bench = new Bench();
  let failures = 0;
  const store = await openTest(
    testOptions(path, {
      deps: {
        ...bench.deps,
        openLevel: async (level, options) => {
          const db = await bench.deps.openLevel(level, options);
          const refuse = async (): Promise<void> => {
            throw Object.assign(new Error('IO error'), { code: 'LEVEL_IO_ERROR' });
          };
          return { ...db, batch: (operations) => (failures-- > 0 ? refuse() : db.batch(operations)) };
        },
      },
    }),
  );
  await until(() => bench.isAuditDue);
  bench.isAuditDue = false;
  await fill(store, 0, 30);
  const log = join(path, 'level', readdirSync(join(path, 'level')).find((name) => name.endsWith('.log'))!);
  const file = openSync(log, 'r+');
  writeSync(file, Buffer.alloc(16, 0x5a), 0, 16, Math.floor(statSync(log).size / 2));
  closeSync(file);
  failures = 1;
  await fill(store, 30, 31);
  assert.deepEqual(await allGaps(store), [], 'nobody knows of it yet');
  assert.equal(bench.repairs, 0);
  assert.ok(bench.isAuditDue);
  bench.audit();
  await until(() => store.openGaps().some((gap) => gap.stream === 't'));
  await store.flush();
  const gaps = (await allGaps(store)).filter(({ stream }) => stream === 't');
  const held = new Set(
    (await heldRows(store)).filter(({ stream }) => stream === 't').map((row) => row.sequence),
  );
  assert.ok(gaps.length > 0 && gaps.every(({ cause }) => cause === 'rot'));
  for (let n = 0; n < 31 * ROWS; n += 1) {
    const isInGap = gaps.some(({ first, last }) => first <= n && n <= last!);
    assert.notEqual(held.has(n), isInGap, `row ${n}`);
  }
  await store.close();
});
