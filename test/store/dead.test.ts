import assert from 'node:assert/strict';
import { test } from 'node:test';
import { native } from '../../native/index.js';
import { deadLetterTexts, openStore, readDeadLetters, verifyStore } from '../../runtime/store/index.js';
import { allGaps, heldRows, openTest, rowsOf, temporary, testDeps, testOptions } from './support.js';

test('FAULTS 38: a block that nobody takes and a row that no block holds are kept with their reason and block nothing', async (t) => {
  const path = temporary(t);
  const store = await openTest(testOptions(path));
  store.append(rowsOf('t', [0, 1, 2]));
  await store.flush();
  const rows = rowsOf('t', [3, 4]);
  rows.values[1] = 0.5; // `count` is a whole number
  store.append(rows);
  await store.flush();
  const [poison] = await store.read('telemetry', undefined, 1, 1e6);
  store.dispose([{ position: poison!.position, kind: 'rejected', reason: 'payload format invalid (0x99)' }]);
  await store.flush();
  assert.deepEqual(
    (await heldRows(store)).map(({ count }) => count),
    [4],
    'the head of the line is free',
  );
  const gaps = (await allGaps(store)).map(({ first, last, cause }) => ({ first, last, cause }));
  assert.deepEqual(gaps, [{ first: 0, last: 3, cause: 'rejected' }]);
  await store.close();

  const letters = await readDeadLetters(path, testDeps());
  assert.deepEqual(
    letters.map(({ stream, first, count, kind }) => ({ stream, first, count, kind })),
    [
      { stream: 't', first: 3, count: 1, kind: 'rows' },
      { stream: 't', first: 0, count: 3, kind: 'block' },
    ],
  );
  assert.equal(letters[1]!.reason, 'payload format invalid (0x99)');
  assert.deepEqual([...native.decodeBlock(letters[1]!.content).values], [0, 0, 0.01, 1, 0.02, 2]);
  const row = JSON.parse(new TextDecoder().decode(letters[0]!.content)) as { values: number[] };
  assert.deepEqual(row.values, [0.03, 0.5]);
  assert.deepEqual((await verifyStore(path, testDeps())).problems, []);
  const again = await openStore(testOptions(path));
  assert.deepEqual(deadLetterTexts(again.deadLetters!()), deadLetterTexts(letters));
  await again.close();
});

test('dead letters keep to their share of the size: the oldest go, their gap stays', async (t) => {
  const sizeBytes = 1024 * 1024;
  const store = await openTest(testOptions(temporary(t), { sizeBytes }));
  for (let i = 0; i < 40; i += 1) {
    store.append(
      rowsOf(
        't',
        Array.from({ length: 100 }, () => Math.floor(Math.random() * 2 ** 50)),
      ),
    );
    await store.flush();
    const blocks = await store.read('telemetry', undefined, 10, 1e6);
    store.dispose(blocks.map(({ position }) => ({ position, kind: 'rejected', reason: 'no' })));
    await store.flush();
  }
  const letters = store.deadLetters!();
  const bytes = letters.reduce((sum, { content }) => sum + content.length, 0);
  t.diagnostic(`${letters.length} of 40 letters, ${bytes} of ${sizeBytes / 64} bytes`);
  assert.ok(bytes <= sizeBytes / 64 && letters.length > 2);
  assert.equal(letters.at(-1)!.first, 3900, 'the newest are kept');
  const [gap] = await allGaps(store);
  assert.deepEqual([gap!.first, gap!.last, gap!.cause], [0, 3999, 'rejected']);
});
