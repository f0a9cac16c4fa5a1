import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { native } from '../../native/index.js';

test('boot time is the kernel uptime, sleep included, in ns', () => {
  // /proc/uptime counts boot time in hundredths of a second (proc(5)).
  const before = Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]);
  const boot = Number(native.bootTimeNs()) / 1e9;
  const after = Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]);
  assert.ok(boot >= before - 0.01 && boot <= after + 0.02, `${before} <= ${boot} <= ${after}`);
});

test('boot time never decreases', () => {
  let last = 0n;
  for (let i = 0; i < 1000; i++) {
    const now = native.bootTimeNs();
    assert.ok(now >= last);
    last = now;
  }
});

test('a clock pair holds both clocks of one moment', () => {
  const wallBefore = BigInt(Date.now()) * 1_000_000n;
  const bootBefore = native.bootTimeNs();
  const pair = native.clockPair();
  const bootAfter = native.bootTimeNs();
  const wallAfter = BigInt(Date.now() + 1) * 1_000_000n;
  assert.ok(pair.bootNs >= bootBefore && pair.bootNs <= bootAfter);
  assert.ok(pair.wallNs >= wallBefore && pair.wallNs <= wallAfter);
  assert.ok(pair.uncertaintyNs >= 0n && pair.uncertaintyNs <= bootAfter - bootBefore);
});

test('synchronisation is a plain answer with bounds in ns', (t) => {
  const sync = native.clockSync();
  t.diagnostic(`synchronised ${sync.synchronised}, at most ${sync.maxErrorNs} ns off`);
  assert.equal(typeof sync.synchronised, 'boolean');
  assert.ok(sync.maxErrorNs >= 0n && sync.estimatedErrorNs >= 0n);
});
