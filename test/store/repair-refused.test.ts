import assert from 'node:assert/strict';
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { openStore, realFiles, StoreError } from '../../runtime/store/index.js';
import { heldRows, openTest, rowsOf, temporary, testDeps, testOptions } from './support.js';

const ROWS = 50;
/** More than the repairs that are tried before an empty database takes the place of a damaged one. */
const REFUSALS = 7;

test('a disk that refuses what a repair ends with costs no try: what is whole goes on once it takes it', async (t) => {
  const path = temporary(t);
  const store = await openTest(testOptions(path));
  store.append(
    rowsOf(
      't',
      Array.from({ length: ROWS }, (_, i) => i),
    ),
  );
  await store.flush();
  await store.close();
  await (await openTest(testOptions(path))).close();
  const level = join(path, 'level');
  rmSync(join(level, readdirSync(level).find((name) => name.startsWith('MANIFEST'))!));

  let refused = 0;
  const refuse = async (): Promise<never> => {
    refused += 1;
    throw Object.assign(new Error('EIO: i/o error'), { code: 'EIO' });
  };
  const files = { ...realFiles, rename: refuse };
  const options = testOptions(path, { deps: testDeps({ files }) });
  for (let i = 0; i < REFUSALS; i += 1)
    await assert.rejects(openStore(options), (error) => error instanceof StoreError && error.kind === 'io');
  assert.ok(refused >= REFUSALS);
  Object.assign(files, { rename: realFiles.rename });

  const again = await openTest(options);
  const held = await heldRows(again, ['telemetry']);
  assert.equal(held.length, ROWS, 'acknowledged rows are there');
});
