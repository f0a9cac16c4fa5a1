import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openPatiently, type Store, type StoreDeps, type StoreOptions } from '../../runtime/store/index.js';
import { SimClock } from '../support/sim-clock.js';
import { simulatedTime } from './memory-disk.js';
import {
  allGaps,
  CHANNELS,
  heldRows,
  openTest,
  rowsOf,
  temporary,
  testDeps,
  testOptions,
} from './support.js';

const CLASSES = { t: 'telemetry', e: 'event', a: 'alarm', b: 'bulk' } as const;

/** A real disk that refuses while it is told to, and a clock that stands still unless it is moved. */
class RefusingDisk {
  readonly clock = new SimClock();
  code: string | undefined = 'EROFS';
  tries = 0;
  readonly logged: string[] = [];
  readonly deps: StoreDeps;

  constructor(change: Partial<StoreDeps> = {}) {
    const real = testDeps(change);
    this.deps = {
      ...real,
      ...simulatedTime(this.clock),
      log: (level, text) => void this.logged.push(`${level}: ${text}`),
      files: {
        ...real.files,
        makeDirectory: async (path) => {
          this.tries += 1;
          if (this.code) throw Object.assign(new Error('the disk refuses'), { code: this.code });
          await real.files.makeDirectory(path);
        },
      },
    };
  }

  /** Opens with the streams t, e, a, b; the disk refuses. */
  async open(
    path: string,
    change: Partial<StoreOptions> = {},
  ): Promise<{ store: Store; isOpen: () => boolean }> {
    const { store, opened } = await openPatiently(
      testOptions(path, { ...change, deps: this.deps }),
      async () => true,
    );
    let isOpen = false;
    void opened.then(() => {
      isOpen = true;
    });
    for (const [name, streamClass] of Object.entries(CLASSES))
      store.declare({ name, class: streamClass, title: name, channels: CHANNELS });
    return { store, isOpen: () => isOpen };
  }

  /** The disk takes all from now on: the next try comes, and what waited is written. */
  async heal(store: Store, isOpen: () => boolean): Promise<void> {
    this.code = undefined;
    await this.passUntil(isOpen);
    await this.passedUntil(store.flush());
  }

  /** Both clocks go on until it holds: the disk is a real one. */
  async passUntil(holds: () => boolean, turnMs = 20): Promise<void> {
    for (let turn = 0; turn < 10_000 && !holds(); turn += 1) {
      await this.clock.advance(turnMs);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    assert.ok(holds(), `it came to hold: ${this.logged.join('\n')}`);
  }

  async passedUntil(done: Promise<void>): Promise<void> {
    let isDone = false;
    void done.then(() => {
      isDone = true;
    });
    await this.passUntil(() => isDone);
  }
}

const numbers = (count: number, from = 0): number[] => Array.from({ length: count }, (_, i) => from + i);

test('FAULTS 5, 7, 8: a disk that refuses at the start: rows wait in order, without a number, and get theirs when it opens', async (t) => {
  const path = temporary(t);
  const before = await openTest(testOptions(path));
  before.append(rowsOf('t', [900, 901]));
  await before.flush();
  const { epoch } = before;
  await before.close();

  const disk = new RefusingDisk();
  const { store, isOpen } = await disk.open(path);
  let acknowledged = 0;
  store.onCommit(({ rows }) => {
    acknowledged += rows;
  });
  for (const count of numbers(600)) {
    store.append(rowsOf('t', [count]));
    if (count % 100 === 0) store.append(rowsOf('a', [count]));
  }
  const began = disk.clock.nowNs();
  await disk.passUntil(() => disk.tries >= 12, 200);
  const seconds = Number(disk.clock.nowNs() - began) / 1e9;
  assert.ok(seconds > 80, `12 tries in ${seconds} s`);
  const status = store.status();
  assert.equal(status.epoch, '');
  assert.ok(status.health.state === 'notWriting' && /EROFS/.test(status.health.reason));
  assert.equal(status.pendingRows, 606);
  assert.deepEqual(
    status.streams.map(({ next }) => next),
    [0, 0, 0, 0],
  );
  assert.deepEqual([acknowledged, await store.read('telemetry', undefined, 9, 1e6)], [0, []]);
  assert.equal(disk.logged.filter((line) => line.startsWith('error')).length, 1, disk.logged.join('\n'));

  await disk.heal(store, isOpen);
  assert.deepEqual([store.epoch, acknowledged >= 606], [epoch, true]);
  const held = await heldRows(store);
  assert.deepEqual(
    held.filter(({ stream }) => stream === 't').map(({ sequence, count }) => [sequence, count]),
    [[0, 900], [1, 901], ...numbers(600).map((count) => [count + 2, count])],
    'what was there, and behind it what waited',
  );
  assert.deepEqual(
    held.filter(({ stream }) => stream === 'a').map(({ sequence, count }) => [sequence, count]),
    numbers(6).map((n) => [n, 100 * n]),
  );
  assert.deepEqual(await allGaps(store), []);
  await disk.passedUntil(store.close());
});

test('what its memory can’t hold meanwhile goes from the lowest class, oldest first, and is in gaps to the row', async (t) => {
  const disk = new RefusingDisk();
  const { store, isOpen } = await disk.open(temporary(t), { memoryBytes: 64 * 1024 });
  const [bulk, telemetry, alarms] = [20_000, 1200, 50];
  for (const n of numbers(bulk)) {
    store.append(rowsOf('b', [n]));
    if (n % 20 === 0 && n / 20 < telemetry) store.append(rowsOf('t', [n / 20]));
    if (n % 400 === 0) store.append(rowsOf('a', [n / 400]));
  }
  const { pendingRows, streams } = store.status();
  const lost = streams.find(({ stream }) => stream === 'b')!.gaps.overflow!;
  assert.equal(pendingRows + lost, bulk + 1000 + alarms);
  assert.ok(pendingRows * 26 <= 64 * 1024, `${pendingRows} rows wait`);
  await disk.heal(store, isOpen);
  const held = await heldRows(store);
  const of = (name: string) => held.filter(({ stream }) => stream === name);
  assert.deepEqual(
    of('a').map(({ count }) => count),
    numbers(alarms),
  );
  assert.deepEqual(
    of('t').map(({ count }) => count),
    numbers(1000),
  );
  assert.deepEqual(
    of('b').map(({ sequence, count }) => [sequence, count]),
    numbers(bulk - lost, lost).map((n) => [n, n]),
  );
  assert.deepEqual(
    (await allGaps(store)).map(({ stream, first, last, cause, atMost }) => ({
      stream,
      first,
      last,
      cause,
      atMost,
    })),
    [{ stream: 'b', first: 0, last: lost - 1, cause: 'overflow', atMost: false }],
  );
  t.diagnostic(`${lost} of ${bulk} rows of bulk in a gap, ${pendingRows} rows waited`);
  await disk.passedUntil(store.close());
});

test('a stream that changes its shape while it waits, rows that don’t fit, and anchors', async (t) => {
  const disk = new RefusingDisk();
  const { store, isOpen } = await disk.open(temporary(t));
  store.append(rowsOf('t', [1, 2]));
  store.append({ ...rowsOf('t', [3, 4]), quality: new Uint8Array(1) });
  for (const n of numbers(200))
    store.anchor({ monotonicNs: BigInt(n), wallNs: BigInt(n) + 1n, uncertaintyNs: 1n, source: 'gnss' });
  const one = CHANNELS.slice(0, 1);
  store.declare({ name: 't', class: 'telemetry', title: 'less', channels: one });
  store.append({
    stream: 't',
    timesNs: BigInt64Array.of(9n),
    values: Float64Array.of(7),
    quality: new Uint8Array(1),
  });
  assert.throws(() => store.append(rowsOf('nobody', [1])), { kind: 'invalid' });
  assert.throws(() => store.declare({ name: 'no name', class: 'log', title: '', channels: one }), {
    kind: 'invalid',
  });
  await disk.heal(store, isOpen);
  const blocks = await store.read('telemetry', undefined, 9, 1e6);
  assert.deepEqual(
    blocks.map(({ header }) => [header.first, header.count, header.descriptorVersion]),
    [
      [0, 2, 1],
      [4, 1, 2],
    ],
  );
  assert.deepEqual(
    (await allGaps(store)).map(({ first, last, cause }) => [first, last, cause]),
    [[2, 3, 'rejected']],
  );
  assert.equal(store.timeOf(store.epoch, store.boot, 199n).kind, 'known');
  assert.deepEqual(
    [store.descriptor!('t', 2)?.title, store.isLive!('a'), store.isLive!('t')],
    ['less', true, false],
  );
  await disk.passedUntil(store.close());
});

test('a stop while the disk refuses tries once more: it takes all, or says what is lost', async (t) => {
  for (const heals of [true, false]) {
    const path = temporary(t);
    const disk = new RefusingDisk();
    const { store } = await disk.open(path);
    store.append(rowsOf('a', [1]));
    const { tries } = disk;
    if (heals) disk.code = undefined;
    await disk.passedUntil(store.close());
    assert.equal(disk.tries, tries + 1);
    assert.equal(
      disk.logged.some((line) => /1 rows are lost with this process/.test(line)),
      !heals,
    );
    const again = await openTest(testOptions(path));
    assert.equal((await heldRows(again)).length, heals ? 1 : 0);
    assert.deepEqual(await allGaps(again), []);
    assert.throws(() => store.append(rowsOf('a', [2])), { kind: 'closed' });
    await again.close();
  }
});

test('a lock that a dying process holds is waited for; what is for good, or somebody else’s, is thrown', async (t) => {
  const path = temporary(t);
  const holder = await openTest(testOptions(path));
  const disk = new RefusingDisk();
  disk.code = undefined;
  const options = testOptions(path, { deps: disk.deps });
  await assert.rejects(
    openPatiently(options, async () => false),
    { kind: 'locked' },
  );
  const { store, isOpen } = await disk.open(path);
  store.append(rowsOf('a', [5]));
  await holder.close();
  await disk.heal(store, isOpen);
  assert.deepEqual(
    (await heldRows(store)).map(({ count }) => count),
    [5],
  );
  await disk.passedUntil(store.close());
  const foreign = { ...options, node: 'fedcba9876543210' };
  await assert.rejects(
    openPatiently(foreign, () => assert.fail('nobody is asked')),
    { kind: 'foreignNode' },
  );
});
