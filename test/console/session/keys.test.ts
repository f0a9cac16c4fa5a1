import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Key, KeyDecoder } from '../../../runtime/console/session/keys.js';

function keysOf(...chunks: readonly (string | Uint8Array)[]): readonly Key[] {
  const keys: Key[] = [];
  const decoder = new KeyDecoder((key) => keys.push(key));
  for (const chunk of chunks) decoder.decode(Buffer.from(chunk));
  return keys;
}

const namesOf = (...chunks: readonly (string | Uint8Array)[]) =>
  keysOf(...chunks)
    .map((key) => (key.name === 'text' ? key.char : `<${key.name}>`))
    .join('');

test('text is text, in UTF-8 of every length', () => {
  assert.equal(namesOf('aé€😀~'), 'aé€😀~');
  assert.equal(namesOf('\u00ad\u200b\u202e\ufeff\u0085'), '', 'what nobody sees is no text');
});

test('keys as xterm, a VT220, rxvt, screen and the Linux console send them', () => {
  // infocmp -1 xterm vt220 rxvt screen linux: kcuu1, kcud1, kcuf1, kcub1, khome, kend, kdch1.
  assert.equal(
    namesOf('\x1b[A\x1b[B\x1b[C\x1b[D\x1bOA\x1bOB\x1bOC\x1bOD'),
    '<up><down><right><left>'.repeat(2),
  );
  assert.equal(namesOf('\x1b[H\x1bOH\x1b[1~\x1b[7~'), '<home>'.repeat(4));
  assert.equal(namesOf('\x1b[F\x1bOF\x1b[4~\x1b[8~'), '<end>'.repeat(4));
  assert.equal(namesOf('\x1b[3~\x7f\b'), '<delete><backspace><backspace>');
  assert.equal(namesOf('\x1b[1;5C\x1b[3;5~'), '<right><delete>', 'with Ctrl');
});

test('unknown sequences are dropped whole: function keys, reports, marks of a paste', () => {
  assert.equal(namesOf('a\x1b[[Ab\x1bOPc\x1b[24~d\x1b[200~e\x1b[201~f\x1b[?1;2cg\x1bxh'), 'abcdefgh');
  assert.equal(namesOf(`\x1b[${'1;'.repeat(5000)}Zx`), 'x', 'however long');
});

test('Enter by CR, LF or both is one; Ctrl-C and Enter are heard inside of any sequence', () => {
  assert.equal(namesOf('a\r\nb\nc\rd\r', '\ne\r\r'), 'a<enter>b<enter>c<enter>d<enter>e<enter><enter>');
  for (const begun of ['\x1b', '\x1b[', '\x1b[12;', '\x1bO', '\xc3', '\xf0\x9f'])
    assert.equal(namesOf(Buffer.from(`${begun}\x03a\x1b[\rb`, 'latin1')), '<interrupt>a<enter>b');
  assert.equal(
    namesOf(Buffer.from('c303a9', 'hex')),
    '<interrupt>',
    'nor is a character put together around one',
  );
});

test('what is no UTF-8 is dropped, and nothing beside it', () => {
  // RFC 3629 §3 and §10: stray continuation, overlong forms, a surrogate, past U+10FFFF, a character cut short.
  for (const bad of ['80', 'c0af', 'e080af', 'eda080', 'f4908080', 'f8888080', 'ff', 'e282', 'c3'])
    assert.equal(namesOf('a', Buffer.from(bad, 'hex'), 'b'), 'ab', bad);
});

test('a break (NUL) and flow control characters are nothing', () => {
  assert.equal(namesOf('a\0b\x11c\x13d\x1e'), 'abcd');
});

test('the same keys come of the same bytes, however they are cut', () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 40 }),
    fc.constantFrom('\x1b[1;5C', '\x1bOH', '\r\n', 'é€😀', '\x1b[[A').map((text) => Buffer.from(text)),
  );
  fc.assert(
    fc.property(fc.array(bytes, { maxLength: 8 }), fc.integer({ min: 1, max: 7 }), (parts, size) => {
      const whole = Buffer.concat(parts);
      const cut = Array.from({ length: Math.ceil(whole.length / size) }, (_, i) =>
        whole.subarray(i * size, (i + 1) * size),
      );
      assert.deepEqual(keysOf(...cut), keysOf(whole));
    }),
  );
});

/** All but surrogates. */
const codePoint = fc.oneof(fc.integer({ min: 0, max: 0xd7ff }), fc.integer({ min: 0xe000, max: 0x10ffff }));

test('of valid UTF-8 the characters are those that Node decodes', () => {
  fc.assert(
    fc.property(fc.array(codePoint, { maxLength: 50 }), (points) => {
      const valid = String.fromCodePoint(...points).replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, '');
      assert.equal(namesOf(Buffer.from(valid)), valid);
    }),
  );
});
