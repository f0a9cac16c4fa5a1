import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import fc from 'fast-check';
import { WordsError, wordsOf } from '../../../runtime/console/session/words.js';

test('words, quotes, backslashes, comments', () => {
  assert.deepEqual(wordsOf('  read \t climate  '), ['read', 'climate']);
  assert.deepEqual(wordsOf(`a 'b  "c' "d '\\"e" f\\ g ""`), ['a', 'b  "c', `d '"e`, 'f g', '']);
  assert.deepEqual(wordsOf('a#b # c "'), ['a#b']);
  assert.deepEqual(wordsOf('# only'), []);
  assert.deepEqual(wordsOf('a\\'), ['a\\'], 'nothing follows that it could quote: as dash and bash have it');
  assert.deepEqual(
    wordsOf('a $HOME *.c | b; c > d'),
    'a $HOME *.c | b; c > d'.split(' '),
    'nothing is expanded',
  );
});

test('a quote that is never closed says which and where', () => {
  assert.throws(() => wordsOf(`read "x`), new WordsError('"', 6));
  assert.throws(() => wordsOf(`it's "all`), /the ' in column 3 is never closed; nothing was run/);
  assert.throws(() => wordsOf('"a\\"'), WordsError);
});

test('sh makes the same words of the same lines', () => {
  // Nothing that a shell expands or runs. No backslash before a line's end: there is no next line to join.
  const char = fc.constantFrom(...`ab- \t'"\\#é`);
  const line = fc.string({ unit: char, maxLength: 24 }).filter((text) => !/\\$/.test(text));
  const lines = fc.sample(line, { numRuns: 3000, seed: 20 });
  const fed = lines.map((text) => {
    try {
      return { text, words: wordsOf(text) };
    } catch (error) {
      assert.ok(error instanceof WordsError);
      return { text, words: undefined };
    }
  });
  assert.ok(fed.filter(({ words }) => words).length > 1000);
  // One shell for all, and each line by an eval of its own: one that it refuses ends a subshell only.
  const script = fed.map(
    ({ text }) =>
      `(eval ${quoted(`set -- ${text}`)} 2>/dev/null && for word; do printf '%s\\0' "$word"; done); printf '\\1\\0'`,
  );
  const shell = spawnSync('sh', { input: `set --\n${script.join('\n')}\n`, encoding: 'utf8' });
  const answers = shell.stdout.split('\x01\0');
  for (const [i, { text, words }] of fed.entries()) {
    const theirs = (answers[i] ?? '').split('\0').slice(0, -1);
    assert.deepEqual(words ?? [], theirs, JSON.stringify(text));
  }
});

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
