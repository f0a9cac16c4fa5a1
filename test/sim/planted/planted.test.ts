import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stalePlants } from '../run/planted.js';
import { PLANTS } from './index.js';

test('every bug that is to be planted has its place in the compiled product, exactly once', () => {
  assert.ok(PLANTS.length >= 20);
  assert.deepEqual(
    stalePlants().map(({ title, file }) => `${title}: ${file}`),
    [],
  );
});
