import assert from 'node:assert/strict';
import { test } from 'node:test';
import { realFiles, type Store } from '../../runtime/store/index.js';
import { allGaps, heldRows, openTest, rowsOf, temporary, testOptions } from './support.js';

const SIZE = 8 * 1024 * 1024;

/** Rows that don't compress: about `rows` × 16 bytes. */
function noise(stream: string, rows: number) {
  const noisy = rowsOf(
    stream,
    Array.from({ length: rows }, () => Math.floor(Math.random() * 2 ** 50)),
  );
  for (let i = 0; i < rows; i += 1) noisy.values[2 * i] = Math.floor(Math.random() * 2 ** 40) / 100;
  return noisy;
}

async function largest(
  path: string,
  store: Store,
  rounds: number,
  round: (i: number) => Promise<void>,
): Promise<number> {
  let most = 0;
  for (let i = 0; i < rounds; i += 1) {
    await round(i);
    await store.flush();
    most = Math.max(most, await realFiles.sizeBytes(path));
  }
  return most;
}

test('the directory stays within its size while three times as much flows through, drained or not', async (t) => {
  for (const drained of [false, true]) {
    const path = temporary(t);
    const store = await openTest(testOptions(path, { sizeBytes: SIZE }));
    const most = await largest(path, store, 190, async () => {
      store.append(noise('t', 4000));
      store.append(noise('l', 4000));
      if (!drained) return;
      for (const name of ['telemetry', 'log'] as const) {
        const blocks = await store.read(name, undefined, 1000, 1e6);
        store.dispose(blocks.map(({ position }) => ({ position, kind: 'receipt' })));
      }
    });
    const { bytesWritten, classes } = store.status();
    const live = classes.reduce((sum, one) => sum + one.bytes, 0);
    t.diagnostic(
      `${drained ? 'drained' : 'full'}: at most ${most} of ${SIZE} bytes; written ${bytesWritten}; live ${live}`,
    );
    assert.ok(bytesWritten > 3 * SIZE, `${bytesWritten} written`);
    assert.ok(most <= SIZE, `${most} bytes on the disk, declared are ${SIZE}`);
    if (!drained) assert.ok(live > 0.25 * SIZE, `only ${live} bytes are used`);
    await store.close();
  }
});

test('a store over its size loses the oldest of the lowest class above its share, with merged gaps, and no alarm', async (t) => {
  const store = await openTest(testOptions(temporary(t), { sizeBytes: 1024 * 1024 }));
  store.append(rowsOf('a', [1, 2, 3]));
  await store.flush();
  for (let i = 0; i < 100; i += 1) {
    store.append(noise('t', 300));
    store.append(noise('l', 300));
    await store.flush();
  }
  const held = await heldRows(store);
  const gaps = store.openGaps();
  assert.deepEqual(
    gaps
      .map(({ stream, first, cause }) => ({ stream, first, cause }))
      .toSorted((a, b) => (a.stream < b.stream ? -1 : 1)),
    [
      { stream: 'l', first: 0, cause: 'quota' },
      { stream: 't', first: 0, cause: 'quota' },
    ],
  );
  assert.deepEqual((await allGaps(store)).length, 2, 'a long outage costs one gap a stream');
  for (const name of ['t', 'l']) {
    const first = held.find((row) => row.stream === name)!.sequence;
    assert.equal(
      gaps.find((gap) => gap.stream === name)!.last,
      first - 1,
      `${name}: the gap ends where rows begin`,
    );
  }
  assert.deepEqual(
    held.filter((row) => row.stream === 'a').map((row) => row.count),
    [1, 2, 3],
  );
  const bytes = new Map(store.status().classes.map((one) => [one.class, one.bytes]));
  assert.ok(bytes.get('log')! < bytes.get('telemetry')!, 'log has the smaller share');
  await store.publishGaps();
  const told = (await allGaps(store)).filter((gap) => gap.stream === 't');
  assert.ok(
    store.openGaps().every((gap) => gap.first > 0),
    'what the meta stream tells is out of the ledger',
  );
  assert.equal(told.find((gap) => gap.first === 0)?.last, gaps.find((gap) => gap.stream === 't')!.last);
  await store.close();
});
