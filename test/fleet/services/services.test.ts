import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Services } from '../../../fleet/services/index.js';
import { CHECK_MS, TTL_MS, World } from './world.js';

test('each starts once what it needs is healthy, and says what it waits for', async () => {
  const world = new World();
  world.database.isUp = false;
  void world.services.run();
  await world.pass(500);
  assert.deepEqual(world.states(), {
    database: "unhealthy: didn't start: database is down",
    broker: 'healthy',
    store: 'waiting: waits for database',
    ingest: 'waiting: waits for store',
    web: 'waiting: waits for store',
  });
  assert.ok(world.said.includes('info: store waits for database'));
  world.database.isUp = true;
  await world.pass(600);
  assert.deepEqual(world.names('healthy'), ['database', 'broker', 'store', 'ingest', 'web']);
  assert.deepEqual(world.journal.slice(2), ['start database', 'start store', 'start ingest', 'start web']);
});

test('a start that fails is tried again after 1, 2, 4 … 30 s', async () => {
  const world = new World();
  world.database.isUp = false;
  void world.services.run();
  const tries: number[] = [];
  for (let s = 0; s < 120; s++) {
    const before = world.journal.length;
    await world.pass(1_000);
    if (world.journal.length > before) tries.push(s);
  }
  // 0 and 1 s fall into the first second: 0, then 1 s later, then after 2, 4, 8, 16, 30, 30 s.
  assert.deepEqual(tries, [0, 2, 6, 14, 30, 60, 90]);
});

test('a start that takes longer than its minute is said, left to end, and not begun beside itself', async () => {
  const world = new World();
  world.broker.takesMs = 90_000;
  void world.services.run();
  await world.pass(65_000);
  assert.equal(world.states().broker, "unhealthy: didn't start: no answer in 60 s");
  world.broker.takesMs = 0;
  await world.pass(60_000);
  assert.equal(world.states().broker, 'healthy');
  assert.deepEqual(
    [world.broker.mostRunning, world.journal.filter((line) => line === 'start broker').length],
    [1, 1],
  );
});

test('the database goes: all that need it are unhealthy within their TTL, others are not', async () => {
  const world = await new World().started();
  await world.pass(10_300);
  world.database.isUp = false;
  await world.pass(TTL_MS);
  assert.deepEqual(world.states(), {
    database: 'unhealthy: database is down',
    broker: 'healthy',
    store: 'unhealthy: needs database',
    ingest: 'unhealthy: needs store',
    web: 'unhealthy: needs store',
  });
  const { sinceMs } = world.services.health().services[2]!;
  assert.ok(sinceMs <= world.clock.wallMs());
  await world.pass(60_000);
  assert.deepEqual(world.journal, []);
});

test('it comes back: all recover by themselves, each reconnected once, in order', async () => {
  const world = await new World().started();
  world.database.isUp = false;
  await world.pass(30_000);
  world.database.isUp = true;
  await world.pass(CHECK_MS + 10);
  assert.equal(world.names('healthy').length, 5);
  assert.deepEqual(world.journal, ['reconnect store', 'reconnect ingest', 'reconnect web']);
});

test('a reconnect that fails is the reason, and is tried again', async () => {
  const world = await new World().started();
  world.database.isUp = false;
  await world.pass(10_000);
  Object.assign(world.database, { isUp: true });
  world.store.isUp = false;
  await world.pass(3 * CHECK_MS + 500);
  assert.equal(world.states().store, 'unhealthy: store is down');
  world.store.isUp = true;
  await world.pass(CHECK_MS + 10);
  assert.equal(world.names('healthy').length, 5);
  assert.ok(world.journal.filter((line) => line === 'reconnect store').length >= 3);
});

test('flapping within the TTL changes nothing, and beyond it reconnects once a time at most', async () => {
  const world = await new World().started();
  const sets: number[] = [];
  world.services.registry.onChange((healthy) => sets.push(healthy.size));
  assert.deepEqual(sets, [5]);
  for (let i = 0; i < 100; i++) {
    world.database.isUp = !world.database.isUp;
    await world.pass(CHECK_MS);
  }
  assert.deepEqual([sets, world.journal], [[5], []]);
  world.store.takesMs = 700;
  for (let i = 0; i < 20; i++) {
    world.database.isUp = false;
    await world.pass(TTL_MS + CHECK_MS);
    world.database.isUp = true;
    await world.pass(CHECK_MS);
  }
  assert.ok(world.journal.length <= 3 * 20, `${world.journal.length} reconnects`);
  assert.ok(sets.length <= 1 + 2 * 4 * 20 + 8, `${sets.length} changes`);
  for (const service of world.all) assert.equal(service.mostRunning, 1);
});

test('a check that hangs counts as failed, is not asked beside itself, and passes when it answers', async () => {
  const world = await new World().started();
  world.web.takesMs = 20_000;
  await world.pass(CHECK_MS + TTL_MS);
  assert.equal(world.states().web, 'unhealthy: no answer in 1.1 s');
  world.web.takesMs = 0;
  await world.pass(20_000);
  assert.equal(world.states().web, 'healthy');
  assert.equal(world.web.mostRunning, 1);
});

test('maintenance takes it out at once; what needs it says so; it comes back', async () => {
  const world = await new World().started();
  world.services.maintain(true, 'database');
  assert.equal(world.states().database, 'maintenance: ');
  await world.pass(TTL_MS);
  assert.equal(world.states().store, 'unhealthy: needs database');
  assert.equal(world.states().broker, 'healthy');
  await world.pass(60_000);
  world.services.maintain(false, 'database');
  await world.pass(10);
  assert.equal(world.names('healthy').length, 5);
  world.services.maintain(true);
  assert.equal(world.names('maintenance').length, 5);
  assert.throws(() => world.services.maintain(true, 'nothing'), /no service is called nothing/);
});

test('stop: those that need others first, each within its limit, and nobody is checked afterwards', async () => {
  const world = new World();
  const over = world.services.run().then(() => 'over');
  await world.pass(5_000);
  world.journal.length = 0;
  world.store.takesMs = 3_600_000;
  const stopped = world.services.stop();
  await world.pass(10_000);
  await stopped;
  assert.equal(await over, 'over');
  assert.deepEqual(world.journal, ['stop web', 'stop ingest', 'stop store', 'stop broker', 'stop database']);
  assert.deepEqual(
    world.said.filter((line) => !line.startsWith('info')),
    ["error: store didn't stop: no answer in 10 s"],
  );
  assert.equal(world.names('stopped').length, 5);
  await world.pass(60_000);
  assert.equal(world.names('stopped').length, 5);
});

test('a wall clock that jumps makes nobody unhealthy', async () => {
  const world = await new World().started();
  world.jumpMs = 86_400_000;
  await world.pass(10_000);
  world.jumpMs = -86_400_000;
  await world.pass(10_000);
  assert.equal(world.names('healthy').length, 5);
});

test('a list that can’t come up is refused', () => {
  const world = new World();
  const make = (list: typeof world.all) => () =>
    new Services(list, { clock: world.clock, say: () => undefined });
  assert.throws(make([world.store, world.database]), /store needs database, which is not listed before it/);
  assert.throws(make([world.broker, world.broker]), /two services are called broker/);
  Object.assign(world.broker, { checkEveryMs: TTL_MS });
  assert.throws(make([world.broker]), /a TTL of 3000 ms has no room for checks each 3000 ms/);
});

test('whatever goes and comes, the page is right at each moment', async () => {
  const names = ['database', 'broker', 'store'] as const;
  const change = fc.record({ name: fc.constantFrom(...names), afterMs: fc.integer({ min: 1, max: 8_000 }) });
  await fc.assert(
    fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 15 }), async (changes) => {
      const world = await new World().started();
      const sinceMs = new Map(world.all.map(({ name }) => [name, -Infinity]));
      for (const { name, afterMs } of changes) {
        await world.pass(afterMs);
        const healthy = new Set(world.names('healthy'));
        for (const service of world.all) {
          const under = [service, ...below(world, service.name)];
          const down = under.filter(({ isUp }) => !isUp);
          const longest = Math.max(...down.map((each) => world.clock.nowMs() - sinceMs.get(each.name)!));
          if (longest >= TTL_MS) assert.ok(!healthy.has(service.name), `${service.name} is shown as healthy`);
          const quiet = Math.min(...under.map((each) => world.clock.nowMs() - sinceMs.get(each.name)!));
          if (down.length === 0 && quiet > 2 * CHECK_MS)
            assert.ok(healthy.has(service.name), `${service.name}: ${world.states()[service.name]}`);
          assert.equal(service.mostRunning, 1);
        }
        const service = world[name];
        service.isUp = !service.isUp;
        sinceMs.set(name, world.clock.nowMs());
      }
    }),
    { numRuns: 60 },
  );
});

function below(world: World, name: string): readonly World['database'][] {
  const service = world.all.find((each) => each.name === name)!;
  return service.needs.flatMap((need) => [
    world.all.find((each) => each.name === need)!,
    ...below(world, need),
  ]);
}
