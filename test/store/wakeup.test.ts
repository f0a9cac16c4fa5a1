import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { openTest, rowsOf, temporary, testOptions } from './support.js';

const MICROTASKS = 12;
const GROUP_MS = 3_600_000;

/** Committing ends some microtasks after its last look at what is wanted: who asks in between must not wait for the next group. */
test('a flush that is asked for just as a commit ends comes to its end as well', {
  timeout: 200_000,
}, async (t) => {
  const store = await openTest(
    testOptions(join(temporary(t), 'store'), { commitIntervalMs: GROUP_MS, reserveAheadMs: GROUP_MS }),
  );
  for (let microtasks = 0; microtasks < MICROTASKS; microtasks++) {
    store.append(rowsOf('t', [2 * microtasks]));
    await store.flush();
    for (let i = 0; i < microtasks; i++) await undefined;
    store.append(rowsOf('t', [2 * microtasks + 1]));
    await store.flush();
  }
  assert.equal(store.status().pendingRows, 0);
});
