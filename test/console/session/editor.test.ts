import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Completer } from '../../../runtime/console/session/complete.js';
import { Editor, type ReadOptions, type Typed } from '../../../runtime/console/session/editor.js';
import { History } from '../../../runtime/console/session/history.js';
import { KEYS_MAX } from '../../../runtime/console/session/key-queue.js';
import { Screen } from './screen.js';

const turn = () => new Promise((resolve) => setImmediate(resolve));

function open(columns = 80) {
  const screen = new Screen(columns);
  const seen = { interrupts: 0, enters: 0 };
  const editor = new Editor({
    columns,
    write: screen.write,
    freshRow: () => {
      if (screen.column > 0) screen.write('\n');
    },
    drained: async () => undefined,
    onInterrupt: () => seen.interrupts++,
    onEnter: () => seen.enters++,
  });
  const over = new AbortController();
  const read = (options: Partial<ReadOptions> = {}) =>
    editor.read({ prompt: '> ', signal: over.signal, ...options });
  const type = async (text: string | Uint8Array) => {
    editor.feed(Buffer.from(text));
    await turn();
  };
  return { editor, screen, seen, over, read, type };
}

/** Types a text and says what was read. */
async function readOf(text: string, options: Partial<ReadOptions> = {}): Promise<Typed> {
  const { read, type } = open();
  const typed = read(options);
  await type(text);
  return typed;
}

const line = (text: string): Typed => ({ kind: 'line', text });

test('keys edit: moving, deleting, words', async () => {
  assert.deepEqual(await readOf('hallo\x1b[D\x1b[D\x1b[D\x1b[D\x7fH\r'), line('Hallo'));
  assert.deepEqual(await readOf('read climate\x17imu\x01\x04\x04R\x05!\r'), line('Rad imu!'));
  assert.deepEqual(await readOf('one two  \x17three\r'), line('one three'));
  assert.deepEqual(await readOf('abc\x1b[D\x0bX\r'), line('abX'));
  assert.deepEqual(await readOf('abc\x1b[D\x15X\r'), line('Xc'));
  assert.deepEqual(await readOf('ab\x1b[H\x1b[3~\x1b[F\x1b[3~!\r'), line('b!'));
});

test('Ctrl-C at a prompt gives the line up and says so; what came before it is gone', async () => {
  const { read, type, screen, seen } = open();
  const typed = read();
  await type('wipe all');
  await type('more\x03');
  assert.deepEqual(await typed, { kind: 'interrupted' });
  assert.equal(seen.interrupts, 1);
  assert.match(screen.text, /\^C\n$/);
  const next = read();
  await type('\r');
  assert.deepEqual(await next, line(''));
});

test('Ctrl-C is heard at once while nobody reads, and takes what was typed ahead along', async () => {
  const { editor, read, seen, type } = open();
  editor.feed(Buffer.from('status\rwhy\r\x1b[12\x03'));
  assert.equal(seen.interrupts, 1);
  const typed = read();
  await type('parts\r');
  assert.deepEqual(await typed, line('parts'));
});

test('lines of a paste are read one by one, however they come', async () => {
  const { editor, read } = open();
  const file = Array.from({ length: 400 }, (_, i) => `  key${i}: value ${i}`);
  editor.feed(Buffer.from(`\x1b[200~${file.join('\r\n')}\r\n\x1b[201~`));
  for (const expected of file) assert.deepEqual(await read(), line(expected));
});

test('a line of 1,024 characters is read; of a longer one nothing is done; it rings once', async () => {
  const full = 'x'.repeat(1024);
  assert.deepEqual(await readOf(`${full}\r`), line(full));
  const { read, type, screen } = open();
  const typed = read();
  await type(`${full}yyyy\r`);
  assert.deepEqual(await typed, { kind: 'tooLong' });
  assert.equal(screen.bells, 1);
  assert.deepEqual(await readOf(`${full}y\x7fz\r`), line(`${full.slice(1)}z`), 'seen and mended');
});

test('history: up and down, the draft kept, no line twice in a row, a hundred at most', async () => {
  const history = new History();
  for (const text of ['read imu', 'status', 'status', '  ', 'why', 'why']) history.add(text);
  assert.deepEqual(await readOf('\x1b[A\x1b[A\x1b[A\r', { history }), line('read imu'));
  assert.deepEqual(await readOf('\x1b[A\x1b[A\x1b[A\x1b[A\x1b[A\r', { history }), line('read imu'));
  assert.deepEqual(await readOf('dra\x1b[A\x1b[A\x1b[B\x1b[Bft\r', { history }), line('draft'));
  for (let i = 0; i < 250; i++) history.add(`read ${i}`);
  assert.deepEqual(await readOf(`${'\x1b[A'.repeat(300)}\r`, { history }), line('read 150'));
});

test('a masked line shows no character of itself, and a prompt without history brings none back', async () => {
  const { read, type, screen } = open();
  const typed = read({ masked: true });
  await type('\x1b[Ase\x1b[Dcret');
  assert.equal(screen.row, '> ******');
  await type('\r');
  assert.deepEqual(await typed, line('screte'));
  assert.doesNotMatch(screen.text, /[scret]/);
});

test('Tab completes what is common, then lists', async () => {
  const names = ['store dead', 'store status', 'status'];
  const complete: Completer = (word) => ({ word, candidates: names.filter((name) => name.startsWith(word)) });
  const { read, type, screen } = open();
  const typed = read({ complete });
  await type('s\t');
  assert.equal(screen.row, '> st');
  await type('\t');
  assert.equal(screen.bells, 1);
  await type('\t');
  assert.equal(screen.rows.at(-2)!.join(''), 'store dead  store status  status');
  assert.equal(screen.row, '> st');
  await type('a\t!\r');
  assert.deepEqual(await typed, line('status !'));
});

test('without a completer a tab is a character', async () => {
  assert.deepEqual(await readOf('a:\tb\r'), line('a:\tb'));
});

test('Ctrl-D ends what was asked for, and at the prompt only deletes: noise must not end a session', async () => {
  assert.deepEqual(await readOf('\x04', { endsByCtrlD: true }), { kind: 'ended' });
  assert.deepEqual(await readOf('a\x01\x04\x04b\r', {}), line('b'));
});

test('a text of somebody else stands above the line, which is still there', async () => {
  const { editor, read, type, screen } = open();
  const typed = read();
  await type('stat\x1b[D');
  editor.interject('the session ends in 60 s');
  assert.deepEqual(
    screen.rows.slice(0, 2).map((row) => row.join('')),
    ['> stat', 'the session ends in 60 s'],
  );
  assert.equal(screen.row, '> stat');
  await type('e\r');
  assert.deepEqual(await typed, line('staet'));
});

test('what comes faster than it is read is dropped by whole lines, and told', async () => {
  const { editor, read, type } = open();
  const size = 64;
  const sent = Array.from({ length: 2000 }, (_, i) => `${i} `.padEnd(size - 1, 'x'));
  for (const text of sent) editor.feed(Buffer.from(`${text}\r`));
  const fits = Math.floor(KEYS_MAX / size);
  for (const text of sent.slice(0, fits)) assert.deepEqual(await read(), line(text));
  assert.equal(editor.takeLostLines(), 2000 - fits);
  const next = read();
  await type('after\r');
  assert.deepEqual(await next, line('after'));
});

test('a line that lost its end is not run: neither the piece that was read nor the one that waits', async () => {
  const { editor, read, type } = open();
  const reading = read();
  await type('wipe ');
  // In one turn of the loop, so that nobody reads meanwhile.
  editor.feed(Buffer.from('x'.repeat(KEYS_MAX + 5)));
  editor.feed(Buffer.from('tail\rstatus\r'));
  assert.deepEqual(await reading, line(''));
  assert.deepEqual(await read(), line('status'));
});

test('what was typed ahead can be forgotten, with the rest of a line that has begun', async () => {
  const { editor, read, type } = open();
  editor.feed(Buffer.from('one\rtwo\rwi'));
  editor.forgetTypeAhead();
  editor.feed(Buffer.from('pe\rparts\r'));
  const first = read();
  await type('');
  assert.deepEqual(await first, line(''));
  assert.deepEqual(await read(), line('parts'));
});

/** The simplest model of a line: a text and a place. */
class Model {
  chars: string[] = [];
  at = 0;

  press(key: string): void {
    const { chars, at } = this;
    const cut = (from: number, to: number) => {
      chars.splice(from, to - from);
      this.at = from;
    };
    if (key === '\x7f' || key === '\b') cut(Math.max(0, at - 1), at);
    else if (key === '\x04' || key === '\x1b[3~') cut(at, Math.min(chars.length, at + 1));
    else if (key === '\x15') cut(0, at);
    else if (key === '\x0b') cut(at, chars.length);
    else if (key === '\x17') cut(/(^|\S+) *$/.exec(chars.slice(0, at).map(unit).join(''))!.index, at);
    else if (key === '\x1b[D' || key === '\x02') this.at = Math.max(0, at - 1);
    else if (key === '\x1bOC' || key === '\x06') this.at = Math.min(chars.length, at + 1);
    else if (key === '\x01' || key === '\x1b[1~') this.at = 0;
    else if (key === '\x05' || key === '\x1bOF') this.at = chars.length;
    else if (!['\x1b', '\x0c'].includes(key[0]!)) {
      if (chars.length < 1024) chars.splice(this.at++, 0, key);
    }
  }
}

/** A character of two UTF-16 units counts as one. */
const unit = (char: string) => (char === ' ' ? ' ' : 'x');

const KEYS = [
  ...['\x7f', '\b', '\x04', '\x1b[3~', '\x15', '\x0b', '\x17', '\x1b[D', '\x02', '\x1bOC', '\x06'],
  ...['\x01', '\x1b[1~', '\x05', '\x1bOF', '\x0c', '\x1b[24~', '\x1b[200~'],
];

test('whatever is pressed, a dumb terminal shows the line, and the cursor where it is', async () => {
  const key = fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom(...'abc  é€x') },
    { weight: 1, arbitrary: fc.constantFrom('😀', '漢', '\u0301') },
    { weight: 4, arbitrary: fc.constantFrom(...KEYS) },
  );
  const bursts = fc.array(fc.array(key, { maxLength: 30 }), { maxLength: 30 });
  await fc.assert(
    fc.asyncProperty(bursts, fc.integer({ min: 41, max: 100 }), async (all, columns) => {
      const { read, type, screen, over } = open(columns);
      const model = new Model();
      const reading = read();
      for (const keys of all) {
        await type(keys.join(''));
        for (const pressed of keys) model.press(pressed);
        shows(screen, model, columns - 1 - 2);
      }
      over.abort();
      await reading;
    }),
    { numRuns: 300 },
  );
});

/** The row is the prompt and a piece of the line with the cursor in it: all of it, where it fits. */
function shows(screen: Screen, { chars, at }: Model, field: number): void {
  const shown = chars.map((char) => (/[ -~é€]/.test(char) ? char : '?'));
  const offset = at - (screen.column - 2);
  assert.ok(offset >= 0 && offset <= at, `the cursor in column ${screen.column}, the place ${at}`);
  if (chars.length <= field) assert.equal(offset, 0);
  const expected = `> ${shown.slice(offset, offset + field).join('')}`;
  assert.equal(screen.row, expected.trimEnd());
}

test('a key costs what it changes: one character at the end, a jump of half a row at the edge', async () => {
  const { read, type, screen } = open();
  void read();
  await type('x'.repeat(30));
  let before = screen.text.length;
  await type('y');
  assert.equal(screen.text.length - before, 1);
  before = screen.text.length;
  await type('\x7f');
  assert.equal(screen.text.length - before, 3, 'back, a blank, back');
  before = screen.text.length;
  await type('z');
  for (let i = 0; i < 500; i++) await type(String.fromCharCode(97 + (i % 26)));
  const each = (screen.text.length - before) / 500;
  assert.ok(each < 6, `${each} characters for each typed past the row's end`);
});
