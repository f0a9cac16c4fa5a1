import assert from 'node:assert/strict';
import { test } from 'node:test';
import { printedRows, rowLine } from '../../fleet/receive/print.js';
import { native } from '../../native/index.js';
import type { RowTime } from '../../wire/index.js';

const MS = 1_000_000n;
const NEW_YEAR_NS = BigInt(Date.UTC(2026, 0, 1)) * MS;

/** A row of boot 7, 12.5 s after it began, as somebody reads it and as a program does. */
function printed(time: RowTime) {
  const header = { node: '0123456789abcdef', epoch: 'fedcba9876543210', stream: 'climate', first: 0 };
  const bytes = native.encodeBlock({ ...header, boot: 7, descriptorVersion: 1 }, [{ kind: 'f64' }], {
    timesNs: BigInt64Array.of(12_500n * MS),
    values: Float64Array.of(21),
    quality: new Uint8Array(1),
  });
  const block = native.decodeBlock(bytes);
  const rows = {
    header: block.header,
    block,
    descriptor: undefined,
    conflict: false,
    again: false,
    timeOf: () => time,
  };
  const [row] = [...printedRows(rows)];
  const { wall, uncertaintyMs, contradicted, notBefore, notAfter } = row!;
  return { line: rowLine(rows, row!), said: { wall, uncertaintyMs, contradicted, notBefore, notAfter } };
}

test('a known time is printed with what it can be off by, and marked where its anchors contradict each other', () => {
  const known = { kind: 'known', wallNs: NEW_YEAR_NS, uncertaintyNs: 2_100_000n } as const;
  const fields = { wall: '2026-01-01T00:00:00.000Z', uncertaintyMs: 2.1 };
  const unbounded = { notBefore: undefined, notAfter: undefined };
  const { line, said } = printed(known);
  assert.match(line, /^012345 climate #0 2026-01-01T00:00:00\.000Z ±3 ms {2}/);
  assert.deepEqual(said, { ...fields, contradicted: undefined, ...unbounded });
  const doubted = printed({ ...known, contradicted: true });
  assert.match(doubted.line, / ±3 ms \(its anchors contradict each other\) {2}/);
  assert.deepEqual(doubted.said, { ...fields, contradicted: true, ...unbounded });
});

test('a time that nobody knows is never printed as one: the boot, how far into it, and its bounds', () => {
  const none = { wall: null, uncertaintyMs: null, contradicted: undefined };
  const bounded = printed({ kind: 'bounded', notBeforeNs: undefined, notAfterNs: NEW_YEAR_NS });
  assert.match(bounded.line, / #0 boot 7 \+12\.500 s \(\? \.\. 2026-01-01T00:00:00\.000Z\) {2}/);
  assert.deepEqual(bounded.said, { ...none, notBefore: null, notAfter: '2026-01-01T00:00:00.000Z' });
  const unknown = printed({ kind: 'unknown' });
  assert.match(unknown.line, / #0 boot 7 \+12\.500 s {2}/);
  assert.deepEqual(unknown.said, { ...none, notBefore: undefined, notAfter: undefined });
});
