import assert from 'node:assert/strict';
import { test } from 'node:test';
import { oneRow } from '../../drivers/contract/index.js';
import { AnchorKeeper, type BootAnchor, extrapolate, isWorthKeeping } from '../../runtime/clock/index.js';

const SECOND = 1_000_000_000n;

function rig() {
  const anchors: BootAnchor[] = [];
  let timer: (() => void) | undefined;
  const said: string[] = [];
  const state = {
    bootNs: 10n * SECOND,
    wallNs: 1_800_000_000n * SECOND,
    synchronised: false,
    maxErrorNs: 20_000_000n,
    refused: false,
  };
  const keeper = new AnchorKeeper({
    clock: {
      nowNs: () => state.bootNs,
      delay: async () => {},
      after: (_ms, callback) => {
        timer = callback;
        return {
          cancel: () => {
            timer = undefined;
          },
        };
      },
    },
    wall: {
      pair: () => ({ bootNs: state.bootNs, wallNs: state.wallNs, uncertaintyNs: 100n }),
      sync: () => {
        if (state.refused) throw new Error('adjtimex: Operation not permitted');
        return { synchronised: state.synchronised, maxErrorNs: state.maxErrorNs, estimatedErrorNs: 0n };
      },
    },
    emit: (anchor) => anchors.push(anchor),
    log: (_level, text) => said.push(text),
  });
  const advance = (seconds: bigint) => {
    state.bootNs += seconds * SECOND;
    state.wallNs += seconds * SECOND;
    const due = timer;
    timer = undefined;
    due?.();
  };
  return { anchors, said, state, keeper, advance, hasTimer: () => timer !== undefined };
}

test('a clock that nobody disciplines gives no anchor, however plausible it looks', () => {
  const { anchors, keeper, advance } = rig();
  keeper.start();
  for (let i = 0; i < 100; i++) advance(60n);
  assert.equal(anchors.length, 0);
  assert.equal(keeper.at(0n), undefined);
});

test('a kernel that refuses to tell its clock’s state ends nothing: said once, and asked again', () => {
  const { anchors, said, state, keeper, advance } = rig();
  state.refused = true;
  keeper.start();
  for (let i = 0; i < 3; i++) advance(60n);
  assert.equal(said.length, 1);
  assert.match(said[0]!, /adjtimex: Operation not permitted/);
  Object.assign(state, { refused: false, synchronised: true });
  advance(60n);
  assert.equal(anchors.length, 1);
});

test('the first synchronised look gives an anchor; a day of it gives one an hour', () => {
  const { anchors, state, keeper, advance } = rig();
  keeper.start();
  state.synchronised = true;
  for (let i = 0; i < 24 * 60; i++) advance(60n);
  // With 20 ms of kernel error and 100 ppm of drift, an anchor is twice as unsure after 200 s: the 10 minutes say when.
  assert.ok(anchors.length >= 24 && anchors.length <= 24 * 6, `${anchors.length} anchors a day`);
  assert.equal(anchors[0]?.source, 'system');
  assert.equal(anchors[0]?.uncertaintyNs, 20_000_100n);
});

test('a jump of ten years is a new anchor, and the old one is not believed any more', () => {
  const { anchors, state, keeper, advance } = rig();
  state.synchronised = true;
  keeper.start();
  const before = anchors.length;
  state.wallNs += 10n * 365n * 86_400n * SECOND;
  advance(5n);
  assert.equal(anchors.length, before + 1);
  assert.equal(keeper.at(state.bootNs)?.wallNs, state.wallNs);
});

test('a clock that says it is set, and to a day before there was this software, is not believed; said once', () => {
  const { anchors, said, state, keeper, advance } = rig();
  state.synchronised = true;
  // GPS's ten bits of week ran over on 2019-04-07: a receiver that lost count is 1024 weeks behind.
  state.wallNs = BigInt(Date.UTC(2026, 0, 1) - 1024 * 7 * 86_400_000) * 1_000_000n;
  keeper.start();
  for (let i = 0; i < 100; i++) advance(60n);
  assert.equal(anchors.length, 0);
  assert.deepEqual(said, [
    'the clock (system) says 2006-05-18T00:00:00.000Z and that it is set: not believed',
  ]);
  state.wallNs = BigInt(NEW_YEAR_MS) * 1_000_000n;
  advance(60n);
  assert.equal(anchors.length, 1);
});

test('a GNSS fix anchors a boot without a network; a row without a fix does not', () => {
  const { anchors, keeper } = rig();
  const channels = [{ name: 'utcMs', quantity: 'dimensionless', type: { kind: 'int' } }] as const;
  keeper.observe(oneRow('gps', 5n * SECOND, [undefined]), channels);
  assert.equal(anchors.length, 0);
  keeper.observe(oneRow('gps', 5n * SECOND, [Date.UTC(2026, 0, 1)]), channels);
  assert.equal(anchors.length, 1);
  const wall = keeper.at(6n * SECOND);
  assert.ok(wall);
  const truth = BigInt(Date.UTC(2026, 0, 1)) * 1_000_000n + SECOND;
  const off = wall.wallNs - truth;
  assert.ok(off >= 0n && off <= 2n * wall.uncertaintyNs, `off by ${off} ns, said ±${wall.uncertaintyNs}`);
});

test('a coarse GNSS time does not push a better system time aside', () => {
  const { anchors, state, keeper } = rig();
  state.synchronised = true;
  state.wallNs = BigInt(Date.UTC(2026, 0, 1)) * 1_000_000n;
  keeper.start();
  keeper.observe(oneRow('gps', state.bootNs, [Date.UTC(2026, 0, 1)]), [
    { name: 'utcMs', quantity: 'dimensionless', type: { kind: 'int' } },
  ]);
  assert.deepEqual(
    anchors.map((anchor) => anchor.source),
    ['system'],
  );
});

test('drift widens the uncertainty by 100 ppm in both directions', () => {
  const anchor: BootAnchor = { monotonicNs: 0n, wallNs: 0n, uncertaintyNs: 0n, source: 'system' };
  assert.equal(extrapolate(anchor, 10_000n * SECOND).uncertaintyNs, SECOND);
  assert.equal(extrapolate(anchor, -10_000n * SECOND).uncertaintyNs, SECOND);
});

test('stopped, it leaves no timer behind', () => {
  const { keeper, hasTimer } = rig();
  keeper.start();
  assert.ok(hasTimer());
  keeper.stop();
  assert.ok(!hasTimer());
});

const UTC = [{ name: 'utcMs', quantity: 'dimensionless', type: { kind: 'int' } }] as const;
const NEW_YEAR_MS = Date.UTC(2026, 0, 1);

test('a well-kept clock of ± 0.1 ms gives an anchor each ten minutes, not one at each look', () => {
  const { anchors, state, keeper, advance } = rig();
  state.synchronised = true;
  state.maxErrorNs = 100_000n;
  keeper.start();
  for (let i = 0; i < 720 * 6; i++) advance(5n);
  assert.equal(anchors.length, 1 + 6 * 6);
});

test('whatever the clocks do, an hour has 20 anchors at most and each hour after it 12', () => {
  for (const fiend of ['step', 'flap', 'gnss'] as const) {
    const { anchors, state, keeper, advance } = rig();
    state.synchronised = fiend !== 'gnss';
    keeper.start();
    const perHour: number[] = [];
    for (let look = 0; look < 720 * 5; look++) {
      const isOdd = look % 2 === 1;
      if (fiend === 'step') state.wallNs += (isOdd ? -1n : 1n) * 86_400n * SECOND;
      if (fiend === 'flap') {
        state.synchronised = isOdd;
        state.wallNs += BigInt((look * 7919) % 1000) * SECOND;
      }
      if (fiend === 'gnss') {
        keeper.observe(oneRow('gps', state.bootNs, [NEW_YEAR_MS + (isOdd ? 0 : 1024 * 7 * 86_400_000)]), UTC);
      }
      advance(5n);
      if (look % 720 === 719) perHour.push(anchors.length - perHour.reduce((sum, hour) => sum + hour, 0));
    }
    assert.ok(perHour[0]! <= 20, `${fiend}: ${perHour}`);
    assert.ok(
      perHour.slice(1).every((hour) => hour <= 12),
      `${fiend}: ${perHour}`,
    );
    assert.ok(
      perHour.every((hour) => hour > 0),
      `${fiend}: it is not shut out for good: ${perHour}`,
    );
  }
});

test('after a storm the clock that stays is believed again, within 5 minutes and a look', () => {
  const { state, keeper, advance } = rig();
  state.synchronised = true;
  keeper.start();
  for (let look = 0; look < 100; look++) {
    state.wallNs += (look % 2 ? -1n : 1n) * 86_400n * SECOND;
    advance(5n);
  }
  state.wallNs = BigInt(NEW_YEAR_MS) * 1_000_000n;
  for (let look = 0; look <= 60; look++) advance(5n);
  const off = keeper.at(state.bootNs)!.wallNs - state.wallNs;
  assert.ok(off > -SECOND && off < SECOND, `off by ${off} ns`);
});

test('a clock set back, then forth, gives an anchor each time, though a day passes between', () => {
  const { anchors, state, keeper, advance } = rig();
  state.synchronised = true;
  state.wallNs = BigInt(NEW_YEAR_MS) * 1_000_000n;
  keeper.start();
  for (const step of [-3600n, 7200n, -3600n]) {
    const before = anchors.length;
    state.wallNs += step * SECOND;
    advance(5n);
    assert.equal(anchors.length, before + 1, `${step} s`);
    assert.equal(keeper.at(state.bootNs)?.wallNs, state.wallNs);
    advance(86_400n);
  }
});

test('a fix that is suspect, not whole or without a channel for it anchors nothing; each row is looked at', () => {
  const { anchors, keeper } = rig();
  const suspect = oneRow('gps', 5n * SECOND, [NEW_YEAR_MS]);
  suspect.quality[0] = 1;
  keeper.observe(suspect, UTC);
  keeper.observe(oneRow('gps', 5n * SECOND, [NEW_YEAR_MS + 0.5]), UTC);
  keeper.observe(oneRow('climate', 5n * SECOND, [21]), [{ ...UTC[0], name: 'temperature' }]);
  assert.equal(anchors.length, 0);
  const position = { ...UTC[0], name: 'latitude' };
  keeper.observe(
    {
      stream: 'gps',
      timesNs: BigInt64Array.of(5n * SECOND, 6n * SECOND),
      values: Float64Array.of(48, Number.NaN, 48, NEW_YEAR_MS),
      quality: Uint8Array.of(0, 3, 0, 0),
    },
    [position, UTC[0]],
  );
  assert.deepEqual(anchors, [
    {
      monotonicNs: 6n * SECOND,
      wallNs: BigInt(NEW_YEAR_MS) * 1_000_000n + SECOND / 2n,
      uncertaintyNs: SECOND / 2n,
      source: 'gnss',
    },
  ]);
});

test('a network’s time takes the place of a coarser fix at once', () => {
  const { anchors, state, keeper, advance } = rig();
  keeper.start();
  keeper.observe(oneRow('gps', state.bootNs, [NEW_YEAR_MS]), UTC);
  state.synchronised = true;
  state.wallNs = BigInt(NEW_YEAR_MS) * 1_000_000n;
  advance(5n);
  assert.deepEqual(
    anchors.map((anchor) => anchor.source),
    ['gnss', 'system'],
  );
});

test('what another source contradicts is given up only for something at least as sure', () => {
  const held: BootAnchor = {
    monotonicNs: 0n,
    wallNs: 0n,
    uncertaintyNs: SECOND / 10n,
    source: 'system',
  };
  const other = (uncertaintyNs: bigint): BootAnchor => ({
    monotonicNs: 10n * SECOND,
    wallNs: 9999n * SECOND,
    uncertaintyNs,
    source: 'gnss',
  });
  assert.equal(isWorthKeeping(held, other(SECOND / 10n)), true);
  assert.equal(isWorthKeeping(held, other(SECOND / 2n)), false);
  assert.equal(isWorthKeeping(held, { ...other(SECOND / 2n), source: 'system' }), true);
  // 100 ppm of 4,000 s are 0.4 s: by then the fix is as sure.
  assert.equal(isWorthKeeping(held, { ...other(SECOND / 2n), monotonicNs: 4000n * SECOND }), true);
});

test('an hour on, an anchor that is no worse renews one that it agrees with', () => {
  const held: BootAnchor = { monotonicNs: 0n, wallNs: 0n, uncertaintyNs: SECOND, source: 'system' };
  const after = (seconds: bigint, uncertaintyNs = SECOND): BootAnchor => ({
    ...held,
    monotonicNs: seconds * SECOND,
    wallNs: seconds * SECOND,
    uncertaintyNs,
  });
  assert.equal(isWorthKeeping(held, after(3599n)), false);
  assert.equal(isWorthKeeping(held, after(3600n)), true);
  assert.equal(isWorthKeeping(held, after(3600n, 2n * SECOND)), false);
});
