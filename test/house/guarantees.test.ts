import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { root } from './imports.js';

/** Rows of the list of faults that this page answers for: storing and sending. Buses and watchdogs are the rig's. */
const ROWS = [...range(1, 13), ...range(23, 38), 42, 48];
const page = readFileSync(join(root, 'docs/guarantees.md'), 'utf8');
/** `| 5 | disk full … | what holds | figure | file, file |` */
const rows = page
  .split('\n')
  .map((line) => /^\| (\d+) \|(?:[^|]*\|){3}([^|]*)\|$/.exec(line))
  .filter((found) => found !== null)
  .map(([, number, files]) => ({ number: Number(number), files: filesOf(files!) }));
/** Titles that name a fault, by file. */
const titled = new Map<string, Set<number>>(
  (readdirSync(join(root, 'test'), { recursive: true, encoding: 'utf8' }) as string[])
    .filter((name) => name.endsWith('.ts') && !name.startsWith('house/'))
    .map((name) => [`test/${name}`, faultsIn(readFileSync(join(root, 'test', name), 'utf8'))] as const)
    .filter(([, faults]) => faults.size > 0),
);

test('the page of guarantees has each fault of storing and sending once', () => {
  assert.deepEqual(
    rows.map(({ number }) => number),
    ROWS,
  );
});

test('each of its faults is shown by a test that is titled by it, in a file that it names', () => {
  const wrong = rows.flatMap(({ number, files }) => {
    if (files.length === 0) return [`${number}: names no test`];
    return files
      .filter((file) => !existsSync(join(root, file)) || !titled.get(file)?.has(number))
      .map((file) => `${number}: ${file} has no test titled 'FAULTS ${number}: …'`);
  });
  assert.deepEqual(wrong, []);
});

test('no test is titled by a fault that the page leaves out', () => {
  const known = new Map(rows.map(({ number, files }) => [number, files]));
  const unnamed = [...titled].flatMap(([file, faults]) =>
    [...faults]
      .filter((number) => ROWS.includes(number) && !known.get(number)?.includes(file))
      .map((number) => `${number}: ${file}`),
  );
  assert.deepEqual(unnamed, []);
});

function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, i) => first + i);
}

function filesOf(cell: string): string[] {
  return [...cell.matchAll(/`([^`]+\.ts)`/g)].map(([, file]) => `test/${file}`);
}

/** `FAULTS 5: …`, `FAULTS 5 and 6: …`, `FAULTS 1 to 3: …` at the beginning of a title. */
function faultsIn(text: string): Set<number> {
  const faults = new Set<number>();
  for (const [, said] of text.matchAll(/['"`]FAULTS ([\d, and to]+):/g)) {
    const numbers = [...said!.matchAll(/\d+/g)].map(([number]) => Number(number));
    const all = said!.includes('to') ? range(numbers[0]!, numbers.at(-1)!) : numbers;
    for (const number of all) faults.add(number);
  }
  return faults;
}
