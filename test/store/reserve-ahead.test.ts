import assert from 'node:assert/strict';
import { cpSync } from 'node:fs';
import { basename } from 'node:path';
import { test } from 'node:test';
import type { StoreDeps } from '../../runtime/store/index.js';
import { openTest, rowsOf, temporary, testDeps, testOptions } from './support.js';

test('after an unclean stop at most one alarm, and sixteen rows of a quiet stream, may have been lost', async (t) => {
  const path = temporary(t);
  const copy = `${path}-copy`;
  const store = await openTest(testOptions(path));
  for (let i = 0; i < 3; i++) {
    store.append(rowsOf('a', [i]));
    store.append(rowsOf('t', [i]));
    await store.flush();
  }
  // As a power cut leaves it: the files of this moment, nothing closed.
  await new Promise((resolve) => setTimeout(resolve, 50));
  cpSync(path, copy, { recursive: true });
  t.after(async () => (await import('node:fs/promises')).rm(copy, { recursive: true, force: true }));
  const reopened = await openTest(testOptions(copy));
  const gapOf = (stream: string) => {
    const gap = reopened.openGaps().find((one) => one.stream === stream);
    return gap?.last === undefined ? 0 : gap.last - gap.first + 1;
  };
  assert.ok(gapOf('a') <= 1, `${gapOf('a')} alarms`);
  assert.ok(gapOf('t') <= 16, `${gapOf('t')} rows`);
});

test('a burst of alarms is numbered without a hole though one is reserved ahead', async (t) => {
  const store = await openTest(testOptions(temporary(t)));
  for (let i = 0; i < 50; i++) store.append(rowsOf('a', [i]));
  await store.flush();
  const blocks = await store.read('alarm', undefined, 1000, 1 << 20);
  const covered = blocks.reduce((rows, block) => rows + block.header.count, 0);
  assert.equal(covered, 50);
  assert.equal(store.status().streams.find((stream) => stream.stream === 'a')?.next, 50);
});

test('what a killed process left of the reserve in the cache is on the disk before numbers are given by it', async (t) => {
  const path = temporary(t);
  await (await openTest(testOptions(path))).close();
  const calls: string[] = [];
  const real = testDeps();
  const deps: StoreDeps = {
    ...real,
    files: { ...real.files, sync: (what) => real.files.sync(what).finally(() => calls.push(basename(what))) },
    openLevel: async (where, options) => {
      const db = await real.openLevel(where, options);
      return { ...db, batch: (operations) => db.batch(operations).finally(() => calls.push('batch')) };
    },
  };
  await openTest(testOptions(path, { bootId: 'after', deps }));
  assert.ok(calls.includes('batch') && calls.indexOf('reserve') < calls.indexOf('batch'), calls.join());
  assert.ok(calls.includes('reserve'), calls.join());
});
