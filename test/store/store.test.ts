import assert from 'node:assert/strict';
import { test } from 'node:test';
import { native } from '../../native/index.js';
import { decodeMeta } from '../../wire/meta.js';
import { heldRows, openTest, rowsOf, temporary, testOptions } from './support.js';

test('rows are committed, read, freed and still there after a reopen', async (t) => {
  const path = temporary(t);
  const store = await openTest(testOptions(path));
  store.append(rowsOf('t', [0, 1, 2]));
  store.append(rowsOf('t', [3]));
  store.append(rowsOf('a', [100]));
  await store.flush();
  const held = await heldRows(store);
  assert.deepEqual(
    held.filter((row) => row.stream === 't').map((row) => [row.sequence, row.count]),
    [
      [0, 0],
      [1, 1],
      [2, 2],
      [3, 3],
    ],
  );
  assert.deepEqual(
    held.filter((row) => row.stream === 'a').map((row) => [row.sequence, row.count]),
    [[0, 100]],
  );
  await store.close();

  const again = await openTest(testOptions(path));
  assert.equal(again.epoch, store.epoch);
  assert.deepEqual(await heldRows(again), held);
  assert.deepEqual(again.openGaps(), [], 'a clean stop leaves no gap');
  again.append(rowsOf('t', [4]));
  await again.flush();
  const later = await heldRows(again, ['telemetry']);
  assert.deepEqual(later.at(-1), { epoch: store.epoch, stream: 't', sequence: 4, count: 4 });

  const [block] = await again.read('telemetry', undefined, 1, 1e6);
  again.dispose([{ position: block!.position, kind: 'receipt' }]);
  assert.equal((await heldRows(again, ['telemetry']))[0]!.sequence, block!.header.count);
  await again.close();
  const last = await openTest(testOptions(path));
  assert.equal((await heldRows(last, ['telemetry']))[0]!.sequence, block!.header.count, 'a receipt survives');
  await last.close();
});

test('the meta stream carries the boot and the descriptors', async (t) => {
  const store = await openTest(testOptions(temporary(t)));
  await store.flush();
  const kinds: string[] = [];
  for (const { bytes } of await store.read('meta', undefined, 100, 1e6)) {
    for (const text of native.decodeBlock(bytes).texts ?? []) kinds.push(decodeMeta(text as Uint8Array).kind);
  }
  assert.deepEqual(kinds, ['boot', 'descriptor', 'descriptor', 'descriptor', 'descriptor']);
  await store.close();
});
