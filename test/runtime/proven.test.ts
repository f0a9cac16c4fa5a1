import assert from 'node:assert/strict';
import { test } from 'node:test';
import { provenBy } from '../../runtime/proven.js';
import type { StoreCommit } from '../../runtime/store/index.js';
import type { ReceivedBlock } from '../../runtime/uplink/index.js';

/** A run whose first commit of rows is 42; `received`: whether that receipt proves it. */
function run() {
  let commit: ((commit: StoreCommit) => void) | undefined;
  let onReceived: ((blocks: readonly ReceivedBlock[]) => void) | undefined;
  const store = {
    onCommit: (listener: (commit: StoreCommit) => void) => {
      commit = listener;
      return () => {
        commit = undefined;
      };
    },
  };
  const uplink = {
    onReceived: (listener: (blocks: readonly ReceivedBlock[]) => void) => {
      onReceived = listener;
      return () => {
        onReceived = undefined;
      };
    },
  };
  const isProven = provenBy(store, uplink);
  const received = (stream: string, of: ReceivedBlock['position']['class'], commit: number) => {
    onReceived?.([{ stream, first: 0, count: 1, position: { class: of, commit, index: 0 } }]);
    return isProven();
  };
  const begin = () => {
    commit!({ rows: 0, classes: [] });
    assert.ok(commit, 'a commit of receipts alone has no blocks');
    commit({ rows: 1, classes: ['telemetry'], firsts: [{ class: 'telemetry', commit: 42, index: 0 }] });
    assert.equal(commit, undefined);
  };
  return { received, begin, isListening: () => onReceived !== undefined };
}

test('a receipt proves a run only if it is of a reading that was committed in it', () => {
  const { received, begin, isListening } = run();
  assert.equal(received('climate', 'telemetry', 41), false, 'nothing is committed yet');
  begin();
  assert.equal(received('climate', 'telemetry', 41), false, 'of the run before');
  assert.equal(received('climate', 'telemetry', 42), true);
  assert.equal(isListening(), false);
});

test('what no part gave proves no part: logs, meta rows, what a person did', () => {
  const { received, begin } = run();
  begin();
  assert.equal(received('log', 'log', 43), false);
  assert.equal(received('meta', 'meta', 43), false);
  assert.equal(received('events', 'event', 43), false);
  assert.equal(received('tags', 'event', 43), true);
  assert.equal(provenBy({ onCommit: () => () => undefined }, undefined)(), false);
});
