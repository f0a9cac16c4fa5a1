import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { makeChallenge } from '../../runtime/console/login/challenge.js';
import { formatBits } from '../../runtime/console/qr/frame.js';
import { correctionOf } from '../../runtime/console/qr/galois.js';
import { drawQr, makeQr, QR_MAX_BYTES, QrError } from '../../runtime/console/qr/index.js';

const CHALLENGE = makeChallenge('9fb306acefe48c5a', Buffer.alloc(16, 0xa7));
/** Bytes that each version holds at level L, ISO/IEC 18004:2015 table 7. */
const CAPACITY_BYTES = [17, 32, 53, 78, 106];
/** Why a test is skipped, where it is. */
const without = (tool: string, packageName: string) =>
  spawnSync(tool, ['--version']).error !== undefined && `${tool} is absent (Debian: ${packageName})`;

test('error correction: the worked example of ISO/IEC 18004, annex I (01234567, version 1-M)', () => {
  const data = Buffer.from('10200c566180ec11ec11ec11ec11ec11', 'hex');
  assert.equal(Buffer.from(correctionOf(data, 10)).toString('hex'), 'a524d4c1ed36c7872c55');
});

test('format information: the worked example of ISO/IEC 18004, annex C (level M, mask 101)', () => {
  assert.equal(formatBits(0b00101).toString(2).padStart(15, '0'), '100000011001110');
});

test('a text takes the smallest version that holds it, up to 106 bytes', () => {
  for (const [i, bytes] of CAPACITY_BYTES.entries()) {
    assert.equal(makeQr('x'.repeat(bytes)).length, 21 + 4 * i);
    if (bytes < QR_MAX_BYTES) assert.equal(makeQr('x'.repeat(bytes + 1)).length, 25 + 4 * i);
  }
  assert.throws(() => makeQr('é'.repeat(54)), QrError);
});

test('the largest fits a terminal of 80 by 24 with its quiet zone, a challenge takes 37 by 19', () => {
  const size = (text: string) => [drawQr(makeQr(text))[0]?.length, drawQr(makeQr(text)).length];
  assert.deepEqual(size('x'.repeat(QR_MAX_BYTES)), [45, 23]);
  assert.deepEqual(size(CHALLENGE), [37, 19]);
});

/** Module by module as another encoder draws it: two characters a module. */
function byQrencode(text: string): readonly string[] {
  const drawn = spawnSync('qrencode', ['-8', '-l', 'L', '-m', '0', '-t', 'ASCII', text], {
    encoding: 'utf8',
  });
  return drawn.stdout
    .trimEnd()
    .split('\n')
    .map((line) => line.replace(/(.)\1/g, '$1'));
}

test('the same symbol, mask included, as qrencode makes of it', {
  skip: without('qrencode', 'qrencode'),
}, () => {
  const challenges = Array.from({ length: 40 }, (_, i) => {
    const nonce = createHash('sha256').update(`${i}`).digest().subarray(0, 16);
    return makeChallenge('9fb306acefe48c5a', nonce);
  });
  const even = ['U', '0', '~', '@'].flatMap((char) => CAPACITY_BYTES.map((bytes) => char.repeat(bytes)));
  const texts = [
    ...even,
    'a',
    'cairn',
    ...challenges,
    ...CAPACITY_BYTES.map((bytes) => challenges.join('').slice(0, bytes)),
  ];
  for (const text of texts) {
    const ours = makeQr(text).map((row) => row.map((isDark) => (isDark ? '#' : ' ')).join(''));
    const theirs = byQrencode(text).map((row) => row.padEnd(ours.length));
    assert.deepEqual(ours, theirs, text);
  }
});

/** What a camera sees of a terminal: eight pixels a module, text white and ground black. */
function photographOf(lines: readonly string[], isDarkText: boolean): Buffer {
  const pixels = lines.flatMap((line) =>
    ['▀█', '▄█'].map((lit) => [...line].map((char) => lit.includes(char))),
  );
  const scale = 8;
  const [height, width] = [pixels.length * scale, pixels[0]!.length * scale];
  const image = Buffer.alloc(height * width);
  for (let i = 0; i < image.length; i++) {
    const isLit = pixels[Math.floor(i / width / scale)]![Math.floor((i % width) / scale)];
    image[i] = isLit !== isDarkText ? 255 : 0;
  }
  return Buffer.concat([Buffer.from(`P5\n${width} ${height}\n255\n`), image]);
}

test('a decoder reads what is on the terminal: each version, each mask, on both grounds', {
  skip: without('zbarimg', 'zbar-tools'),
}, (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'cairn-qr-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const texts = [CHALLENGE, ...CAPACITY_BYTES.map((bytes) => CHALLENGE.repeat(3).slice(0, bytes))];
  const wanted: string[] = [];
  const files: string[] = [];
  for (const text of texts)
    for (const mask of [undefined, 0, 1, 2, 3, 4, 5, 6, 7])
      for (const isInverted of [false, true]) {
        const file = join(folder, `${files.length.toString().padStart(4, '0')}.pgm`);
        writeFileSync(file, photographOf(drawQr(makeQr(text, mask), isInverted), isInverted));
        files.push(file);
        wanted.push(text);
      }
  const read = spawnSync('zbarimg', ['--raw', '-q', '-Sdisable', '-Sqrcode.enable', ...files], {
    encoding: 'utf8',
  });
  assert.deepEqual(read.stdout.trimEnd().split('\n'), wanted);
});
