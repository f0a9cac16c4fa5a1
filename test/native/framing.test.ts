import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { type FrameKind, type Framer, native } from '../../native/index.js';
import { realData } from './paths.js';

const text = (frames: Uint8Array[]) => frames.map((frame) => Buffer.from(frame).toString('latin1'));

/** Bytes in which starts, ends and delimiters are frequent. */
const lively = fc.array(
  fc.oneof(
    fc.constantFrom(...Buffer.from('$!*\r\n0A,\0\x01\x02\x05\xff', 'latin1')),
    fc.integer({ min: 0, max: 255 }),
  ),
  { maxLength: 400 },
);

function pushAll(framer: Framer, bytes: Uint8Array, chunks: Iterable<number>): Uint8Array[] {
  const frames: Uint8Array[] = [];
  let at = 0;
  for (const length of chunks) {
    frames.push(...framer.push(bytes.subarray(at, at + length)));
    at += length;
  }
  frames.push(...framer.push(bytes.subarray(at)));
  return frames;
}

for (const kind of ['line', 'nmea', 'cobs'] as const satisfies readonly FrameKind[]) {
  test(`${kind}: however the bytes are cut, frames and counters are the same`, () => {
    fc.assert(
      fc.property(
        lively,
        fc.array(fc.integer({ min: 0, max: 30 })),
        fc.integer({ min: 1, max: 60 }),
        (bytes, chunks, maxBytes) => {
          const whole = native.createFramer(kind, maxBytes);
          const parts = native.createFramer(kind, maxBytes);
          assert.deepEqual(
            pushAll(parts, Uint8Array.from(bytes), chunks),
            whole.push(Uint8Array.from(bytes)),
          );
          assert.deepEqual(parts.counters, whole.counters);
          assert.equal(whole.counters.bytes, bytes.length);
        },
      ),
    );
  });
}

test('cobs: whatever is stuffed comes out of the framer again', () => {
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ minLength: 0, maxLength: 600 })),
      fc.array(fc.integer({ min: 1, max: 300 })),
      (packets, chunks) => {
        const line = Buffer.concat(packets.flatMap((packet) => [native.cobsEncode(packet), Buffer.of(0)]));
        const framer = native.createFramer('cobs', 600);
        assert.deepEqual(pushAll(framer, line, chunks), packets);
        for (const packet of packets) assert.deepEqual(native.cobsDecode(native.cobsEncode(packet)), packet);
      },
    ),
  );
});

test('cobs: the decoder refuses what no encoder makes', () => {
  for (const bytes of [[], [0], [3, 1], [2, 0], [1, 0, 1]]) {
    assert.throws(() => native.cobsDecode(Uint8Array.from(bytes)), { code: 'badCobs' });
  }
});

test('a reset forgets the half frame and keeps the counters', () => {
  const framer = native.createFramer('line', 20);
  assert.deepEqual(text(framer.push(Buffer.from('one\ntw'))), ['one']);
  framer.reset();
  assert.deepEqual(text(framer.push(Buffer.from('three\n'))), ['three']);
  assert.deepEqual(framer.counters, { bytes: 12, frames: 2, badChecksum: 0, tooLong: 0, strayBytes: 0 });
});

test('frames are copies: the next push does not change them', () => {
  const framer = native.createFramer('line', 20);
  const [first] = framer.push(Buffer.from('aaaa\n'));
  framer.push(Buffer.from('bbbb\n'));
  assert.deepEqual(text([first!]), ['aaaa']);
});

test('a framer out of its bounds is refused, and so is a method torn from its framer', () => {
  assert.throws(() => native.createFramer('line', 0), { name: 'RangeError', code: 'badLength' });
  assert.throws(() => native.createFramer('line', 2 ** 20 + 1), { code: 'badLength' });
  assert.throws(() => native.createFramer('hdlc' as FrameKind, 10), { code: 'badKind' });
  const { push } = native.createFramer('line', 10);
  assert.throws(() => push.call({} as Framer, new Uint8Array(1)), { code: 'ERR_INVALID_THIS' });
});

/** The rule of NMEA 0183 as a regular expression over a whole log: a second opinion on the framer. */
function sentencesOf(log: string, maxBytes: number): string[] {
  const found = log.matchAll(/(?:\$|(?<=^|[\r\n])!)([^$*\r\n]*)\*([0-9A-Fa-f]{2})(?=[\r\n])/g);
  return [...found]
    .filter(
      ([, body, sum]) =>
        Buffer.from(body!, 'latin1').reduce((a, b) => a ^ b, 0) === Number.parseInt(sum!, 16),
    )
    .map(([sentence]) => sentence)
    .filter((sentence) => sentence.length <= maxBytes);
}

const logs = realData('nmea');

test('ten receivers, byte by byte and in 64 KiB chunks: every sentence whose checksum is right, and no other', {
  skip: logs.skip,
}, () => {
  const names = readdirSync(logs.path).filter((name) => name.endsWith('.log'));
  assert.equal(names.length, 10);
  for (const name of names) {
    const bytes = readFileSync(join(logs.path, name));
    const [byByte, byChunk] = [native.createFramer('nmea', 120), native.createFramer('nmea', 120)];
    const frames = text(pushAll(byByte, bytes, new Array(bytes.length).fill(1)));
    assert.deepEqual(
      text(pushAll(byChunk, bytes, new Array(Math.ceil(bytes.length / 65_536)).fill(65_536))),
      frames,
    );
    assert.deepEqual(frames, sentencesOf(bytes.toString('latin1'), 120), name);
    assert.deepEqual(byByte.counters, byChunk.counters);
  }
});
