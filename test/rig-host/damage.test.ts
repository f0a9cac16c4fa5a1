import assert from 'node:assert/strict';
import { test } from 'node:test';
import { damage, heardAtBaud, through } from '../../hil/host/damage.js';
import { Lines, MAX_LINE_BYTES } from '../../hil/host/wire.js';
import { seeded } from '../../hil/random.js';

const LINES = Buffer.from('first line\r\nsecond\r\n\nand a third that is longer\r\n'.repeat(200), 'latin1');

// 0x55 is 0 10101010 1 on the line; at twice the rate 00 11 00 11 00 11 00 11 00 11, read by hand as 0x66 with a low stop bit, which starts 0x33.
test('twice as fast as the part speaks: 0x55 reads as 0x66 0x33', () => {
  assert.deepEqual([...heardAtBaud(Uint8Array.of(0x55), 9600, 19_200)], [0x66, 0x33]);
});

// Half the rate takes every second bit: 0 [1]0[1]0[1]0[1]0[1] then the idle line: all ones.
test('half as fast: 0x55 reads as 0xff', () => {
  assert.deepEqual([...heardAtBaud(Uint8Array.of(0x55), 9600, 4800)], [0xff]);
});

test('a break reads as one NUL, and at the right rate nothing changes', () => {
  // Ten low bits and more at the receiver: 0x00 at an eighth of its rate.
  assert.deepEqual([...heardAtBaud(Uint8Array.of(0x00), 1200, 9600)], [0x00]);
  assert.deepEqual(Buffer.from(heardAtBaud(LINES, 9600, 9600)), LINES);
});

test('at every wrong rate something is heard, and none of the lines', () => {
  for (const heard of [1200, 2400, 4800, 14_400, 19_200, 38_400, 57_600, 115_200]) {
    const bytes = Buffer.from(heardAtBaud(LINES, 9600, heard));
    assert.ok(bytes.length > 100, `${bytes.length} bytes at ${heard}`);
    assert.ok(!bytes.includes('second') && !bytes.includes('line'), `${heard}`);
  }
});

test('single: one hit a line at most; each: as many as its rate; the same seed, the same bytes', () => {
  const single = damage(LINES, 'single', 1, seeded(7));
  assert.equal(single.flips + single.drops + single.inserts, 800);
  assert.equal(single.bytes.length, LINES.length - single.drops + single.inserts);
  for (const count of [single.flips, single.drops, single.inserts]) assert.ok(count > 200 && count < 340);
  const each = damage(LINES, 'each', 0.01, seeded(7));
  const hits = each.flips + each.drops + each.inserts;
  assert.ok(hits > LINES.length * 0.006 && hits < LINES.length * 0.014, `${hits}`);
  assert.deepEqual(damage(LINES, 'each', 0.01, seeded(7)), each);
  assert.notDeepEqual(damage(LINES, 'each', 0.01, seeded(8)).bytes, each.bytes);
});

test('a wire without faults carries what it is given', () => {
  assert.deepEqual(through(LINES, {}), { bytes: LINES, hits: 0 });
});

test('lines come whole however they are cut, and one beyond the bound is refused', () => {
  const lines = new Lines();
  const got = [...'one\ntwo\nhalf'].flatMap((char) => lines.push(char));
  assert.deepEqual(got, ['one', 'two']);
  assert.throws(() => new Lines().push('x'.repeat(MAX_LINE_BYTES + 1)), /a line of more than/);
});
