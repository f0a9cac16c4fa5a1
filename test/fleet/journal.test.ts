import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Journal } from '../../fleet/receive/journal.js';
import type { Fact } from '../../fleet/receive/ledger.js';

const fact = (first: number): Fact => {
  return { fact: 'received', node: 'n', epoch: 'e', stream: 's', first, last: first };
};

test('what was appended is there after any end; a torn last line is not', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'cairn-journal-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, 'ledger.jsonl');
  const first = new Journal(path);
  assert.deepEqual(await first.open(), []);
  await first.append([fact(0), fact(1)]);
  appendFileSync(path, '{"fact":"received","node":"n","ep');
  const second = new Journal(path);
  assert.deepEqual(await second.open(), [fact(0), fact(1)]);
  await second.append([fact(2)]);
  await second.rewrite([fact(7)]);
  await second.append([fact(8)]);
  await second.close();
  await first.close();
  assert.equal(readFileSync(path, 'utf8').split('\n').length, 3);
  const third = new Journal(path);
  assert.deepEqual(await third.open(), [fact(7), fact(8)]);
  await third.close();
});

test('a file that is no ledger is refused by line, and left as it is', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'cairn-journal-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, 'shopping.txt');
  writeFileSync(path, 'milk\nbread\n');
  await assert.rejects(new Journal(path).open(), /shopping.txt:1: not a line of a ledger/);
  assert.equal(readFileSync(path, 'utf8'), 'milk\nbread\n');
});
