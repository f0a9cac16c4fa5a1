import assert from 'node:assert/strict';
import { test } from 'node:test';
import { native } from '../../native/index.js';

test('CRC-32C gives the values of RFC 3720 B.4', () => {
  const ascending = Uint8Array.from({ length: 32 }, (_, i) => i);
  assert.equal(native.crc32c(new Uint8Array(32)), 0x8a9136aa);
  assert.equal(native.crc32c(new Uint8Array(32).fill(0xff)), 0x62a8ab43);
  assert.equal(native.crc32c(ascending), 0x46dd794e);
  assert.equal(native.crc32c(ascending.toReversed()), 0x113fdb5c);
  assert.equal(native.crc32c(Buffer.from('123456789')), 0xe3069283);
});

test('a CRC goes on from the one before', () => {
  const bytes = Buffer.from('the quick brown fox');
  assert.equal(native.crc32c(bytes.subarray(7), native.crc32c(bytes.subarray(0, 7))), native.crc32c(bytes));
  assert.equal(native.crc32c(new Uint8Array(0), 5), 5);
});

test('what is no Uint8Array is refused', () => {
  assert.throws(() => native.crc32c('text' as unknown as Uint8Array), { code: 'ERR_INVALID_ARG_TYPE' });
});
