import assert from 'node:assert/strict';
import { test } from 'node:test';
import { allGaps, heldRows, openTest, rowsOf, temporary, testOptions } from './support.js';

test('a block that was thinned becomes a gap that says so, and is gone', async (t) => {
  const store = await openTest(testOptions(temporary(t)));
  for (let i = 0; i < 3; i++) {
    store.append(rowsOf('t', [2 * i, 2 * i + 1]));
    await store.flush();
  }
  const [, second] = await store.read('telemetry', undefined, 3, 1e6);
  store.dispose([{ position: second!.position, kind: 'thinned' }]);
  await store.flush();
  const gap = { epoch: store.epoch, stream: 't', first: 2, last: 3, cause: 'thinned', atMost: false };
  assert.deepEqual(await allGaps(store), [gap]);
  const held = await heldRows(store, ['telemetry']);
  assert.deepEqual(
    held.map((one) => one.sequence),
    [0, 1, 4, 5],
  );
});
