import assert from 'node:assert/strict';
import { test } from 'node:test';
import { provenBy } from '../../runtime/proven.js';
import type { StoreCommit } from '../../runtime/store/index.js';

test('a receipt proves a run only if it is of a reading that was committed in it', () => {
  let commit: ((commit: StoreCommit) => void) | undefined;
  const store = {
    onCommit: (listener: (commit: StoreCommit) => void) => {
      commit = listener;
      return () => {
        commit = undefined;
      };
    },
  };
  let lastReadingCommit: number | undefined;
  const isProven = provenBy(store, { status: () => ({ lastReadingCommit }) });
  const proven = (last: number | undefined) => {
    lastReadingCommit = last;
    return isProven();
  };
  assert.deepEqual([proven(undefined), proven(41)], [false, false], 'nothing is committed yet');
  commit!({ rows: 0, classes: [] });
  assert.ok(commit, 'a commit of receipts alone has no blocks');
  commit({ rows: 1, classes: ['telemetry'], firsts: [{ class: 'telemetry', commit: 42, index: 0 }] });
  assert.equal(commit, undefined);
  assert.deepEqual([proven(undefined), proven(41), proven(42), proven(43)], [false, false, true, true]);
  assert.equal(provenBy(store, undefined)(), false);
});
