import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Anchor, type RowTime, Times } from '../../wire/index.js';

const S = 1_000_000_000n;
const MS = 1_000_000n;
const NEW_YEAR = BigInt(Date.UTC(2026, 0, 1)) * MS;
const HOUR = 3600n * S;

function anchor(monotonicNs: bigint, wallNs: bigint, uncertaintyNs: bigint = MS, boot = 1): Anchor {
  return { boot, monotonicNs, wallNs, uncertaintyNs, source: 'system' };
}

function timesOf(...anchors: Anchor[]): Times {
  const times = new Times();
  for (const one of anchors) times.anchor(one);
  return times;
}

const known = (wallNs: bigint, uncertaintyNs: bigint): RowTime => ({ kind: 'known', wallNs, uncertaintyNs });

test('before, at and after the only anchor: its time, unsurer by 100 ppm each way', () => {
  const times = timesOf(anchor(HOUR, NEW_YEAR));
  assert.deepEqual(times.at(1, HOUR), known(NEW_YEAR, MS));
  // 100 ppm of an hour: 360 ms.
  assert.deepEqual(times.at(1, 2n * HOUR), known(NEW_YEAR + HOUR, 361n * MS));
  assert.deepEqual(times.at(1, 0n), known(NEW_YEAR - HOUR, 361n * MS));
});

test('between two anchors both bear witness, in whatever order they came', () => {
  // A crystal 50 ppm slow: an hour of it is 180 ms more of the wall.
  const first = anchor(0n, NEW_YEAR);
  const last = anchor(HOUR, NEW_YEAR + HOUR + 180n * MS);
  for (const times of [timesOf(first, last), timesOf(last, first)]) {
    assert.deepEqual(times.anchors(), [first, last]);
    assert.deepEqual(times.at(1, 0n), known(NEW_YEAR, MS));
    // Halfway: ±181 ms around 0 and around +180 ms; both say -1 to +181 ms.
    assert.deepEqual(times.at(1, HOUR / 2n), known(NEW_YEAR + HOUR / 2n + 90n * MS, 91n * MS));
    // A tenth of the way the line says 18 ms; the rate may have wandered by 100 ppm of 0.1 × 0.9 h, 32.4 ms.
    assert.deepEqual(times.at(1, HOUR / 10n), known(NEW_YEAR + HOUR / 10n + 18n * MS, 33_400_000n));
    // An hour on at 50 ppm, measured to ± 2 ms an hour: 360 ms; it has wandered to 178 - 360 ms, from an anchor of ± 1 ms, at the worst.
    assert.deepEqual(times.at(1, 2n * HOUR), known(NEW_YEAR + 2n * HOUR + 360n * MS, 363n * MS));
    // Before the first anchor as after the last.
    assert.deepEqual(times.at(1, -HOUR), known(NEW_YEAR - HOUR - 180n * MS, 363n * MS));
  }
});

test('anchors that contradict each other: the surer of the two around a moment is believed, and it is marked', () => {
  const year = 365n * 24n * HOUR;
  const times = timesOf(anchor(0n, NEW_YEAR), anchor(1000n * S, NEW_YEAR + year, 500n * MS));
  const marked = (...told: Parameters<typeof known>) => ({ ...known(...told), contradicted: true });
  // 100 ppm of 100 s are 10 ms: the first is surer until drift has eaten its lead.
  assert.deepEqual(times.at(1, 100n * S), marked(NEW_YEAR + 100n * S, 11n * MS));
  // By the second one's own moment the first is at ±101 ms: its word still stands.
  assert.deepEqual(times.at(1, 1000n * S), marked(NEW_YEAR + 1000n * S, 101n * MS));
  // No rate is taken from two that contradict each other.
  assert.deepEqual(times.at(1, 2000n * S), marked(NEW_YEAR + year + 1000n * S, 600n * MS));
  // An hour on, the clock has proved itself: what rests on the last two is not marked any more.
  for (const hours of [1n, 2n])
    times.anchor(anchor(hours * HOUR, NEW_YEAR + year + hours * HOUR - 1000n * S));
  assert.equal((times.at(1, 90n * 60n * S) as { contradicted?: true }).contradicted, undefined);
  assert.equal((times.at(1, 30n * 60n * S) as { contradicted?: true }).contradicted, true);
});

test('a boot without an anchor lies between its neighbours that have one', () => {
  const times = timesOf(anchor(100n * S, NEW_YEAR, MS, 1), anchor(50n * S, NEW_YEAR + HOUR, MS, 4));
  times.seen(1, 1100n * S);
  times.seen(2, 300n * S);
  times.seen(2, 200n * S);
  // Boot 1 lived to NEW_YEAR + 1000 s ± (1 + 100) ms, then 200 s (± 20 ms) of boot 2. Boot 4 began 50 s (5 ms, and 1) before its
  // anchor, and 100 s (10 ms) of boot 2 were to come.
  assert.deepEqual(times.at(2, 200n * S), {
    kind: 'bounded',
    notBeforeNs: NEW_YEAR + 1000n * S - 101n * MS + 200n * S - 20n * MS,
    notAfterNs: NEW_YEAR + HOUR - 50n * S + 6n * MS - 100n * S + 10n * MS,
  });
  // A boot that nothing else is known of: the same neighbours.
  assert.equal(times.at(3, S).kind, 'bounded');
  assert.deepEqual(times.at(0, S), {
    kind: 'bounded',
    notBeforeNs: undefined,
    notAfterNs: NEW_YEAR - 100n * S + 11n * MS,
  });
  assert.deepEqual(times.at(9, 0n), {
    kind: 'bounded',
    notBeforeNs: NEW_YEAR + HOUR - MS,
    notAfterNs: undefined,
  });
});

test('boots without an anchor follow each other: each is bounded by what those between it and a time have lived', () => {
  const times = timesOf(anchor(50n * S, NEW_YEAR, MS, 3));
  times.seen(1, HOUR);
  times.seen(2, 2n * HOUR);
  // Boot 3 began 50 s (5 ms, and 1) before its anchor; boot 2's two hours (720 ms) came before it, and an hour (360 ms) of boot 1.
  const start = NEW_YEAR - 50n * S + 6n * MS;
  assert.deepEqual(times.at(1, 0n), {
    kind: 'bounded',
    notBeforeNs: undefined,
    notAfterNs: start - 3n * HOUR + 1080n * MS,
  });
  assert.deepEqual(times.at(2, 2n * HOUR), { kind: 'bounded', notBeforeNs: undefined, notAfterNs: start });
});

test('nothing is known without an anchor, nor between boots that can’t both be right', () => {
  const times = new Times();
  times.seen(1, S);
  assert.deepEqual(times.at(1, S), { kind: 'unknown' });
  assert.deepEqual(times.at(7, S), { kind: 'unknown' });
  times.anchor(anchor(0n, NEW_YEAR + 1000n * HOUR, MS, 0));
  times.anchor(anchor(0n, NEW_YEAR, MS, 2));
  assert.deepEqual(times.at(1, S), { kind: 'unknown' });
});

test('the latest anchor of one moment takes the place of an earlier one', () => {
  const times = timesOf(anchor(S, NEW_YEAR), anchor(S, NEW_YEAR + HOUR));
  assert.deepEqual(times.anchors(), [anchor(S, NEW_YEAR + HOUR)]);
});

test('of 4,000 anchors in a boot 512 are held, the first and the latest among them, and evenly', () => {
  const times = new Times();
  for (let i = 0n; i < 4000n; i++) times.anchor(anchor(i * S, NEW_YEAR + i * S));
  const held = times.anchors();
  assert.equal(held.length, 512);
  assert.deepEqual(times.at(1, 0n), known(NEW_YEAR, MS));
  assert.deepEqual(times.at(1, 3999n * S), known(NEW_YEAR + 3999n * S, MS));
  // 4000 / 512 is 7.8 s; halving what is left cannot be evener than a factor of two each way.
  const widest = held.slice(1).map((one, i) => Number((one.monotonicNs - held[i]!.monotonicNs) / S));
  assert.ok(Math.max(...widest) <= 16, `${Math.max(...widest)} s between two`);
});

test('of 3,000 boots the latest 1,024 are held', () => {
  const times = new Times();
  for (let boot = 1; boot <= 3000; boot++) times.anchor(anchor(0n, NEW_YEAR + BigInt(boot) * HOUR, MS, boot));
  assert.equal(times.anchors().length, 1024);
  assert.deepEqual(times.at(3000, 0n), known(NEW_YEAR + 3000n * HOUR, MS));
  assert.equal(times.at(1977, 0n).kind, 'known');
  assert.equal(times.at(1976, 0n).kind, 'bounded');
  times.anchor(anchor(0n, NEW_YEAR, MS, 5));
  assert.equal(times.at(5, 0n).kind, 'bounded', 'one that is older than all of them pushes none of them out');
  assert.equal(times.anchors().length, 1024);
});
