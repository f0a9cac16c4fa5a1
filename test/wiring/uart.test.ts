import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { asHeardAt } from './uart.js';

test('at the same rate every byte arrives, and a few percent off too', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.constantFrom(9600, 9800, 9400), (bytes, baud) => {
      assert.deepEqual(asHeardAt(bytes, 9600, baud), bytes);
    }),
  );
});

test('at another rate it hears what is on the line in the middle of its own bits', () => {
  // 0x55 at 9600, start and stop bit with it, is low and high in turn; at 19200 each is two bits: 00 11 00 11 00 11 00 11 00 11.
  // A start at 0 finds data 0 1 1 0 0 1 1 0 and no stop bit at 9; one at 12 (the next fall) finds data 0 1 1 0 0 1 1 1, the lowest first, and a stop bit.
  assert.deepEqual([...asHeardAt(Uint8Array.of(0x55), 9600, 19_200)], [0xe6]);
  // Nine low bits at 9600, then rest; at 4800 the data are looked at at 3, 5, 7 (low) and 9 to 17 (high).
  assert.deepEqual([...asHeardAt(Uint8Array.of(0), 9600, 4800)], [0xf8]);
  // At 115200 they are 108 low bits: a break.
  assert.deepEqual([...asHeardAt(Uint8Array.of(0), 9600, 115_200)], [0]);
  // A whole byte at 115200 is over before a start bit of 9600 is looked at.
  assert.deepEqual([...asHeardAt(Uint8Array.of(0xff), 115_200, 9600)], []);
});
