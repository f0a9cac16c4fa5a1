import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as v from 'valibot';
import { defineDriver, HalError, oneRow, QUALITY, type Rows } from '../../drivers/contract/index.js';
import type { PartConfig } from '../../runtime/config/types.js';
import { OneCall } from '../../runtime/sampler/one-call.js';
import { Outlet } from '../../runtime/sampler/outlet.js';
import { SimClock } from '../support/sim-clock.js';

const isTimeout = (text: RegExp) => (error: unknown) =>
  error instanceof HalError && error.kind === 'timeout' && text.test(error.message);

test('a call’s value and its error pass; no timer stays', async () => {
  const clock = new SimClock();
  const one = new OneCall(clock, 5000);
  assert.equal(await one.run('x', async () => 7), 7);
  const fault = new HalError('noAcknowledge', 'x', 'nobody');
  await assert.rejects(
    one.run('x', () => Promise.reject(fault)),
    fault,
  );
  assert.equal(clock.timers, 0);
});

test('a call that throws before it has a promise is over: the next is made', async () => {
  const clock = new SimClock();
  const one = new OneCall(clock, 5000);
  const fault = new Error('at once');
  await assert.rejects(
    one.run('x', () => {
      throw fault;
    }),
    fault,
  );
  assert.equal(clock.timers, 0);
  assert.equal(await one.run('x', async () => 1), 1);
});

test('a call that hangs is given up at the deadline, and nothing is called until it is back', async () => {
  const clock = new SimClock();
  const one = new OneCall(clock, 5000);
  let comeBack = () => {};
  let outcome: unknown;
  const first = one.run('i2c-1 0x76', () => new Promise<void>((resolve) => (comeBack = resolve)));
  first.catch((error) => (outcome = error));
  await clock.advance(4999);
  assert.equal(outcome, undefined);
  await clock.advance(1);
  assert.ok(isTimeout(/i2c-1 0x76: no answer within 5000 ms/)(outcome), String(outcome));
  let calls = 0;
  const count = async () => ++calls;
  await assert.rejects(one.run('x', count), isTimeout(/has not come back/));
  assert.equal(calls, 0);
  comeBack();
  await clock.advance(0);
  assert.equal(await one.run('x', count), 1);
});

test('whoever waits may call again at once', async () => {
  const one = new OneCall(new SimClock(), 5000);
  const again = one.run('x', async () => 1).then(() => one.run('x', async () => 2));
  assert.equal(await again, 2);
  const afterFault = one
    .run('x', () => Promise.reject(new Error('no')))
    .catch(() => one.run('x', async () => 3));
  assert.equal(await afterFault, 3);
});

function outletRig() {
  const config: PartConfig = {
    id: 'gps',
    title: 'GPS',
    driver: defineDriver({
      id: 'fake',
      title: 'fake',
      attachment: 'system',
      options: v.strictObject({}),
      create: () => assert.fail(),
    }),
    attachment: { kind: 'system' },
    options: {},
    intervalMs: 1000,
    keep: false,
    place: { file: 'test.yaml', line: 1, column: 1 },
  };
  const channels = [
    { name: 'a', quantity: 'temperature', type: { kind: 'f64' } },
    { name: 'b', quantity: 'temperature', type: { kind: 'f64' } },
  ] as const;
  const emitted: Rows[] = [];
  const declared = [
    { name: '', class: 'telemetry', channels },
    { name: 'sky', class: 'bulk', channels },
  ] as const;
  const outlet = new Outlet(config, declared, (rows) => emitted.push(rows));
  return { outlet, emitted };
}

test('rows leave under full names; a fault is a row of the main stream with nothing in it', () => {
  const { outlet, emitted } = outletRig();
  assert.deepEqual(
    outlet.streams.map((stream) => [stream.name, stream.title, stream.class, stream.keep]),
    [
      ['gps', 'GPS', 'telemetry', false],
      ['gps.sky', 'GPS: sky', 'bulk', false],
    ],
  );
  outlet.take(oneRow('sky', 5n, [1, 2]));
  outlet.take(oneRow('', 6n, [3, 4]));
  outlet.fault(7n);
  assert.deepEqual(
    emitted.map((rows) => [rows.stream, rows.timesNs[0], [...rows.quality]]),
    [
      ['gps.sky', 5n, [QUALITY.good, QUALITY.good]],
      ['gps', 6n, [QUALITY.good, QUALITY.good]],
      ['gps', 7n, [QUALITY.fault, QUALITY.fault]],
    ],
  );
  assert.ok([...emitted[2]!.values].every(Number.isNaN));
  assert.deepEqual([outlet.samples, outlet.lastGoodNs], [2, 6n]);
});

test('an undeclared stream is the driver’s mistake; a closed outlet gives nothing', () => {
  const { outlet, emitted } = outletRig();
  assert.throws(() => outlet.take(oneRow('other', 1n, [1, 2])), /gps: .* undeclared stream 'other'/);
  outlet.isClosed = true;
  outlet.take(oneRow('', 1n, [1, 2]));
  outlet.fault(1n);
  assert.deepEqual([emitted.length, outlet.samples], [0, 0]);
});
