import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Rows } from '../../drivers/contract/index.js';
import { openTest, rowsOf, temporary, testOptions } from './support.js';

const MIB = 1024 * 1024;

/** Rows that hardly compress: 13 bytes each at least. */
function noise(stream: string, count: number): Rows {
  let state = count;
  return rowsOf(
    stream,
    Array.from({ length: count }, () => {
      state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
      return state * 997;
    }),
  );
}

test('a class that gives way does so down to its guaranteed share; then the next one above its own does', async (t) => {
  const store = await openTest(testOptions(temporary(t), { sizeBytes: MIB, memoryBytes: 4 * MIB }));
  const bytesOf = (name: string): number =>
    store.status().classes.find((one) => one.class === name)?.bytes ?? 0;
  for (let i = 0; i < 40; i += 1) {
    store.append(noise('l', 100));
    await store.flush();
  }
  const before = bytesOf('log');
  for (let i = 0; i < 10; i += 1) {
    store.append(noise('t', 4000));
    await store.flush();
  }
  const total = bytesOf('log') + bytesOf('telemetry');
  t.diagnostic(`log ${before} bytes before, ${bytesOf('log')} of ${total} after`);
  assert.ok(before > 0.1 * total, 'the log class was above its share of 10 %');
  assert.ok(bytesOf('log') < before, 'it gave way');
  assert.ok(bytesOf('log') > 0.05 * total, 'but not below its share while telemetry was above its own');
});
