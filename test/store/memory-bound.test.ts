import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryBound } from '../../runtime/store/memory-bound.js';
import { testDeps } from './support.js';

const MIB = 1024 * 1024;
const DECLARED = 64 * MIB;

function bound() {
  const seen = {
    spareBytes: 100 * MIB,
    nowNs: 0n,
    turnoverBytes: 0,
    wanted: [] as number[],
    log: [] as string[],
  };
  const deps = testDeps({
    nowNs: () => seen.nowNs,
    spareMemoryBytes: (wantedBytes) => {
      seen.wanted.push(wantedBytes);
      return seen.spareBytes;
    },
    log: (level, text) => seen.log.push(`${level} ${text}`),
  });
  const memory = new MemoryBound({ memoryBytes: DECLARED, deps });
  const now = (bytes: number) => memory.now({ bytes, turnoverBytes: seen.turnoverBytes });
  const after1s = (heldBytes: number) => {
    seen.nowNs += 1_000_000_000n;
    return now(heldBytes);
  };
  return { seen, now, after1s };
}

test('FAULTS 42: while memory is short a quarter of what waits is given up at each look, down to 1 MiB, and said once', (t) => {
  const { seen, after1s } = bound();
  assert.equal(after1s(40 * MIB), DECLARED);
  seen.spareBytes = 15 * MIB;
  let held = 40 * MIB;
  const steps: number[] = [];
  for (let i = 0; i < 30; i++) {
    held = Math.min(held, after1s(held));
    steps.push(held / MIB);
  }
  t.diagnostic(`MiB at each second: ${steps.slice(0, 6).map((mib) => mib.toFixed(1))} … ${steps.at(-1)}`);
  assert.equal(steps[0], 30);
  assert.equal(steps.at(-1), 1);
  assert.equal(seen.log.filter((line) => /^warn memory is short, 15 MiB left/.test(line)).length, 1);
});

test('FAULTS 42: less than 32 MiB left: what waits is kept, and no more', () => {
  const { seen, after1s } = bound();
  seen.spareBytes = 31 * MIB;
  for (let i = 0; i < 10; i++) assert.equal(after1s(40 * MIB), 40 * MIB);
});

test('FAULTS 42: between two looks nothing more goes, and rows that keep coming don’t raise the bound', () => {
  const { seen, now, after1s } = bound();
  seen.spareBytes = 0;
  const first = after1s(40 * MIB);
  for (let i = 0; i < 100; i++) assert.equal(now(first), first);
  assert.ok(after1s(first) < first);
});

test('FAULTS 42: rows that come fast are looked at after each 4 MiB, whatever the clock says', () => {
  const { seen, now, after1s } = bound();
  after1s(40 * MIB);
  seen.spareBytes = 0;
  seen.turnoverBytes = 4 * MIB - 1;
  assert.equal(now(40 * MIB), DECLARED);
  seen.turnoverBytes = 4 * MIB;
  assert.equal(now(40 * MIB), 30 * MIB);
});

test('FAULTS 42: garbage is collected with less than 32 MiB left, and while in need with less than 64', () => {
  const { seen, after1s } = bound();
  after1s(40 * MIB);
  seen.spareBytes = 31 * MIB;
  after1s(40 * MIB);
  seen.spareBytes = 64 * MIB;
  after1s(40 * MIB);
  after1s(40 * MIB);
  assert.deepEqual(seen.wanted, [32 * MIB, 32 * MIB, 64 * MIB, 32 * MIB]);
});

test('FAULTS 42: the declared bound is back once there is twice as much as was short', () => {
  const { seen, after1s } = bound();
  seen.spareBytes = 0;
  const low = after1s(40 * MIB);
  seen.spareBytes = 63 * MIB;
  assert.equal(after1s(low), low);
  seen.spareBytes = 64 * MIB;
  assert.equal(after1s(low), DECLARED);
});

test('a bound below the floor is kept as it is', () => {
  const deps = testDeps({ spareMemoryBytes: () => 0, nowNs: () => 0n });
  assert.equal(
    new MemoryBound({ memoryBytes: 1_000, deps }).now({ bytes: 5_000, turnoverBytes: 5_000 }),
    1_000,
  );
});
