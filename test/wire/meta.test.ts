import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { decode, Encoder } from 'cbor-x/encode';
import fc from 'fast-check';
import {
  decodeMeta,
  encodeMeta,
  GAP_CAUSES,
  META_MAX_BYTES,
  MetaError,
  type MetaRecord,
} from '../../wire/index.js';

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const fromHex = (text: string) => new Uint8Array(Buffer.from(text.replaceAll(' ', ''), 'hex'));

// Written out by hand from RFC 8949 §3: the bytes are the format, not what our encoder happens to make.
const anchor: MetaRecord = {
  kind: 'anchor',
  value: {
    boot: 3,
    monotonicNs: 5_000_000_000n,
    wallNs: 1_700_000_000_000_000_000n,
    uncertaintyNs: 2_000_000n,
    source: 'gnss',
  },
};
const ANCHOR_HEX = '86 66616e63686f72 03 1b000000012a05f200 1b17979cfe362a0000 1b00000000001e8480 64676e7373';
const gap: MetaRecord = {
  kind: 'gap',
  value: {
    epoch: '00112233445566ff',
    stream: 'gps.sky',
    first: 4_294_967_296,
    last: undefined,
    cause: 'epochEnd',
    atMost: true,
  },
};
const GAP_HEX = '87 63676170 4800112233445566ff 676770732e736b79 1b0000000100000000 f6 6865706f6368456e64 f5';

test('records have the bytes that docs/wire-format.md gives', () => {
  assert.equal(hex(encodeMeta(anchor)), ANCHOR_HEX.replaceAll(' ', ''));
  assert.equal(hex(encodeMeta(gap)), GAP_HEX.replaceAll(' ', ''));
  assert.deepEqual(decodeMeta(fromHex(ANCHOR_HEX)), anchor);
  assert.deepEqual(decodeMeta(fromHex(GAP_HEX)), gap);
});

const epoch = fc
  .array(fc.integer({ min: 0, max: 255 }), { minLength: 8, maxLength: 8 })
  .map((b) => hex(Uint8Array.from(b)));
const int64 = fc.bigInt({ min: -(1n << 63n), max: (1n << 63n) - 1n });
const sequence = fc.maxSafeNat();
const type = fc.oneof(
  fc.constantFrom(
    { kind: 'f64' as const },
    { kind: 'int' as const },
    { kind: 'utf8' as const },
    { kind: 'bytes' as const },
  ),
  fc.record(
    { kind: fc.constant('decimal' as const), scale: fc.integer({ min: 0, max: 9 }) },
    { noNullPrototype: true },
  ),
  fc.record(
    { kind: fc.constant('enum' as const), labels: fc.array(fc.string({ maxLength: 12 }), { maxLength: 5 }) },
    { noNullPrototype: true },
  ),
);
// CBOR's integers have no -0.
const number = fc.double({ noNaN: true }).map((value) => value + 0);
const channel = fc.record(
  {
    name: fc.constantFrom('temperature', 'a', 'accelX'),
    quantity: fc.constantFrom('temperature' as const, 'count' as const, 'percent' as const),
    type,
    resolution: number,
    range: fc.tuple(number, number),
  },
  { requiredKeys: ['name', 'quantity', 'type'], noNullPrototype: true },
);
const record: fc.Arbitrary<MetaRecord> = fc.oneof(
  fc
    .record(
      { boot: fc.nat(), bootId: fc.uuid(), software: fc.string({ maxLength: 40 }) },
      { noNullPrototype: true },
    )
    .map((value) => ({ kind: 'boot' as const, value })),
  fc
    .record(
      {
        boot: fc.nat(),
        monotonicNs: int64,
        wallNs: int64,
        uncertaintyNs: int64,
        source: fc.constantFrom('system' as const, 'gnss' as const),
      },
      { noNullPrototype: true },
    )
    .map((value) => ({ kind: 'anchor' as const, value })),
  fc
    .tuple(
      epoch,
      sequence,
      fc.option(fc.nat(), { nil: undefined }),
      fc.constantFrom(...GAP_CAUSES),
      fc.boolean(),
    )
    .map(([of, first, more, cause, atMost]) => ({
      kind: 'gap' as const,
      value: {
        epoch: of,
        stream: 'climate',
        first,
        last: more === undefined ? undefined : Math.min(first + more, Number.MAX_SAFE_INTEGER),
        cause,
        atMost,
      },
    })),
  fc
    .record(
      {
        stream: fc.constantFrom('climate', 'gps.sky'),
        version: fc.integer({ min: 1, max: 65535 }),
        title: fc.string({ maxLength: 60 }),
        class: fc.constantFrom('alarm' as const, 'telemetry' as const),
        channels: fc.array(channel, { maxLength: 6 }),
      },
      { noNullPrototype: true },
    )
    .map((value) => ({ kind: 'descriptor' as const, value })),
);

test('every record survives the way there and back', () => {
  fc.assert(
    fc.property(record, (one) => assert.deepEqual(decodeMeta(encodeMeta(one)), one)),
    { numRuns: 500 },
  );
});

test('any bytes are a record or a MetaError', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
      try {
        decodeMeta(bytes);
      } catch (error) {
        assert.ok(error instanceof MetaError, String(error));
      }
    }),
    { numRuns: 2000 },
  );
});

test('a damaged record is a record or a MetaError', () => {
  fc.assert(
    fc.property(record, fc.nat(), fc.integer({ min: 0, max: 255 }), (one, at, byte) => {
      const bytes = encodeMeta(one);
      bytes[at % bytes.length] = byte;
      try {
        decodeMeta(bytes);
      } catch (error) {
        assert.ok(error instanceof MetaError, String(error));
      }
    }),
    { numRuns: 1000 },
  );
});

const kindOf = (kind: string) => (error: unknown) => error instanceof MetaError && error.kind === kind;

test('a later version may append fields and kinds; lists are closed', () => {
  const plain = new Encoder({ useRecords: false, tagUint8Array: false });
  const more = plain.encode([...(decode(fromHex(ANCHOR_HEX) as Buffer) as unknown[]), 'later', 7]);
  assert.deepEqual(decodeMeta(more), anchor);
  assert.throws(() => decodeMeta(plain.encode(['weather', 1])), kindOf('unknownKind'));
  const cause = [...(decode(fromHex(GAP_HEX) as Buffer) as unknown[])];
  cause[5] = 'eaten';
  assert.throws(() => decodeMeta(plain.encode(cause)), kindOf('unknownValue'));
});

test('what is malformed is refused by field', () => {
  const plain = new Encoder({ useRecords: false, tagUint8Array: false });
  assert.throws(() => decodeMeta(plain.encode(['boot', -1, 'id', 'v'])), /field 2: not a whole number/);
  assert.throws(() => decodeMeta(plain.encode({ kind: 'boot' })), kindOf('malformed'));
  assert.throws(() => decodeMeta(new Uint8Array(META_MAX_BYTES + 1)), kindOf('tooLarge'));
  const labels = Array.from({ length: 200 }, (_, i) => `a label that is rather long ${i}`);
  const channels = [{ name: 'a', quantity: 'state' as const, type: { kind: 'enum' as const, labels } }];
  const value = { stream: 's', version: 1, title: '', class: 'event' as const, channels };
  assert.throws(() => encodeMeta({ kind: 'descriptor', value }), kindOf('tooLarge'));
});

const vectors = join(
  process.env.CAIRN_REAL_DATA ?? join(process.cwd(), '..', 'shared', 'data'),
  'protocols/cbor/appendix_a.json',
);
interface Vector {
  hex: string;
  roundtrip: boolean;
  decoded?: unknown;
}

test('the CBOR in use agrees with RFC 8949 appendix A', {
  skip: existsSync(vectors) ? false : 'real data absent: protocols/cbor/appendix_a.json',
}, () => {
  const inUse = /^([0-4689]|f4|f5|f6|fb)/;
  const plain = new Encoder({ useRecords: false, tagUint8Array: false });
  let compared = 0;
  for (const vector of JSON.parse(readFileSync(vectors, 'utf8')) as Vector[]) {
    const map = JSON.stringify(vector.decoded)?.includes('{') ?? true;
    if (map || !inUse.test(vector.hex) || /^(5f|7f|9f)|ff$/.test(vector.hex)) continue;
    const value = plain.decode(Buffer.from(vector.hex, 'hex'));
    if (typeof value === 'bigint') assert.equal(Number(value), Number(vector.decoded), vector.hex);
    else assert.deepEqual(value, vector.decoded, vector.hex);
    if (vector.roundtrip) assert.equal(hex(plain.encode(value)), vector.hex);
    compared++;
  }
  assert.ok(compared >= 30, `only ${compared} vectors compared`);
});
