import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Channel } from '../../drivers/contract/index.js';
import { SpareMemory } from '../../runtime/memory.js';
import { bytesOf } from '../../runtime/store/chunk.js';
import { lastRows, Unnumbered } from '../../runtime/store/unnumbered.js';

const MIB = 1024 * 1024;
const NUMBER: readonly Channel[] = [{ name: 'x', quantity: 'temperature', type: { kind: 'f64' } }];
const BYTES: readonly Channel[] = [{ name: 'x', quantity: 'text', type: { kind: 'bytes' } }];

function row(n: number, bytes?: Uint8Array) {
  const numbers = {
    timesNs: BigInt64Array.of(BigInt(n)),
    values: Float64Array.of(n),
    quality: Uint8Array.of(0),
  };
  return bytes ? { ...numbers, texts: [bytes] } : numbers;
}

/** Held by this process's objects and buffers, without garbage. */
function heldBytes(): number {
  new SpareMemory().bytes(Number.POSITIVE_INFINITY);
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

for (const [what, channels, bytes] of [
  ['numbers', NUMBER, undefined],
  ['20 bytes', BYTES, new Uint8Array(20)],
] as const) {
  test(`FAULTS 8: rows that come one by one and wait for numbers take the memory that is counted: ${what}`, (t) => {
    const before = heldBytes();
    const unnumbered = new Unnumbered();
    let counted = 0;
    for (let n = 0; n < 200_000; n++) {
      const rows = row(n, bytes && new Uint8Array(bytes));
      counted += bytesOf(rows, 1);
      unnumbered.push(rows, { version: 1, channels });
    }
    const held = heldBytes() - before;
    t.diagnostic(
      `${unnumbered.rows} rows: ${(held / MIB).toFixed(1)} MiB, counted ${(counted / MIB).toFixed(1)}`,
    );
    assert.ok(held < 2 * counted, `${held} of ${counted}`);
  });
}

test('rows come out as they went in, over numberings of any size, a loss in its place', () => {
  const unnumbered = new Unnumbered();
  const shape = { version: 1, channels: BYTES };
  const text = (n: number) => new TextEncoder().encode(`row ${n}`);
  for (let n = 0; n < 1000; n++) {
    if (n === 500) unnumbered.lose(7, 'rejected');
    unnumbered.push(row(n, text(n)), shape);
  }
  assert.deepEqual([unnumbered.count, unnumbered.rows], [1007, 1000]);
  const out: unknown[] = [];
  for (let room = 1; unnumbered.first; room = (room % 97) + 1) {
    const { columns, count } = unnumbered.first;
    const taken = Math.min(room, count);
    if (!columns) out.push(...Array.from({ length: taken }, () => 'lost'));
    else for (const text of lastRows(columns, count).texts!.slice(0, taken)) out.push(text);
    unnumbered.numbered(taken);
  }
  const expected = Array.from({ length: 1000 }, (_, n) => text(n));
  assert.deepEqual(out, [
    ...expected.slice(0, 500),
    ...Array.from({ length: 7 }, () => 'lost'),
    ...expected.slice(500),
  ]);
  assert.deepEqual([unnumbered.count, unnumbered.rows], [0, 0]);
});

test('what is dropped is the oldest, a few hundred rows at a time, and joins the loss before it', () => {
  const unnumbered = new Unnumbered();
  for (let n = 0; n < 1000; n++) unnumbered.push(row(n), { version: 1, channels: NUMBER });
  const bytes = unnumbered.dropOldest()!;
  const left = unnumbered.rows;
  assert.equal(bytes, (1000 - left) * 17);
  assert.ok(left >= 700 && left < 1000, `${left}`);
  assert.ok(unnumbered.dropOldest());
  assert.deepEqual(unnumbered.first, { count: 1000 - unnumbered.rows, cause: 'overflow' });
  assert.equal(unnumbered.count, 1000);
  while (unnumbered.dropOldest());
  assert.deepEqual([unnumbered.first, unnumbered.rows], [{ count: 1000, cause: 'overflow' }, 0]);
});
