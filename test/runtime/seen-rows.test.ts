import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Channel, Rows } from '../../drivers/contract/index.js';
import type { SamplerStream } from '../../runtime/sampler/index.js';
import { SeenRows } from '../../runtime/seen-rows.js';
import { Tap } from '../../runtime/tap.js';

const CHANNELS: readonly Channel[] = [
  { name: 'temperature', quantity: 'temperature', type: { kind: 'decimal', scale: 1 } },
  { name: 'humidity', quantity: 'percent', type: { kind: 'decimal', scale: 1 } },
];
const STREAM = { name: 'climate', partId: 'climate', channels: CHANNELS } as unknown as SamplerStream;
const GOOD = 0;
const FAULT = 3;

function rows(timeNs: bigint, values: readonly number[], quality: readonly number[]): Rows {
  return {
    stream: 'climate',
    timesNs: BigInt64Array.of(timeNs),
    values: Float64Array.from(values),
    quality: Uint8Array.from(quality),
  };
}

test('the newest row of a stream, and when each channel was last known', () => {
  const seen = new SeenRows();
  seen.declare(STREAM);
  const first = rows(5n, [21.5, 40], [GOOD, GOOD]);
  seen.take(first);
  first.values[0] = 99;
  seen.take(rows(9n, [Number.NaN, 41], [FAULT, GOOD]));
  const [latest] = seen.latest();
  assert.equal(latest!.timeNs, 9n);
  assert.deepEqual(latest!.goodNs, { temperature: 5n, humidity: 9n });
  assert.deepEqual(
    latest!.cells.map(({ channel, value, quality }) => [channel, value, quality]),
    [
      ['temperature', null, 'fault'],
      ['humidity', 41, 'good'],
    ],
  );
  seen.take({ ...rows(10n, [1, 2], [0, 0]), stream: 'unknown' });
  assert.equal(seen.latest().length, 1);
});

test('whoever follows gets what they want, as it comes', async () => {
  const seen = new SeenRows();
  seen.declare(STREAM);
  seen.take(rows(1n, [1, 1], [GOOD, GOOD]));
  const mine = seen.follow(({ partId }) => partId === 'climate');
  const others = seen.follow(({ partId }) => partId === 'gps');
  const waiting = others.next();
  seen.take(rows(2n, [2, 2], [GOOD, GOOD]));
  const { value } = await mine.next();
  assert.ok('item' in value && value.item.timeNs === 2n, 'nothing of before');
  await others.return?.();
  assert.equal((await waiting).done, true, 'one that waits can be ended');
  await mine.return?.();
});

test('a slow listener loses the oldest and is told how many; one that is gone costs nothing', async () => {
  const tap = new Tap<number>(3);
  const listener = tap.follow();
  for (let i = 0; i < 10; i++) tap.push(i);
  assert.deepEqual((await listener.next()).value, { left: 7 });
  assert.deepEqual((await listener.next()).value, { item: 7 });
  assert.ok(tap.isHeard);
  await listener.return?.();
  assert.equal(tap.isHeard, false);
  assert.equal((await listener.next()).done, true);
});
