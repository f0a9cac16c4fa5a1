import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as v from 'valibot';
import {
  type Channel,
  type Driver,
  defineDriver,
  HalError,
  oneRow,
  QUALITY,
  type Rows,
} from '../../drivers/contract/index.js';
import type { Board, BoardPart } from '../../runtime/board/types.js';
import type { PartConfig } from '../../runtime/config/types.js';
import { createSampler, type SamplerStream } from '../../runtime/sampler/index.js';
import { fullStreams } from '../../runtime/sampler/streams.js';
import { SimClock } from '../support/sim-clock.js';

const CHANNELS: readonly Channel[] = [
  { name: 'temperature', quantity: 'temperature', type: { kind: 'decimal', scale: 1 }, range: [-40, 85] },
];

/** A part of which each call can be made to fail, hang, or answer. */
class FakePart implements Driver {
  readonly streams = [{ name: '', class: 'telemetry' as const, channels: CHANNELS }];
  calls: string[] = [];
  value: () => number = () => this.calls.length;
  fail: HalError | undefined;
  hang = false;
  constructor(private readonly clock: SimClock) {}

  async probe() {
    this.calls.push('probe');
    if (this.fail) throw this.fail;
    return { model: 'FAKE', details: {} };
  }

  async configure() {
    this.calls.push('configure');
  }

  async sample() {
    this.calls.push('sample');
    if (this.hang) await new Promise(() => {});
    if (this.fail) throw this.fail;
    return [oneRow('', this.clock.nowNs(), [this.value()])];
  }
}

function partConfig(id: string, intervalMs: number): PartConfig {
  return {
    id,
    title: id,
    driver: defineDriver({
      id: 'fake',
      title: 'fake',
      attachment: 'system',
      options: v.strictObject({}),
      create: () => assert.fail(),
    }),
    attachment: { kind: 'system' },
    options: {},
    intervalMs,
    keep: true,
    place: { file: 'test.yaml', line: 1, column: 1 },
    slow: { when: 'still', intervalMs: intervalMs * 60 },
  };
}

function fakePart(id: string, intervalMs: number, clock: SimClock) {
  const config = partConfig(id, intervalMs);
  return { config, driver: new FakePart(clock), where: `fake ${id}`, busKey: 'fake-bus' };
}

function rig(ids: readonly string[], intervalMs = 1000, change: Partial<Board> = {}, clock = new SimClock()) {
  const parts = ids.map((id) => fakePart(id, intervalMs, clock));
  const rows: Rows[] = [];
  const declared: SamplerStream[] = [];
  const log: string[] = [];
  const recovered: string[] = [];
  const stuck = { forGood: false };
  const board: Board = {
    parts,
    missing: [],
    choices: [],
    reopen: async (): Promise<BoardPart> => assert.fail('nothing is missing'),
    release: async () => {},
    recover: async (busKey) => recovered.push(busKey) > 0 && !stuck.forGood,
    close: async () => {},
    ...change,
  };
  const sampler = createSampler({
    board,
    clock,
    random: () => 0.5,
    declare: (streams) => declared.push(...streams),
    emit: (emitted) => rows.push(emitted),
    log: (_level, text) => log.push(text),
  });
  const of = (stream: string) => rows.filter((row) => row.stream === stream);
  return { clock, parts, rows, of, declared, log, recovered, stuck, sampler };
}

test('all streams of a live part are live', () => {
  const config = partConfig('gps', 1000);
  const declared = [
    { name: '', class: 'telemetry', channels: [] },
    { name: 'sky', class: 'bulk', channels: [] },
  ] as const;
  assert.deepEqual(
    fullStreams({ ...config, live: true }, declared).map(({ live }) => live),
    [true, true],
  );
  assert.deepEqual(
    fullStreams(config, declared).map(({ live }) => live ?? false),
    [false, false],
  );
});

test('samples on its schedule, under the full stream name, each stream declared before its first row', async () => {
  const { clock, sampler, rows, declared } = rig(['climate']);
  assert.deepEqual(
    declared.map((stream) => stream.name),
    ['climate'],
  );
  sampler.start();
  await clock.advance(10_500);
  assert.equal(rows.length, 11);
  assert.equal(rows[10]!.timesNs[0]! - rows[0]!.timesNs[0]!, 10_000_000_000n);
});

test('a failing part gives rows of fault at its back-off, says so once, and comes back configured', async () => {
  const { clock, parts, sampler, of, log } = rig(['climate', 'other']);
  const part = parts[0]!.driver;
  sampler.start();
  await clock.advance(3_500);
  part.fail = new HalError('noAcknowledge', 'i2c-1 0x76', 'nobody answered');
  await clock.advance(120_000);
  const faults = of('climate').filter((row) => row.quality[0] === QUALITY.fault);
  assert.ok(faults.length >= 4 && faults.length < 15, `${faults.length} attempts in two minutes`);
  assert.equal(log.length, 1, log.join('\n'));
  assert.match(log[0]!, /climate: noAcknowledge: i2c-1 0x76: nobody answered/);
  part.fail = undefined;
  part.calls = [];
  await clock.advance(31_000);
  assert.deepEqual(part.calls.slice(0, 3), ['probe', 'configure', 'sample']);
  assert.match(log[1]!, /climate: works again/);
  assert.ok(of('other').length >= 154, 'the other part missed nothing');
});

test('a part that hangs is not called twice at once, and its neighbours go on', async () => {
  const { clock, parts, sampler, of } = rig(['hung', 'other']);
  sampler.start();
  await clock.advance(2_500);
  parts[0]!.driver.hang = true;
  const before = parts[0]!.driver.calls.length;
  await clock.advance(60_000);
  assert.equal(parts[0]!.driver.calls.length, before + 1);
  assert.equal(sampler.status()[0]!.state, 'failing');
  assert.equal(sampler.status()[0]!.lastErrorKind, 'timeout');
  assert.equal(of('other').length, 63);
});

test('a stuck bus is recovered', async () => {
  const { clock, parts, sampler, recovered } = rig(['climate']);
  sampler.start();
  await clock.advance(500);
  parts[0]!.driver.fail = new HalError('busStuck', 'i2c-1', 'SDA is low');
  await clock.advance(1_000);
  assert.deepEqual(recovered.slice(0, 1), ['fake-bus']);
});

test('a bus that stays stuck is said once, however often it is tried, and again after it was good', async () => {
  const { clock, parts, sampler, log, recovered, stuck } = rig(['climate']);
  stuck.forGood = true;
  sampler.start();
  const { driver } = parts[0]!;
  for (let time = 1; time <= 2; time++) {
    await clock.advance(40_000);
    driver.fail = new HalError('busStuck', 'i2c-1', 'SDA is low');
    const before = recovered.length;
    await clock.advance(60_000);
    assert.ok(recovered.length >= before + 4, 'it is tried again');
    assert.equal(log.filter((line) => /still stuck/.test(line)).length, time);
    driver.fail = undefined;
  }
});

test('a part whose bus was held by another, or was freed, is asked on its schedule all the while', async () => {
  for (const kind of ['busy', 'busStuck'] as const) {
    const { clock, parts, sampler, rows } = rig(['climate']);
    sampler.start();
    await clock.advance(2_500);
    const { driver } = parts[0]!;
    driver.fail = new HalError(kind, 'i2c-1 0x76', 'the bus is held');
    await clock.advance(3_000);
    driver.fail = undefined;
    await clock.advance(2_000);
    const faults = rows.map((row) => row.quality[0] === QUALITY.fault);
    assert.deepEqual(faults, [false, false, false, true, true, true, false, false], kind);
    const seconds = rows.map((row) => Math.round(Number(row.timesNs[0]! - rows[0]!.timesNs[0]!) / 1e9));
    assert.deepEqual(seconds, [0, 1, 2, 3, 4, 5, 6, 7], kind);
  }
});

test('a part that its reset left without a value is asked on its schedule', async () => {
  const { clock, parts, sampler, rows } = rig(['compass']);
  sampler.start();
  await clock.advance(2_500);
  const { driver } = parts[0]!;
  driver.fail = new HalError('lostConfiguration', 'i2c-1 0x1c', 'it has reset itself');
  await clock.advance(1_000);
  driver.fail = undefined;
  driver.sample = async () => {
    throw new HalError('notReady', 'i2c-1 0x1c', 'no new measurement');
  };
  await clock.advance(1_000);
  Reflect.deleteProperty(driver, 'sample');
  await clock.advance(1_000);
  assert.deepEqual([rows.length, rows.at(-1)!.quality[0]], [5, QUALITY.good]);
});

test('ten hours of suspend make no burst: the periods are counted as missed', async () => {
  const { clock, sampler, rows } = rig(['climate']);
  sampler.start();
  await clock.advance(2_500);
  clock.skip(36_000_000);
  await clock.advance(3_000);
  assert.ok(rows.length <= 7, `${rows.length} rows`);
  const missed = sampler.status()[0]!.missed;
  assert.ok(missed >= 35_999 && missed <= 36_001, `${missed} missed`);
});

test('values are rounded to the channel, out of range is suspect, never moving is stale', async () => {
  const { clock, parts, sampler, rows } = rig(['climate']);
  const values = [20.04, -40.06, 85.2, Number.NaN, Number.POSITIVE_INFINITY, -0.04];
  parts[0]!.driver.value = () => values.shift() ?? 21;
  sampler.start();
  await clock.advance(5_500);
  assert.deepEqual(
    rows.map((row) => row.values[0]),
    [20, -40.1, 85.2, Number.NaN, Number.NaN, 0],
  );
  assert.ok(Object.is(rows[5]!.values[0], 0), 'no negative zero, which is no decimal');
  assert.deepEqual(
    rows.map((row) => row.quality[0]),
    [0, QUALITY.suspect, QUALITY.suspect, 3, 3, 0],
  );
  await clock.advance(29_000);
  assert.equal(rows.at(-1)!.quality[0], QUALITY.good);
  await clock.advance(3_000);
  assert.equal(rows.at(-1)!.quality[0], QUALITY.stale);
  parts[0]!.driver.value = () => 22;
  await clock.advance(1_000);
  assert.equal(rows.at(-1)!.quality[0], QUALITY.good);
});

test('a still node slows its streams down, and moving brings them back at once; the inbox is bounded', async () => {
  const { clock, sampler, rows } = rig(['climate']);
  sampler.start();
  await clock.advance(2_500);
  assert.ok(sampler.send({ kind: 'setMotion', state: 'still' }));
  await clock.advance(600_000);
  const still = rows.length;
  assert.ok(still >= 12 && still <= 15, `${still} rows`);
  assert.ok(sampler.send({ kind: 'setMotion', state: 'moving' }));
  await clock.advance(10_000);
  assert.ok(rows.length >= still + 10, `${rows.length - still} rows after moving`);
  let taken = 0;
  while (sampler.send({ kind: 'setMotion', state: 'still' })) taken++;
  assert.equal(taken, 16);
});

test('stopped, it emits nothing and leaves no timer', async () => {
  const { clock, sampler, rows } = rig(['climate']);
  sampler.start();
  await clock.advance(1_500);
  await sampler.stop();
  const before = rows.length;
  await clock.advance(10_000);
  assert.equal(rows.length, before);
  assert.equal(clock.timers, 0);
});

test('a part asked a little early has missed a period, not failed; one that is never ready has failed', async () => {
  const { clock, parts, sampler, rows, log } = rig(['compass']);
  sampler.start();
  await clock.advance(500);
  parts[0]!.driver.fail = new HalError('notReady', 'i2c-1 0x1c', 'no new measurement');
  await clock.advance(3_000);
  assert.equal(sampler.status()[0]!.missed, 3);
  assert.deepEqual([rows.length, log.length, sampler.status()[0]!.state], [1, 0, 'ok']);
  await clock.advance(1_000);
  assert.equal(sampler.status()[0]!.state, 'failing');
  assert.equal(rows.at(-1)!.quality[0], QUALITY.fault);
});

test('a part that hangs on each call is no stuck sampler: its ticks come back at their deadline', async () => {
  const { clock, parts, sampler } = rig(['hung']);
  parts[0]!.driver.hang = true;
  sampler.start();
  for (let s = 0; s < 300; s++) {
    await clock.advance(1_000);
    assert.equal(sampler.isStuck(), false, `after ${s} s`);
  }
});

test('an opening that hangs is given up like any call, is not begun twice, and is adopted when it comes late', async () => {
  const clock = new SimClock();
  const late = fakePart('late', 1000, clock);
  const opens: ((part: BoardPart) => void)[] = [];
  const { sampler, of } = rig(
    [],
    1000,
    {
      missing: [{ config: late.config, error: new Error('absent') }],
      reopen: () => new Promise((resolve) => opens.push(resolve)),
    },
    clock,
  );
  sampler.start();
  for (let s = 0; s < 200; s++) {
    await clock.advance(1_000);
    assert.equal(sampler.isStuck(), false, `after ${s} s`);
  }
  assert.equal(opens.length, 1);
  const { state, lastErrorKind } = sampler.status()[0]!;
  assert.deepEqual([state, lastErrorKind], ['missing', 'timeout']);
  opens[0]!(late);
  await clock.advance(31_000);
  assert.equal(opens.length, 1);
  assert.equal(sampler.status()[0]!.state, 'ok');
  assert.ok(of('late').length > 0);
});

/** A clock that loses the timers it is told to. */
function lossyClock() {
  const clock = new SimClock();
  const after = clock.after.bind(clock);
  const lossy = { clock, loses: (_ms: number): boolean => false };
  clock.after = (ms, callback) => after(ms, lossy.loses(ms) ? () => undefined : callback);
  return lossy;
}

test('ticks that stop are seen within half a minute', async () => {
  const lossy = lossyClock();
  const { clock, sampler } = rig(['one', 'other'], 1000, {}, lossy.clock);
  sampler.start();
  await clock.advance(2_500);
  lossy.loses = () => true;
  await clock.advance(30_000);
  assert.equal(sampler.isStuck(), false, 'a tick may take so long');
  await clock.advance(2_000);
  assert.equal(sampler.isStuck(), true);
});

test('as long as one part gets on, ticks have not stopped', async () => {
  const lossy = lossyClock();
  const { clock, sampler, parts, of } = rig(['one', 'other'], 1000, {}, lossy.clock);
  sampler.start();
  await clock.advance(1_500);
  // Only a lost deadline keeps a call from coming back.
  lossy.loses = (ms) => ms === 5_000;
  parts[0]!.driver.hang = true;
  await clock.advance(100_000);
  assert.ok(of('other').length > 90 && of('one').length < 5);
  assert.equal(sampler.isStuck(), false);
  parts[1]!.driver.hang = true;
  await clock.advance(32_000);
  assert.equal(sampler.isStuck(), true);
});
