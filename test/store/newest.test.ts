import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openTest, rowsOf, temporary, testOptions } from './support.js';

test('a class is read from its newest commit down, page by page, without what was freed', async (t) => {
  const store = await openTest(testOptions(temporary(t), { commitIntervalMs: 60_000 }));
  store.declare({
    name: 'u',
    class: 'telemetry',
    title: 'another',
    channels: [{ name: 'n', quantity: 'count', type: { kind: 'int' } }],
  });
  const commits = 7;
  for (let i = 0; i < commits; i++) {
    store.append(rowsOf('t', [i]));
    store.append({
      stream: 'u',
      timesNs: BigInt64Array.of(1n),
      values: Float64Array.of(i),
      quality: Uint8Array.of(0),
    });
    await store.flush();
  }
  const [, oldest] = await store.read('telemetry', undefined, 2, 1e6);
  store.dispose([{ position: oldest!.position, kind: 'receipt' }]);
  const seen: string[] = [];
  for (let after: (typeof oldest & object)['position'] | undefined; ; ) {
    const page = await store.read('telemetry', after, 3, 1e6, 'newest');
    if (page.length === 0) break;
    seen.push(...page.map(({ header }) => `${header.stream}${header.first}`));
    after = page.at(-1)!.position;
  }
  const wanted = Array.from({ length: commits }, (_, i) => [
    `t${commits - 1 - i}`,
    `u${commits - 1 - i}`,
  ]).flat();
  assert.deepEqual(seen, wanted.slice(0, -1));
});
