import assert from 'node:assert/strict';
import { test } from 'node:test';
import { oneRow } from '../../drivers/contract/index.js';
import { AnchorKeeper, type BootAnchor, extrapolate } from '../../runtime/clock/index.js';

const SECOND = 1_000_000_000n;

function rig() {
  const anchors: BootAnchor[] = [];
  let timer: (() => void) | undefined;
  const state = { bootNs: 10n * SECOND, wallNs: 0n, synchronised: false, maxErrorNs: 20_000_000n };
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
      sync: () => ({ synchronised: state.synchronised, maxErrorNs: state.maxErrorNs, estimatedErrorNs: 0n }),
    },
    emit: (anchor) => anchors.push(anchor),
  });
  const advance = (seconds: bigint) => {
    state.bootNs += seconds * SECOND;
    state.wallNs += seconds * SECOND;
    const due = timer;
    timer = undefined;
    due?.();
  };
  return { anchors, state, keeper, advance, hasTimer: () => timer !== undefined };
}

test('a clock that nobody disciplines gives no anchor, however plausible it looks', () => {
  const { anchors, keeper, advance } = rig();
  keeper.start();
  for (let i = 0; i < 100; i++) advance(60n);
  assert.equal(anchors.length, 0);
  assert.equal(keeper.at(0n), undefined);
});

test('the first synchronised look gives an anchor; a day of it gives one an hour', () => {
  const { anchors, state, keeper, advance } = rig();
  keeper.start();
  state.synchronised = true;
  for (let i = 0; i < 24 * 60; i++) advance(60n);
  // With 20 ms of kernel error and 100 ppm of drift, an anchor is twice as unsure after 200 s.
  assert.ok(anchors.length >= 24 && anchors.length <= 24 * 20, `${anchors.length} anchors a day`);
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
