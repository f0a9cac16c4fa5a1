import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { root } from '../config/support.js';

const page = readFileSync(join(root, 'docs', 'wiring.md'), 'utf8');
const LINE = /^\| .+ \| `(.+ expected .+)` \|$/gm;

test('every line of docs/wiring.md is one that a test holds the program to', () => {
  const folder = join(root, 'test', 'wiring');
  const tests = readdirSync(folder)
    .filter((name) => name.endsWith('.test.ts') && name !== 'docs.test.ts')
    .map((name) => readFileSync(join(folder, name), 'utf8').replaceAll("\\'", "'"));
  const lines = [...page.matchAll(LINE)].map((match) => match[1]!);
  assert.ok(lines.length >= 25, `${lines.length} lines`);
  assert.deepEqual(
    lines.filter((line) => !tests.some((text) => text.includes(line))),
    [],
  );
});
