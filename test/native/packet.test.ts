import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { DecodeError, native } from '../../native/index.js';
import { type Case, cases, cellKey, HEADER } from './packet-cases.js';

const RUNS = 300;

function encode(one: Case): Uint8Array {
  return native.encodeBlock({ ...HEADER, first: one.first }, one.columns, one.rows);
}

test('every kind of column comes back bit by bit, with every quality', () => {
  fc.assert(
    fc.property(cases(), (one) => {
      const block = native.decodeBlock(encode(one));
      assert.deepEqual(block.columns, one.columns);
      assert.deepEqual(block.timesNs, one.rows.timesNs);
      assert.deepEqual(block.quality, one.rows.quality);
      one.rows.quality.forEach((_, cell) => {
        assert.equal(cellKey(block, cell), cellKey({ ...one.rows, columns: one.columns }, cell));
      });
    }),
    { numRuns: RUNS },
  );
});

test('the header says what was sealed, and how long the block is', () => {
  fc.assert(
    fc.property(cases(), fc.uint8Array({ maxLength: 40 }), (one, behind) => {
      const bytes = encode(one);
      const { count, byteLength, crc, ...header } = native.decodeHeader(Buffer.concat([bytes, behind]));
      assert.deepEqual(header, { ...HEADER, first: one.first });
      assert.equal(count, one.rows.timesNs.length);
      assert.equal(byteLength, bytes.length);
      assert.equal(crc, native.crc32c(bytes.subarray(0, -4)));
    }),
    { numRuns: RUNS },
  );
});

test('headers of many nodes, epochs and streams are told apart, whichever came before', () => {
  const id = fc.uint8Array({ minLength: 8, maxLength: 8 }).map((bytes) => Buffer.from(bytes).toString('hex'));
  const header = fc.record({
    ...{ node: id, epoch: id, stream: fc.stringMatching(/^[a-c0.-]{1,49}$/) },
    first: fc.integer({ min: 0, max: 2 ** 53 - 2 }),
    boot: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
    descriptorVersion: fc.integer({ min: 0, max: 65535 }),
  });
  const rows = { timesNs: BigInt64Array.of(1n), values: Float64Array.of(1), quality: Uint8Array.of(0) };
  fc.assert(
    fc.property(fc.array(header, { minLength: 1, maxLength: 200 }), (headers) => {
      const blocks = headers.map((one) => native.encodeBlock(one, [{ kind: 'int' }], rows));
      for (const [i, bytes] of [...blocks.entries(), ...[...blocks.entries()].reverse()]) {
        const { count: _, byteLength: __, crc: ___, ...decoded } = native.decodeHeader(bytes);
        assert.deepEqual(decoded, { ...headers[i] });
        assert.deepEqual(native.decodeBlock(bytes).header, native.decodeHeader(bytes));
      }
    }),
    { numRuns: 20 },
  );
});

test('the same rows give the same bytes, and blocks lie back to back', () => {
  fc.assert(
    fc.property(cases(), cases(), (one, two) => {
      const [a, b] = [encode(one), encode(two)];
      assert.deepEqual(encode(one), a);
      const both = Buffer.concat([a, b]);
      assert.equal(native.decodeBlock(both).header.byteLength, a.length);
      assert.deepEqual(native.decodeBlock(both, a.length), native.decodeBlock(b));
    }),
    { numRuns: 50 },
  );
});

test('a block with any one bit flipped, or cut anywhere, is refused', () => {
  const [one] = fc.sample(cases(), { numRuns: 1, seed: 7 });
  const bytes = encode(one!);
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const flipped = bytes.slice();
    flipped[bit >> 3]! ^= 1 << (bit & 7);
    assert.throws(() => native.decodeBlock(flipped), DecodeError, `bit ${bit}`);
    assert.throws(() => native.decodeHeader(flipped), DecodeError, `bit ${bit}`);
  }
  for (let length = 0; length < bytes.length; length++) {
    assert.throws(() => native.decodeBlock(bytes.slice(0, length)), { name: 'DecodeError', kind: 'short' });
  }
});

test('an error says its kind and where the block was looked for', () => {
  const bytes = encode(fc.sample(cases(), { numRuns: 1, seed: 1 })[0]!);
  const changed = (index: number, value: number) => bytes.with(index, value);
  const refused = (block: Uint8Array, kind: string) =>
    assert.throws(() => native.decodeBlock(Buffer.concat([Buffer.alloc(5), block]), 5), {
      name: 'DecodeError',
      kind,
      offset: 5,
    });
  refused(changed(0, 0), 'badMagic');
  refused(changed(3, 2), 'badVersion');
  refused(changed(7, 1), 'tooLarge');
  refused(changed(20, bytes[20]! ^ 1), 'badCrc');
  refused(bytes.subarray(0, 3), 'short');
  assert.throws(() => native.decodeBlock(bytes, bytes.length + 1), { code: 'ERR_OUT_OF_RANGE' });
});

test('shared memory, which may change while it is read, is refused', () => {
  const bytes = encode(fc.sample(cases(), { numRuns: 1, seed: 1 })[0]!);
  const shared = new Uint8Array(new SharedArrayBuffer(bytes.length));
  shared.set(bytes);
  assert.throws(() => native.decodeBlock(shared), { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' });
  assert.equal(native.decodeBlock(shared.slice()).header.byteLength, bytes.length);
});

test('what a column cannot keep is refused, naming column and row', () => {
  const seal = (kind: 'int' | 'enum', value: number) =>
    native.encodeBlock({ ...HEADER, first: 0 }, [{ kind: 'f64' }, { kind }], {
      timesNs: BigInt64Array.of(0n, 1n),
      values: Float64Array.of(0, 1, 0, value),
      quality: new Uint8Array(4),
    });
  for (const value of [0.5, Number.NaN, Infinity, 2 ** 53]) {
    assert.throws(() => seal('int', value), {
      name: 'RangeError',
      code: 'badValue',
      message: /column 1, row 1/,
    });
  }
  for (const value of [-1, 65_536]) assert.throws(() => seal('enum', value), { code: 'badValue' });
  seal('int', 2 ** 53 - 1);
  seal('enum', 65_535);
});

test('a text that is missing, too long or of the wrong sort is refused, naming column and row', () => {
  const seal = (kind: 'utf8' | 'bytes', text: string | Uint8Array | undefined, quality = 0) =>
    native.encodeBlock({ ...HEADER, first: 0 }, [{ kind: 'int' }, { kind }], {
      timesNs: new BigInt64Array(2),
      values: new Float64Array(4),
      quality: Uint8Array.of(0, 3, 0, quality),
      texts: [undefined, undefined, undefined, text],
    });
  const refused = { name: 'RangeError', code: 'badText', message: /column 1, row 1/ };
  assert.throws(() => seal('utf8', undefined), refused);
  assert.throws(() => seal('utf8', Uint8Array.of(65)), refused);
  assert.throws(() => seal('bytes', 'text'), refused);
  assert.throws(() => seal('utf8', 'µ'.repeat(2049)), refused);
  assert.throws(() => seal('bytes', new Uint8Array(4097)), refused);
  assert.equal(native.decodeBlock(seal('utf8', 'µ'.repeat(2048))).texts?.[3], 'µ'.repeat(2048));
  assert.equal(native.decodeBlock(seal('utf8', undefined, 3)).texts?.[3], undefined);
  assert.equal(native.decodeBlock(seal('utf8', 'a\ud800')).texts?.[3], 'a\ufffd');
});

test('repeated texts are kept once', () => {
  const texts = Array.from({ length: 1000 }, (_, i) => `tag-${i % 5}-${'x'.repeat(40)}`);
  const bytes = native.encodeBlock({ ...HEADER, first: 0 }, [{ kind: 'utf8' }], {
    timesNs: new BigInt64Array(1000),
    values: new Float64Array(1000),
    quality: new Uint8Array(1000),
    texts,
  });
  assert.deepEqual(native.decodeBlock(bytes).texts, texts);
  assert.ok(bytes.length < 1000, `${bytes.length} bytes for 46,000 of text`);
});

test('bounds are refused with their own code', () => {
  const rows = (count: number, columns: number) => ({
    timesNs: new BigInt64Array(count),
    values: new Float64Array(count * columns),
    quality: new Uint8Array(count * columns),
  });
  const f64 = { kind: 'f64' } as const;
  const seal = (header: object, columns: number, count: number) =>
    native.encodeBlock({ ...HEADER, first: 0, ...header }, Array(columns).fill(f64), rows(count, columns));
  assert.throws(() => seal({}, 1, 0), { code: 'badRows' });
  assert.throws(() => seal({}, 1, 4097), { code: 'badRows' });
  assert.throws(() => seal({}, 65, 1), { code: 'badColumns' });
  assert.throws(() => seal({ stream: 'Upper' }, 1, 1), { code: 'badStream' });
  assert.throws(() => seal({ stream: '' }, 1, 1), { code: 'badStream' });
  assert.throws(() => seal({ first: 2 ** 53 - 1 }, 1, 2), { code: 'badSequence' });
  assert.throws(() => seal({ boot: 2 ** 32 }, 1, 1), { code: 'badHeader' });
  assert.throws(() => seal({ node: '12' }, 1, 1), { code: 'badHeader' });
  assert.equal(native.decodeHeader(seal({ first: 2 ** 53 - 1 }, 64, 1)).first, 2 ** 53 - 1);
  const noise = rows(4096, 64);
  crypto.getRandomValues(new Uint8Array(noise.values.buffer).subarray(0, 65_536));
  for (let i = 8192; i < noise.values.length; i++) noise.values[i] = Math.sin(i) * 10 ** (i % 300);
  assert.throws(() => native.encodeBlock({ ...HEADER, first: 0 }, Array(64).fill(f64), noise), {
    code: 'tooLarge',
  });
});
