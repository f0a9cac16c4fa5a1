import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NotHeldError } from '../../../fleet/ingest/index.js';
import { statusTopic } from '../../../wire/index.js';
import { until } from '../../support/until.js';
import type { FakeStore } from './fake-store.js';
import { block, NODE } from './messages.js';
import { HELD, rig } from './rig.js';

const alarm = (first: number) => block(first, [1], 'sos', NODE, 'alarm');
const placeOf = (store: FakeStore, stream: string) =>
  [...store.held.keys()].findIndex((key) => key.includes(`/${stream}/`));

test('an alarm goes before the backlog of all others, and has room where they have none', async () => {
  const { store, ingest, take } = await rig();
  let open: () => void = () => undefined;
  store.gate = new Promise((resolve) => {
    open = resolve;
  });
  const taking = Array.from({ length: 5_000 }, (_, i) => take(block(i, [i])));
  const same = block(1, [1]);
  const rest = Promise.allSettled(Array.from({ length: 30_000 }, () => take(same)));
  await assert.rejects(take(same), NotHeldError);
  const told = take(alarm(0));
  open();
  assert.deepEqual(await told, HELD);
  assert.ok(placeOf(store, 'sos') <= 2_048, `${placeOf(store, 'sos')} blocks were before it`);
  await Promise.all([...taking, rest]);
  await ingest.close();
});

test('what waits is bounded by what it is decoded: a short block may be 2 MB', async () => {
  const { store, ingest } = await rig();
  let open: () => void = () => undefined;
  store.gate = new Promise((resolve) => {
    open = resolve;
  });
  const { topic, payload } = block(0, new Array<number>(4096).fill(0));
  const taking = Array.from({ length: 3_000 }, () =>
    ingest.take(topic, payload).catch((error: Error) => error),
  );
  open();
  const outcomes = await Promise.all(taking);
  const held = outcomes.filter((one) => !(one instanceof Error)).length;
  // 8 bytes of a value and 8 of a time a row, 1 of its quality: 69,632 bytes each, of 128 MiB.
  assert.ok(held > 1_000 && held < 2_000, `${held} of ${payload.length} bytes each`);
  await ingest.close();
});

test('after an outage alarms are the first that the store is given', async () => {
  const { store, ingest, take, spool } = await rig({ maxBytes: 1 << 22 });
  store.fails = 'down';
  await Promise.all(Array.from({ length: 4_000 }, (_, i) => take(block(i, [i]))));
  assert.deepEqual(await take(alarm(0)), HELD);
  store.fails = undefined;
  await until('the alarm is in the store', () => placeOf(store, 'sos') >= 0);
  assert.ok(placeOf(store, 'sos') <= 1_024, `${placeOf(store, 'sos')} blocks were before it`);
  await until('the rest too', () => spool.isEmpty);
  assert.equal(store.held.size, 4_001);
  await ingest.close();
});

test('nodes that say their statuses without end keep nobody from being taken', async () => {
  const { store, ingest, take } = await rig();
  const other = 'ffffffffffffffff';
  const say = (node: string) => take({ topic: statusTopic(node), payload: Buffer.from('{}') });
  let isFlooding = true;
  store.heard = async (node) => {
    await new Promise((resolve) => setImmediate(resolve));
    if (isFlooding) void say(node === NODE ? other : NODE);
  };
  await Promise.all([say(NODE), say(other)]);
  await new Promise((resolve) => setTimeout(resolve, 100));
  const isHeld = await Promise.race([
    take(block(0, [0])).then(() => true),
    new Promise((resolve) => setTimeout(resolve, 2_000, false)),
  ]);
  isFlooding = false;
  assert.ok(isHeld, 'a block waits behind statuses');
  await ingest.close();
});
