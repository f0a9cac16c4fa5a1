import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Channel, Rows } from '../../drivers/contract/index.js';
import { AlarmWatch } from '../../runtime/alarm-watch.js';
import type { SamplerStream } from '../../runtime/sampler/index.js';
import type { Store, StreamStatus } from '../../runtime/store/index.js';
import type { Unkept } from '../../runtime/uplink/index.js';
import { SimClock } from '../support/sim-clock.js';

const CHANNELS: readonly Channel[] = [{ name: 'pressed', quantity: 'state', type: { kind: 'int' } }];
const STREAM: Partial<SamplerStream> = { name: 'sos', class: 'alarm', keep: true, channels: CHANNELS };

function rowsOf(value: number): Rows {
  return {
    stream: 'sos',
    timesNs: BigInt64Array.of(5n),
    values: Float64Array.of(value),
    quality: Uint8Array.of(0),
  };
}

/** A store that gives numbers and commits when it is told to. */
function watched() {
  const own = { epoch: 'e', next: 0, committed: 0 };
  const store = {
    get epoch() {
      return own.epoch;
    },
    append: () => {
      own.next += 1;
    },
    streams: () => [{ stream: 'sos', ...own } as unknown as StreamStatus],
  } as unknown as Store;
  const clock = new SimClock();
  const unkept: Omit<Unkept, 'wallNs'>[] = [];
  const watch = new AlarmWatch({ store, clock, onUnkept: (one) => unkept.push(one) });
  watch.declare(STREAM as SamplerStream);
  return { own, clock, watch, unkept };
}

test('an alarm that the disk has within three seconds is not told', async () => {
  const { own, clock, watch, unkept } = watched();
  watch.append(rowsOf(1));
  await clock.advance(2_900);
  own.committed = 1;
  await clock.advance(60_000);
  assert.equal(unkept.length, 0);
});

test('one that it has not is told once, as it was, and says when the disk has it after all', async () => {
  const { own, clock, watch, unkept } = watched();
  const rows = rowsOf(1);
  watch.append(rows);
  rows.values[0] = 9;
  await clock.advance(3_000);
  assert.deepEqual([...unkept[0]!.rows.values], [1], 'its arrays may be used again');
  assert.equal(unkept[0]!.isKept(), false);
  own.committed = 1;
  assert.equal(unkept[0]!.isKept(), true);
  await clock.advance(60_000);
  assert.equal(unkept.length, 1);
});

test('without an epoch nothing is kept, whatever the numbers say', async () => {
  const { own, clock, watch, unkept } = watched();
  own.epoch = '';
  watch.append(rowsOf(1));
  own.committed = 1;
  await clock.advance(3_000);
  assert.equal(unkept.length, 1);
});

test('rows that fit no channel are not told, and of a flood the first 64', async () => {
  const { clock, watch, unkept } = watched();
  watch.append({ ...rowsOf(1), values: Float64Array.of(1, 2) });
  for (let i = 0; i < 100; i++) watch.append(rowsOf(i));
  await clock.advance(3_000);
  assert.deepEqual(
    unkept.map(({ rows }) => rows.values[0]),
    Array.from({ length: 64 }, (_, i) => i),
  );
});

test('a stream of another class is kept, and not watched', async () => {
  const { own, clock, watch, unkept } = watched();
  watch.append({ ...rowsOf(1), stream: 'climate' });
  await clock.advance(60_000);
  assert.equal(own.next, 1);
  assert.equal(unkept.length, 0);
});

test('a stop leaves no timer', async () => {
  const { clock, watch, unkept } = watched();
  watch.append(rowsOf(1));
  watch.stop();
  await clock.advance(60_000);
  assert.equal(unkept.length, 0);
});
