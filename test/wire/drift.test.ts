import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Anchor, Times } from '../../wire/index.js';
import { dayWave, MINUTE_NS, Oscillator } from './oscillator.js';

const MS = 1_000_000n;
const NEW_YEAR = BigInt(Date.UTC(2026, 0, 1)) * MS;
const abs = (value: bigint) => (value < 0n ? -value : value);

/** Anchors whose word is off by up to their uncertainty: `slant` -1 to 1 of it. */
function anchorOf(crystal: Oscillator, minute: number, uncertaintyNs: bigint, slant: number): Anchor {
  const monotonicNs = BigInt(minute) * MINUTE_NS;
  const offNs = BigInt(Math.trunc(Number(uncertaintyNs) * slant));
  const wallNs = NEW_YEAR + crystal.wallNs(monotonicNs) + offNs;
  return { boot: 1, monotonicNs, wallNs, uncertaintyNs, source: 'system' };
}

function told(times: Times, monotonicNs: bigint): { wallNs: bigint; uncertaintyNs: bigint } {
  const time = times.at(1, monotonicNs);
  assert.ok(time.kind === 'known');
  return time;
}

/** Rates within ± 100 ppm, no two of them further apart than 100 ppm; extremes are as likely as all between them. */
const rates = fc
  .tuple(
    fc.integer({ min: -100_000, max: 0 }),
    fc.array(
      fc.record({
        minutes: fc.integer({ min: 1, max: 900 }),
        at: fc.oneof(fc.constantFrom(0, 100_000), fc.integer({ min: 0, max: 100_000 })),
      }),
      { minLength: 1, maxLength: 12 },
    ),
  )
  .map(([lowest, pieces]) => pieces.flatMap(({ minutes, at }) => Array<number>(minutes).fill(lowest + at)));
const anchors = fc.array(
  fc.record({
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    unsureMs: fc.oneof(fc.nat(3), fc.nat(2000)),
    slant: fc.oneof(fc.constantFrom(-1, 1), fc.double({ min: -1, max: 1, noNaN: true })),
  }),
  { minLength: 1, maxLength: 20 },
);

test('the truth is within what is said, whatever oscillator within the model, with whatever honest anchors', (t) => {
  let asked = 0;
  fc.assert(
    fc.property(rates, anchors, (ratesPpb, wanted) => {
      const crystal = new Oscillator(ratesPpb);
      const times = new Times();
      for (const { at, unsureMs, slant } of wanted) {
        times.anchor(anchorOf(crystal, Math.round(at * ratesPpb.length), BigInt(unsureMs) * MS, slant));
      }
      for (let moment = 0; moment <= 40; moment++) {
        const bootNs = (BigInt(ratesPpb.length) * MINUTE_NS * BigInt(moment)) / 40n;
        const { wallNs, uncertaintyNs } = told(times, bootNs);
        const off = abs(wallNs - NEW_YEAR - crystal.wallNs(bootNs));
        assert.ok(off <= uncertaintyNs + 2n, `off ${off} ns, said ±${uncertaintyNs}`);
        asked++;
      }
    }),
    { numRuns: 1000 },
  );
  t.diagnostic(`${asked} moments, 0 outside what was said`);
});

/** 40 ppm fast, ± 8 ppm by day and night: a board in a box in the sun. */
const MINUTES = 3 * 1440;
const field = new Oscillator(
  Array.from({ length: MINUTES }, (_, i) => 40_000 + Math.round(8_000 * dayWave(i))),
);

/** Mean error, ms, over the minutes: of `Times`, and of the last anchor carried on, which is what no correction comes to. */
function errorsMs(anchored: readonly Anchor[], fromMinute: number, toMinute: number) {
  const times = new Times();
  for (const one of anchored) times.anchor(one);
  const sums = { corrected: 0, carried: 0 };
  for (let minute = fromMinute; minute < toMinute; minute++) {
    const bootNs = BigInt(minute) * MINUTE_NS;
    const truth = NEW_YEAR + field.wallNs(bootNs);
    const last = anchored.filter((one) => one.monotonicNs <= bootNs).at(-1)!;
    sums.carried += Number(abs(last.wallNs + bootNs - last.monotonicNs - truth)) / 1e6;
    sums.corrected += Number(abs(told(times, bootNs).wallNs - truth)) / 1e6;
  }
  const minutes = toMinute - fromMinute;
  return { corrected: sums.corrected / minutes, carried: sums.carried / minutes };
}

const hourly = (hours: number, unsureMs: number) =>
  Array.from({ length: hours }, (_, hour) =>
    anchorOf(field, hour * 60, BigInt(unsureMs) * MS, ((hour * 7919) % 21) / 10 - 1),
  );

test('drift between anchors is corrected: the error is a tenth of what it is without', (t) => {
  const cases = [
    ['hourly anchors of ± 5 ms', errorsMs(hourly(72, 5), 0, 71 * 60)],
    [
      'an anchor a day',
      errorsMs(
        [0, 24, 48].map((hour) => anchorOf(field, hour * 60, 5n * MS, 0.5)),
        0,
        48 * 60,
      ),
    ],
    [
      'a day and a half without, after a day and a half of hourly ones',
      errorsMs(hourly(36, 5), 36 * 60, MINUTES),
    ],
  ] as const;
  for (const [what, { corrected, carried }] of cases) {
    t.diagnostic(
      `${what}: ${corrected.toFixed(1)} ms instead of ${carried.toFixed(1)}, ${(carried / corrected).toFixed(0)} times less`,
    );
    assert.ok(corrected < carried / 5, `${what}: ${corrected} of ${carried} ms`);
  }
});
