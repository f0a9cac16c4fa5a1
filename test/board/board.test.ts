import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as v from 'valibot';
import {
  type Attachment,
  type DriverDefinition,
  defineDriver,
  type GpioTwin,
  HalError,
  halErrorKind,
  type I2cTwin,
  type Rows,
  type SerialTwin,
} from '../../drivers/contract/index.js';
import { openBoardWith } from '../../runtime/board/board.js';
import { registry as everything, openBoard } from '../../runtime/board/index.js';
import { createWorld } from '../../runtime/board/world.js';
import { until } from '../contract/serial.js';
import { countEdges } from '../support/edges.js';
import { MemoryTwin, nodeConfig, partConfig, testDeps } from './fixture.js';
import { noSocat, Pty } from './pty.js';

/** The least driver: reads one register. */
const memory: DriverDefinition = defineDriver({
  id: 'memory',
  title: 'memory',
  attachment: 'i2c' as Attachment,
  options: v.any(),
  create: (handles) => {
    assert.ok('device' in handles);
    const { device } = handles;
    return {
      streams: [],
      probe: async () => ({ model: 'MEMORY', details: { first: `${await device.readRegisters(0, 1)}` } }),
      configure: () => device.writeRegisters(0, Uint8Array.of(7)),
    };
  },
});
const registry = {
  drivers: [memory],
  twins: [{ id: 'memory', attachment: 'i2c' as const, create: () => new MemoryTwin() }],
};
const onBus = (id: string, bus: string, address: number) =>
  partConfig(id, memory, { kind: 'i2c', bus, address });

test('a part that cannot be opened is missing, and the others go on', async () => {
  const alien = { ...memory, id: 'alien' };
  const deps = testDeps();
  const board = await openBoardWith(
    nodeConfig([
      partConfig('no-twin', alien, {
        kind: 'gpio',
        line: 'x',
        activeLow: false,
        bias: 'asIs',
        debounceUs: 0,
      }),
      partConfig('also-none', alien, { kind: 'i2c', bus: 'a', address: 0x41 }),
      onBus('good', 'a', 0x40),
    ]),
    registry,
    deps,
  );
  assert.deepEqual(
    board.parts.map((part) => [part.config.id, part.where, part.busKey]),
    [
      ['also-none', 'a 0x41', 'i2c:a'],
      ['good', 'a 0x40', 'i2c:a'],
    ],
  );
  assert.equal(board.missing.length, 1);
  assert.match(board.missing[0]!.error.message, /alien has no twin/);
  assert.match(deps.lines.join(), /warn part no-twin is missing/);
  await assert.rejects(board.parts[0]!.driver.probe(), { kind: 'noAcknowledge' });
  await board.parts[1]!.driver.probe();
  assert.deepEqual(board.choices, ['i2c a: 1 twins in this process']);
  await assert.rejects(board.reopen(board.missing[0]!.config), /has no twin/);
  await board.close();
});

test('a part that refuses or hangs harms neither its neighbours on the bus for long nor another bus at all', async () => {
  const deps = testDeps();
  const parts = [onBus('bad', 'a', 0x40), onBus('near', 'a', 0x41), onBus('far', 'b', 0x40)];
  const board = await openBoardWith(nodeConfig(parts), registry, deps);
  const [bad, near, far] = board.parts.map((part) => part.driver);
  const { faults } = deps.twins.get('bad') as I2cTwin;
  const kindOf = (probing: Promise<unknown>) => probing.then(() => 'good', halErrorKind);

  faults.noAcknowledgeProbability = 1;
  assert.equal(await kindOf(bad!.probe()), 'noAcknowledge');
  assert.equal(await kindOf(near!.probe()), 'good');
  faults.noAcknowledgeProbability = 0;
  assert.equal(await kindOf(bad!.probe()), 'good');

  faults.stretchMs = 250; // the bus gives a transfer 100 ms
  const [hung, behind, other] = await Promise.all([bad!, near!, far!].map((d) => kindOf(d.probe())));
  assert.deepEqual([hung, behind, other], ['timeout', 'busy', 'good']);
  faults.stretchMs = 0;
  await deps.clock.delay(200);
  assert.equal(await kindOf(near!.probe()), 'good');
  assert.equal(await kindOf(bad!.probe()), 'good');

  faults.sdaStuck = true;
  faults.sdaReleaseClocks = 12; // two rounds of nine
  assert.deepEqual(await Promise.all([bad!, near!, far!].map((d) => kindOf(d.probe()))), [
    'busStuck',
    'busStuck',
    'good',
  ]);
  assert.equal(await board.recover('i2c:a'), false);
  assert.equal(await board.recover('i2c:a'), true);
  assert.equal(await kindOf(near!.probe()), 'good');
  await board.close();
});

test('a line with 50,000 edges a second: each is counted, and the other part is sampled in time', async (t) => {
  const driverOf = (id: string) => everything.drivers.find((driver) => driver.id === id)!;
  const wire = { kind: 'gpio', line: 'GPIO17', activeLow: true, bias: 'pullUp', debounceUs: 0 } as const;
  const parts = [
    partConfig('pulses', driverOf('contact'), wire, { role: 'counter' }),
    partConfig('air', driverOf('bme280'), { kind: 'i2c', bus: 'a', address: 0x76 }),
  ];
  const deps = testDeps();
  const board = await openBoard(nodeConfig(parts), deps);
  t.after(() => board.close());
  const [pulses, air] = board.parts.map((part) => part.driver);
  await air!.configure();
  const stop = await pulses!.stream!(
    () => assert.fail('a counter tells nothing by itself'),
    (error) => assert.fail(error),
  );
  const twin = deps.twins.get('pulses') as GpioTwin;
  const made = countEdges(twin);
  const slowest = async (samples: number): Promise<number> => {
    let slowestMs = 0;
    for (let i = 0; i < samples; i++) {
      const beganNs = deps.clock.nowNs();
      await air!.sample!();
      await deps.clock.delay(50);
      slowestMs = Math.max(slowestMs, Number(deps.clock.nowNs() - beganNs) / 1e6);
    }
    return slowestMs;
  };
  const quietMs = await slowest(10);
  twin.faults.chatterHz = 50_000;
  const floodMs = await slowest(20);
  twin.faults.chatterHz = 0;
  const names = pulses!.streams[0]!.channels.map((channel) => channel.name);
  let edges = 0;
  await until('all edges are counted', async () => {
    const [rows] = await pulses!.sample!();
    // A pulse is two edges.
    edges += rows!.values[names.indexOf('pulses')]! * 2 + rows!.values[names.indexOf('edgesLost')]!;
    return edges >= 0.99 * made.edges;
  });
  assert.ok(edges <= 1.01 * made.edges, `${edges} of ${made.edges} edges`);
  assert.ok(floodMs < Math.max(500, 10 * quietMs), `a sample took ${floodMs} ms, ${quietMs} before`);
  await stop();
});

test('a real line is unplugged and comes back; the other part on the board never notices', {
  skip: noSocat,
}, async (t) => {
  const pty = await Pty.make();
  t.after(() => pty.close());
  const driverOf = (id: string) => everything.drivers.find((driver) => driver.id === id)!;
  const parts = [
    partConfig('sky', driverOf('gnss'), { kind: 'serial', port: 'usb', baud: 115_200 }),
    partConfig('air', driverOf('bme280'), { kind: 'i2c', bus: 'a', address: 0x76 }),
  ];
  const deps = testDeps({ random: () => 0 });
  const board = await openBoard(nodeConfig(parts, { serial: { usb: { device: pty.link, pins: [] } } }), deps);
  t.after(() => board.close());
  const [sky, air] = board.parts.map((part) => part.driver);
  assert.match(board.choices.join(), /a real device on a twin board/);
  await air!.configure();
  t.after(talkInto(pty, deps.clock.nowNs));
  const heard: Rows[] = [];
  const errors: Error[] = [];
  const stop = await sky!.stream!(
    (rows) => heard.push(rows),
    (error) => errors.push(error),
  );
  let samples = 0;
  let sampling = true;
  const sampled = (async () => {
    for (; sampling; samples++) {
      await air!.sample!();
      await deps.clock.delay(50);
    }
  })();

  await until('rows from the sky', () => heard.length > 0);
  await pty.unplug();
  await until('told that it is gone', () =>
    errors.some((error) => error instanceof HalError && error.kind === 'disconnected'),
  );
  const before = [heard.length, samples] as const;
  await until('the other part goes on', () => samples > before[1] + 5);
  await pty.plug();
  await until('rows again', () => heard.length > before[0]);
  sampling = false;
  await sampled; // every sample was good
  await stop();
});

/** A receiver on the other end of a pty, twenty times faster than time. */
function talkInto(pty: Pty, nowNs: () => bigint): () => void {
  const twin = everything.twins.find(({ id }) => id === 'gnss')!.create(() => 0.5) as SerialTwin;
  const worldAt = createWorld(1, 1_750_000_000_000_000_000n);
  const startNs = nowNs();
  const timer = setInterval(() => {
    const said = twin.speak(worldAt(startNs + (nowNs() - startNs) * 20n));
    if (said.length > 0) pty.say(said).catch(() => undefined); // unplugged: nobody hears it
  }, 20);
  return () => clearInterval(timer);
}
