import assert from 'node:assert/strict';
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  type HeldBlock,
  keyIdOf,
  openReceipt,
  RECEIPT_MAX_BLOCKS,
  RECEIPT_MAX_BYTES,
  type Receipt,
  ReceiptError,
  signReceipt,
} from '../../wire/index.js';
import { root } from '../house/imports.js';

/** RFC 8032 §7.1, test 1: the seed and the public key. In front of them PKCS#8 and SPKI (RFC 8410). */
const SEED = '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60';
const PUBLIC = 'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a';
const der = (prefix: string, key: string) =>
  ({ key: Buffer.from(prefix + key, 'hex'), format: 'der' }) as const;
const privateKey = createPrivateKey({ ...der('302e020100300506032b657004220420', SEED), type: 'pkcs8' });
const publicKey = createPublicKey({ ...der('302a300506032b6570032100', PUBLIC), type: 'spki' });
const KID = keyIdOf(publicKey);
const ours = (kid: string): KeyObject | undefined => (kid === KID ? publicKey : undefined);

/**
 * Made by python3: the CBOR by hand from RFC 8949, the signature by its package `cryptography` 48; the same values as in
 * docs/wire-format.md. The second is of a version 2, the third has a field more.
 */
const EXAMPLE = `
  d2844da20127044821fe31dfa154a261a0584f84014800112233aabbccdd1b0000019aaa138ffb818248fedcba9876543210828267636c696d617465
  8600183c1adeadbeef1b000000010000000019100007826464656d6f831903e8041a2179b85b5840219a7247f3641367ac23e6fde72f26cb32332ffc
  5683aab4f26921739b45d5c6dd838c173c84d83d7fa465290807f577f97cb46da626596c645e4b318167160e`;
const VERSION_2 = `
  d2844da20127044821fe31dfa154a261a0584f84024800112233aabbccdd1b0000019aaa138ffb818248fedcba9876543210828267636c696d617465
  8600183c1adeadbeef1b000000010000000019100007826464656d6f831903e8041a2179b85b58401faab74e7a9e11bc4921cc79158dea7cdb00c258
  74784c9cbc459b4fb8d776cdc53117f39c427d40747dab4a4daa99ffd49d3c387926a38cf268f6ec2d2bf00d`;
const ONE_FIELD_MORE = `
  d2844da20127044821fe31dfa154a261a0585585014800112233aabbccdd1b0000019aaa138ffb818248fedcba9876543210828267636c696d617465
  8600183c1adeadbeef1b000000010000000019100007826464656d6f831903e8041a2179b85b656c61746572584043acf6aaf355988c6eeddf19700b
  dd5ad5a62d629b9d20ab332a45b9c0c1cf2a9994c1be46d4baa65198cb72bf0ba9454536c66c4c5c11d64208997899673007`;
const bytesOf = (hex: string) => Buffer.from(hex.replace(/\s/g, ''), 'hex');

const epoch = 'fedcba9876543210';
const MEANING: Receipt = {
  node: '00112233aabbccdd',
  issue: 1_763_790_000_123,
  blocks: [
    { epoch, stream: 'climate', first: 0, count: 60, crc: 0xdeadbeef },
    { epoch, stream: 'climate', first: 4_294_967_296, count: 4096, crc: 7 },
    { epoch, stream: 'demo', first: 1000, count: 4, crc: 0x2179b85b },
  ],
};

const kindOf = (bytes: Uint8Array, keys = ours): string => {
  try {
    openReceipt(bytes, keys);
    return 'believed';
  } catch (error) {
    assert.ok(error instanceof ReceiptError, String(error));
    return error.kind;
  }
};

test('a receipt that another implementation signed is read, and ours is the same bytes', () => {
  assert.equal(KID, '21fe31dfa154a261');
  assert.deepEqual(openReceipt(bytesOf(EXAMPLE), ours), MEANING);
  const shuffled = { ...MEANING, blocks: [...MEANING.blocks].reverse() };
  assert.equal(
    Buffer.from(signReceipt(shuffled, KID, privateKey)).toString('hex'),
    bytesOf(EXAMPLE).toString('hex'),
  );
  assert.deepEqual(openReceipt(bytesOf(ONE_FIELD_MORE), ours), MEANING, 'a later writer may append');
});

test('the example of docs/wire-format.md is that receipt', () => {
  const docs = readFileSync(join(root, 'docs/wire-format.md'), 'utf8');
  const dump = /A receipt, explained:\n\n((?: {4}[0-9a-f]{2} {2}.*\n)+)/.exec(docs);
  assert.ok(dump, 'the page has the dump');
  const shown = dump[1]!
    .split('\n')
    .map((line) => line.slice(8))
    .join('');
  assert.equal(shown.replace(/\s/g, ''), bytesOf(EXAMPLE).toString('hex'));
});

test('forged, foreign, truncated, of another version or too large: each by its name, and none is believed', () => {
  const other = generateKeyPairSync('ed25519');
  const forged = signReceipt(MEANING, KID, other.privateKey);
  assert.equal(kindOf(forged), 'badSignature');
  assert.equal(kindOf(signReceipt(MEANING, keyIdOf(other.publicKey), other.privateKey)), 'unknownKey');
  assert.equal(kindOf(bytesOf(VERSION_2)), 'unknownVersion');
  assert.equal(kindOf(new Uint8Array(RECEIPT_MAX_BYTES + 1)), 'tooLarge');
  assert.equal(kindOf(new Uint8Array()), 'malformed');
  const whole = bytesOf(EXAMPLE);
  for (let length = 0; length < whole.length; length++)
    assert.equal(kindOf(whole.subarray(0, length)), 'malformed');
  assert.equal(kindOf(Buffer.concat([whole, Buffer.of(0)])), 'malformed');
});

test('one changed bit anywhere, and it is not believed', () => {
  const whole = bytesOf(EXAMPLE);
  for (let bit = 0; bit < whole.length * 8; bit++) {
    const changed = Buffer.from(whole);
    changed[bit >> 3]! ^= 1 << (bit & 7);
    assert.notEqual(kindOf(changed), 'believed', `bit ${bit}`);
  }
});

test('what the key signed for another purpose is no receipt', () => {
  // The same payload and key by the same python, without the externally supplied data of a receipt.
  const elsewhere = bytesOf(EXAMPLE);
  const signature = bytesOf(`
    d1045345ee5d52d2233b5bba85b29bccda1ba79b37ca68643a18a4d5dc77109f9e8f98c7a202e6a3ba8d46c6dfd332522db48bd6b759b1c9cd46
    5a3fdc216e0c`);
  elsewhere.set(signature, elsewhere.length - 64);
  assert.equal(kindOf(elsewhere), 'badSignature');
});

const held: fc.Arbitrary<HeldBlock> = fc.record({
  epoch: fc.stringMatching(/^[0-9a-f]{16}$/),
  stream: fc.stringMatching(/^[a-z][a-z0-9-]{0,31}(\.[a-z][a-z0-9-]{0,15})?$/),
  first: fc.oneof(fc.nat(70_000), fc.maxSafeNat()),
  count: fc.integer({ min: 1, max: 4096 }),
  crc: fc.integer({ min: 0, max: 0xffffffff }),
});
const nameOf = (block: HeldBlock) => JSON.stringify(Object.entries(block).sort());

test('what is signed is read back, block by block', () => {
  fc.assert(
    fc.property(fc.array(held, { maxLength: 40 }), fc.maxSafeNat(), (blocks, issue) => {
      const receipt = openReceipt(signReceipt({ node: MEANING.node, issue, blocks }, KID, privateKey), ours);
      assert.equal(receipt.issue, issue);
      assert.deepEqual(receipt.blocks.map(nameOf).sort(), blocks.map(nameOf).sort());
    }),
  );
});

test('the largest receipt fits its bound; one block more is refused before it is signed', (t) => {
  const blocks = Array.from({ length: RECEIPT_MAX_BLOCKS }, (_, i) => ({
    epoch: i.toString(16).padStart(16, 'f'),
    stream: `${'a'.repeat(32)}.${'b'.repeat(13)}${i.toString(36).padStart(3, '0')}`,
    ...{ first: Number.MAX_SAFE_INTEGER - i, count: 4096, crc: 0xffffffff },
  }));
  const bytes = signReceipt({ node: MEANING.node, issue: Number.MAX_SAFE_INTEGER, blocks }, KID, privateKey);
  t.diagnostic(`${RECEIPT_MAX_BLOCKS} blocks of as many epochs and streams: ${bytes.length} bytes`);
  assert.ok(bytes.length <= RECEIPT_MAX_BYTES);
  assert.equal(openReceipt(bytes, ours).blocks.length, RECEIPT_MAX_BLOCKS);
  const more = { node: MEANING.node, issue: 1, blocks: [...blocks, blocks[0]!] };
  assert.throws(() => signReceipt(more, KID, privateKey), { kind: 'tooLarge' });
});

test('any bytes are refused, by a name', () => {
  const prefix = bytesOf(EXAMPLE).subarray(0, 17);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), fc.boolean(), (bytes, begins) => {
      assert.notEqual(kindOf(begins ? Buffer.concat([prefix, bytes]) : bytes), 'believed');
    }),
  );
});
