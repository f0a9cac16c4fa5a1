import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { QUANTITY_UNITS } from '../../drivers/contract/index.js';
import { root } from '../config/support.js';

/** The table of docs/wire-format.md, pairs of columns side by side: quantity to unit. A unit that is left out goes on from the row before. */
function documented(): Readonly<Record<string, string>> {
  const page = readFileSync(join(root, 'docs', 'wire-format.md'), 'utf8');
  const table = /^\| unit \| quantities \|.*\n\|[-|]+\|\n((?:\|.*\|\n)+)/m.exec(page)![1]!;
  const units: Record<string, string> = {};
  const last: string[] = [];
  for (const row of table.trim().split('\n')) {
    const cells = row
      .slice(1, -1)
      .split('|')
      .map((cell) => cell.trim());
    for (let column = 0; column < cells.length; column += 2) {
      const [said, quantities] = [cells[column]!, cells[column + 1]!];
      last[column] = said === '' ? (last[column] ?? '') : said === 'none' ? '' : said.replaceAll('`', '');
      for (const name of quantities.split(',').map((word) => word.trim())) {
        if (name !== '') units[name] = last[column]!;
      }
    }
  }
  return units;
}

test('docs/wire-format.md has every quantity, with the unit of the contract', () => {
  assert.deepEqual(documented(), { ...QUANTITY_UNITS });
});
