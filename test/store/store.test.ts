import assert from 'node:assert/strict';
import { test } from 'node:test';
import { native } from '../../native/index.js';
import { exportBlocks, openStore, verifyStore } from '../../runtime/store/index.js';
import { decodeMeta } from '../../wire/meta.js';
import { CHANNELS, heldRows, openTest, rowsOf, temporary, testDeps, testOptions } from './support.js';

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

test('a stream of another shape gets a new descriptor; blocks name theirs, and both are known after a reopen', async (t) => {
  const path = temporary(t);
  const store = await openTest(testOptions(path));
  store.append(rowsOf('t', [0, 1]));
  const [first, ...rest] = CHANNELS;
  const renamed = {
    name: 't',
    class: 'telemetry',
    title: 'stream t',
    channels: [{ ...first!, name: 'other' }, ...rest],
  } as const;
  store.declare(renamed);
  store.declare(renamed);
  store.append(rowsOf('t', [2]));
  await store.flush();
  await store.close();
  const again = await openStore(testOptions(path));
  const blocks = await again.read('telemetry', undefined, 10, 1e6);
  assert.deepEqual(
    blocks.map(({ header }) => [header.first, header.descriptorVersion]),
    [
      [0, 1],
      [2, 2],
    ],
  );
  assert.equal(again.descriptor?.('t', 1)?.channels[0]?.name, 'temperature');
  assert.equal(again.descriptor?.('t', 2)?.channels[0]?.name, 'other');
  assert.equal(again.descriptor?.('t', 3), undefined);
  await again.close();
});

test('every stored block leaves the store by export, with its descriptor', async (t) => {
  const path = temporary(t);
  const store = await openTest(testOptions(path));
  store.append(rowsOf('t', [0, 1]));
  await store.flush();
  await store.close();
  const rows: number[] = [];
  for await (const { bytes, descriptor, class: name } of exportBlocks(path, testDeps())) {
    if (name === 'meta') continue;
    assert.deepEqual(descriptor?.channels, CHANNELS);
    const { values } = native.decodeBlock(bytes);
    for (let i = 1; i < values.length; i += 2) rows.push(values[i]!);
  }
  assert.deepEqual(rows, [0, 1]);
  await assert.rejects(exportBlocks(temporary(t), testDeps()).next(), { kind: 'invalid' });
});

test('a late receipt for a value whose other receipts are being written is not forgotten', async (t) => {
  const path = temporary(t);
  const store = await openTest(testOptions(path));
  store.declare({ name: 'u', class: 'telemetry', title: 'u', channels: CHANNELS });
  store.append(rowsOf('u', [0]));
  await store.flush();
  store.append(rowsOf('t', [1]));
  store.append(rowsOf('u', [2]));
  await store.flush();
  const blocks = await store.read('telemetry', undefined, 10, 1e6);
  const [one, two] = blocks.filter(({ position }) => position.commit === blocks.at(-1)!.position.commit);
  store.dispose([{ position: one!.position, kind: 'receipt' }]);
  const flushed = store.flush();
  await Promise.resolve();
  store.dispose([{ position: two!.position, kind: 'receipt' }]);
  await flushed;
  await store.flush();
  await store.close();
  const left = await verifyStore(path, testDeps());
  assert.deepEqual(left.problems, []);
  assert.deepEqual(left.streams.find((stream) => stream.stream === 'u')!.settled, [[1, 2]]);
});
