import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { packageRoot } from '../../../runtime/package.js';
import { stalePlants } from '../run/planted.js';
import { PLANTS } from './index.js';

test('every bug that is to be planted has its place in the compiled product, exactly once', () => {
  assert.ok(PLANTS.length >= 20);
  assert.deepEqual(
    stalePlants().map(({ title, file }) => `${title}: ${file}`),
    [],
  );
});

test('docs/simulation.md lists the bugs that are planted, each with its file, and no others', () => {
  const page = readFileSync(join(packageRoot(), 'docs', 'simulation.md'), 'utf8');
  const listed = page.slice(page.indexOf('## Planted bugs')).match(/^\| (?!bug|---).*$/gm);
  const planted = PLANTS.map(({ title, file }) => `| ${title} | \`${file.replace('.js', '.ts')}\` |`);
  assert.deepEqual([...(listed ?? [])].sort(), planted.sort());
});
