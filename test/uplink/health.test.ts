import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { UplinkConfig } from '../../runtime/config/types.js';
import type { StatusHealth } from '../../runtime/uplink/index.js';
import { alarm, rig, telemetry, topics } from './rig.js';

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
/** Within the deadline of an answer. */
const ANSWER_MS = 3_000;
/** After a connect. */
const SETTLE_MS = 15_000;

/** An uplink of a node whose health the test says. */
function telling(config: Partial<UplinkConfig> = {}, first: StatusHealth = { parts: { climate: 'ok' } }) {
  const node = { health: first };
  return { node, ...rig(config, { health: async () => node.health }) };
}

type Rig = ReturnType<typeof telling>;

/** What the statuses among those that are sent say of how the node is; all are answered. */
function told({ port }: Pick<Rig, 'port'>): (StatusHealth | undefined)[] {
  return port
    .answerAll()
    .filter(({ topic }) => topic.endsWith('/status'))
    .map(({ payload }) => JSON.parse(Buffer.from(payload).toString()).health);
}

/** So many minutes of it, told minute by minute. */
async function minutes(all: Rig, count: number, each: (minute: number) => void = () => undefined) {
  const said: (StatusHealth | undefined)[] = [];
  for (let minute = 0; minute < count; minute++) {
    each(minute);
    for (let passedMs = 0; passedMs < MINUTE_MS; passedMs += ANSWER_MS) {
      await all.clock.advance(ANSWER_MS);
      said.push(...told(all));
    }
  }
  return said;
}

test('the birth says nothing of it, so that nothing waits for it; a retained status that does follows', async () => {
  const all = telling();
  const birth = await all.online();
  assert.equal(JSON.parse(Buffer.from(birth.payload).toString()).health, undefined);
  await all.clock.advance(SETTLE_MS - 1);
  assert.deepEqual(all.port.take(), []);
  await all.clock.advance(1);
  const [status] = all.port.answerAll();
  assert.equal(status!.retain, true);
  assert.deepEqual(JSON.parse(Buffer.from(status!.payload).toString()), {
    ...JSON.parse(Buffer.from(birth.payload).toString()),
    health: { parts: { climate: 'ok' } },
  });
});

test('without a word changing it is told once an hour, whatever its numbers do', async () => {
  const all = telling();
  await all.online();
  await all.clock.advance(SETTLE_MS);
  const first = told(all);
  const later = await minutes(all, 24 * 60, (minute) => {
    all.node.health = { parts: { climate: 'ok' }, rows: minute, causes: [{ what: `${minute} rows wait` }] };
  });
  assert.equal(first.length, 1);
  // The cause came once, and 23 or 24 hours follow.
  assert.ok(later.length >= 24 && later.length <= 26, `${later.length} in a day`);
});

test('a word that changes is told within two minutes, at most once a minute', async () => {
  const all = telling();
  await all.online();
  await all.clock.advance(SETTLE_MS);
  told(all);
  await minutes(all, 10);
  all.node.health = { parts: { climate: 'failing' } };
  assert.deepEqual(await minutes(all, 2), [{ parts: { climate: 'failing' } }]);
});

test('a part that comes and goes each minute costs some 30 messages a day', async () => {
  const all = telling();
  await all.online();
  const said = await minutes(all, 24 * 60, (minute) => {
    all.node.health = { parts: { climate: minute % 2 === 0 ? 'failing' : 'ok' } };
  });
  assert.ok(said.length >= 24 && said.length <= 34, `${said.length} in a day`);
});

test('a link that comes and goes is told it once a minute at most', async () => {
  const all = telling();
  all.uplink.start();
  let count = 0;
  for (let second = 0; second < 600; second++) {
    if (all.uplink.status().link.state === 'connecting') all.port.accept();
    await all.clock.advance(500);
    count += told(all).filter((health) => health !== undefined).length;
    if (second % 20 === 19 && all.uplink.status().link.state === 'online') all.port.down('reset');
    await all.clock.advance(500);
  }
  assert.ok(count >= 2 && count <= 10, `${count} in ten minutes`);
});

/** With a slot for one message, which a block of the backlog holds when it is due; what goes then, one after the other. */
async function orderBehind(newest: Parameters<Rig['store']['commit']>[0]) {
  const all = telling({ window: 1, pubackDeadlineMs: 60_000 });
  for (let i = 0; i < 3; i++) all.store.commit([telemetry]);
  await all.online();
  await all.clock.advance(SETTLE_MS);
  assert.deepEqual(topics(all.port.sent), ['telemetry/climate']);
  all.store.commit(newest);
  const order: string[] = [];
  for (let turn = 0; turn < 8; turn++) {
    await all.clock.advance(10);
    order.push(...topics(all.port.answerAll()));
  }
  return order.slice(1);
}

test('an alarm does not wait for it, the backlog does', async () => {
  const order = await orderBehind([alarm]);
  assert.deepEqual(order, ['alarm/sos', 'status', 'telemetry/climate', 'telemetry/climate']);
});

test('nor does what is live', async () => {
  const door = { class: 'event', stream: 'door' } as const;
  const order = await orderBehind([door]);
  assert.deepEqual(order, ['event/door', 'status', 'telemetry/climate', 'telemetry/climate']);
});

test('a full window is left as it is: what waits in it goes first', async () => {
  const all = telling({ window: 2 });
  await all.online();
  await all.clock.advance(SETTLE_MS);
  told(all);
  all.node.health = { parts: { climate: 'missing' } };
  all.store.commit([telemetry]);
  all.store.commit([telemetry]);
  await all.clock.advance(0);
  const blocks = all.port.take();
  assert.deepEqual(topics(blocks), ['telemetry/climate', 'telemetry/climate']);
  await all.clock.advance(4_000);
  assert.deepEqual(all.port.take(), []);
  for (const one of blocks) all.port.answer(one);
  assert.deepEqual(await minutes(all, 2), [{ parts: { climate: 'missing' } }]);
});

test('a store that can’t be read is what it says, and a packet too large for the broker is counted', async () => {
  const all = telling({}, { store: { state: 'notWriting' } });
  all.store.failReads = true;
  await all.online();
  await all.clock.advance(SETTLE_MS);
  assert.deepEqual(told(all), [{ store: { state: 'notWriting' } }]);
  const small = telling({}, { text: 'x'.repeat(500) });
  await small.online({ maximumPacketBytes: 400 });
  await small.clock.advance(SETTLE_MS);
  assert.deepEqual(told(small), []);
  assert.equal(small.uplink.status().refusals.packetTooLarge, 1);
});

test('how the node is can’t be found out: the log says so once a minute, and the next look finds it', async () => {
  let isBroken = true;
  const all = rig(
    {},
    {
      health: async () => {
        if (isBroken) throw new Error('no kernel');
        return { parts: {} };
      },
    },
  );
  await all.online();
  await all.clock.advance(SETTLE_MS);
  assert.deepEqual(
    all.log.filter((line) => line.includes('no kernel')),
    ["warn uplink: how the node is can't be told: no kernel"],
  );
  isBroken = false;
  await all.clock.advance(MINUTE_MS + ANSWER_MS);
  assert.deepEqual(told(all), [{ parts: {} }]);
});

test('the last will and the goodbye say nothing of it', async () => {
  const all = telling();
  await all.online();
  await all.clock.advance(SETTLE_MS);
  told(all);
  const will = JSON.parse(Buffer.from(all.port.last.options.will!.payload).toString());
  assert.equal('health' in will, false);
  const stopped = all.uplink.stop(1_000);
  await all.clock.advance(HOUR_MS);
  assert.deepEqual(told(all), [undefined]);
  await stopped;
});
