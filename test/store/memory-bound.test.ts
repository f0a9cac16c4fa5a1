import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryBound } from '../../runtime/store/memory-bound.js';
import { testDeps } from './support.js';

const MIB = 1024 * 1024;
const DECLARED = 64 * MIB;

function bound() {
  const seen = { spareBytes: 100 * MIB, nowNs: 0n, log: [] as string[] };
  const deps = testDeps({
    nowNs: () => seen.nowNs,
    spareMemoryBytes: () => seen.spareBytes,
    log: (level, text) => seen.log.push(`${level} ${text}`),
  });
  const memory = new MemoryBound({ memoryBytes: DECLARED, deps });
  const after1s = (heldBytes: number) => {
    seen.nowNs += 1_000_000_000n;
    return memory.now(heldBytes);
  };
  return { seen, memory, after1s };
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
  const { seen, memory, after1s } = bound();
  seen.spareBytes = 0;
  const first = after1s(40 * MIB);
  for (let i = 0; i < 100; i++) assert.equal(memory.now(first), first);
  assert.ok(after1s(first) < first);
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
  assert.equal(new MemoryBound({ memoryBytes: 1_000, deps }).now(5_000), 1_000);
});
