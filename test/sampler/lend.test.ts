import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as v from 'valibot';
import {
  type Driver,
  defineDriver,
  HalError,
  halErrorKind,
  oneRow,
  QUALITY,
  type Rows,
} from '../../drivers/contract/index.js';
import type { Board, BoardPart } from '../../runtime/board/types.js';
import type { PartConfig } from '../../runtime/config/types.js';
import { createSampler, type SamplerStream } from '../../runtime/sampler/index.js';
import { SimClock } from '../support/sim-clock.js';

/** A part that speaks by itself, and is polled where it has an interval; each life of it is told apart. */
class Talker implements Driver {
  readonly streams = [
    {
      name: '',
      class: 'telemetry' as const,
      channels: [{ name: 'life', quantity: 'count' as const, type: { kind: 'int' as const } }],
    },
  ];
  emit: ((rows: Rows) => void) | undefined;
  fails: ((error: Error) => void) | undefined;

  constructor(
    private readonly rig: Rig,
    private readonly life: number,
  ) {}

  async probe() {
    this.rig.calls.push('probe');
    await this.rig.probing;
    if (this.rig.fail) throw this.rig.fail;
    return { model: 'TALKER', details: {} };
  }

  async configure() {
    this.rig.calls.push('configure');
  }

  async sample() {
    return [oneRow('', this.rig.clock.nowNs(), [this.life])];
  }

  async stream(emit: (rows: Rows) => void, onError: (error: Error) => void) {
    this.emit = emit;
    this.fails = onError;
    return async () => void this.rig.calls.push('unheard');
  }

  say() {
    this.emit?.(oneRow('', this.rig.clock.nowNs(), [this.life]));
  }
}

class Rig {
  readonly clock = new SimClock();
  readonly calls: string[] = [];
  readonly rows: Rows[] = [];
  readonly declared: SamplerStream[] = [];
  readonly log: string[] = [];
  readonly talkers: Talker[] = [];
  fail: HalError | undefined;
  /** Pending: the probe hangs. */
  probing: Promise<void> = Promise.resolve();
  opening: () => Promise<void> = async () => {};
  readonly config = partConfig();
  readonly board: Board = {
    parts: [this.#open()],
    missing: [],
    choices: [],
    reopen: async () => {
      this.calls.push('open');
      await this.opening();
      return this.#open();
    },
    release: async () => void this.calls.push('close'),
    recover: async () => true,
    close: async () => {},
  };
  readonly sampler = createSampler({
    board: this.board,
    clock: this.clock,
    random: () => 0.5,
    declare: (streams) => this.declared.push(...streams),
    emit: (rows) => this.rows.push(rows),
    log: (_level, text) => this.log.push(text),
  });

  get state() {
    return this.sampler.status()[0]!.state;
  }

  get lives(): readonly number[] {
    return this.rows.map(({ values }) => values[0]!);
  }

  #open(): BoardPart {
    const driver = new Talker(this, this.talkers.length + 1);
    this.talkers.push(driver);
    return { config: this.config, driver, where: '/dev/ttyS9', busKey: 'serial:uart0' };
  }
}

function partConfig(): PartConfig {
  return {
    id: 'gps',
    title: 'gps',
    driver: defineDriver({
      id: 'talker',
      title: 'talker',
      attachment: 'serial',
      options: v.strictObject({}),
      create: () => assert.fail(),
    }),
    attachment: { kind: 'serial', port: 'uart0', baud: 9600 },
    options: {},
    intervalMs: 1000,
    keep: true,
    place: { file: 'test.yaml', line: 1, column: 1 },
  };
}

async function started(): Promise<Rig> {
  const rig = new Rig();
  rig.sampler.start();
  await rig.clock.advance(10);
  assert.equal(rig.state, 'ok');
  rig.calls.length = 0;
  rig.rows.length = 0;
  return rig;
}

/** Work that ends when it is told to. */
const untilTold = (signal: AbortSignal) =>
  new Promise<string>((resolve) => signal.addEventListener('abort', () => resolve('told')));

test('a part that is lent is silent and closed, says so, and starts anew when the work ends', async () => {
  const rig = await started();
  let done = (_text: string) => {};
  const answer = rig.sampler.lend('gps', 60_000, () => new Promise<string>((resolve) => (done = resolve)));
  await rig.clock.advance(5);
  assert.deepEqual(rig.calls, ['unheard', 'close']);
  assert.equal(rig.state, 'lent');
  rig.talkers[0]!.say();
  rig.talkers[0]!.fails!(new HalError('disconnected', 'uart0', 'closed'));
  await rig.clock.advance(40_000);
  assert.deepEqual(rig.rows, [], 'no row, and no fault made up');
  assert.equal(rig.sampler.isStuck(), false, 'forty seconds without a tick');
  done('seen');
  assert.equal(await answer, 'seen');
  await rig.clock.advance(1);
  await rig.clock.advance(1500);
  assert.deepEqual(rig.calls.slice(2), ['open', 'probe', 'configure']);
  assert.equal(rig.state, 'ok');
  assert.deepEqual(rig.lives, [2, 2], 'of the part that was opened anew, at once and a second later');
  assert.equal(rig.declared.length, 1, 'its streams go on');
  assert.equal(rig.sampler.status()[0]!.failures, 0);
  assert.equal(rig.sampler.status()[0]!.samples, 3);
});

test('work is told when its time is over; work that goes on all the same no longer holds the part', async () => {
  const rig = await started();
  const told = rig.sampler.lend('gps', 10_000, untilTold);
  await rig.clock.advance(10_000);
  assert.equal(await told, 'told');
  await rig.clock.advance(10);
  assert.equal(rig.state, 'ok');
  let isTold = false;
  void rig.sampler.lend('gps', 10_000, (signal) => {
    signal.addEventListener('abort', () => (isTold = true));
    return new Promise(() => {});
  });
  await rig.clock.advance(10_500);
  assert.deepEqual([isTold, rig.state], [true, 'lent']);
  await rig.clock.advance(1000);
  assert.equal(rig.state, 'ok');
});

test('nobody gets it for longer than a minute', async () => {
  const rig = await started();
  const told = rig.sampler.lend('gps', 3_600_000, untilTold);
  await rig.clock.advance(60_000);
  assert.equal(await told, 'told');
});

test('work that fails gives the part back, and its failure to who asked', async () => {
  const rig = await started();
  const work = rig.sampler.lend('gps', 1000, async () => {
    throw new HalError('denied', 'uart0', 'no');
  });
  await assert.rejects(work, { kind: 'denied' });
  await rig.clock.advance(10);
  assert.equal(rig.state, 'ok');
});

test('a second who asks is refused, and so is one who names no part', async () => {
  const rig = await started();
  void rig.sampler.lend('gps', 1000, untilTold);
  await rig.clock.advance(10);
  await assert.rejects(rig.sampler.lend('gps', 1000, untilTold), { kind: 'busy' });
  await assert.rejects(rig.sampler.lend('nobody', 1000, untilTold), { kind: 'invalid' });
});

test('a call under way comes back first: a part that fails is lent as one that works', async () => {
  const rig = await started();
  rig.fail = new HalError('timeout', 'uart0', 'silent');
  rig.talkers[0]!.sample = async () => {
    await rig.clock.delay(300);
    throw rig.fail;
  };
  await rig.clock.advance(1000); // the next sample is under way
  const lent = rig.sampler.lend('gps', 60_000, async () => rig.clock.nowNs());
  const askedNs = rig.clock.nowNs();
  await rig.clock.advance(1000);
  assert.ok((await lent) - askedNs >= 200_000_000n);
  assert.equal(rig.rows.filter(({ quality }) => quality[0] === QUALITY.fault).length >= 1, true);
  rig.fail = undefined;
  await rig.clock.advance(60_000);
  assert.equal(rig.state, 'ok');
});

test('a part that opens after it was given up, while it is lent, is closed again', async () => {
  const rig = await started();
  let isOpen = () => {};
  rig.opening = () => new Promise<void>((resolve) => (isOpen = resolve));
  await Promise.all([rig.sampler.lend('gps', 1, async () => {}), rig.clock.advance(5100)]);
  assert.equal(rig.state, 'missing', 'the opening was given up');
  const lent = rig.sampler.lend('gps', 10_000, untilTold);
  await rig.clock.advance(10);
  rig.calls.length = 0;
  isOpen();
  await rig.clock.advance(10);
  assert.deepEqual([rig.state, ...rig.calls], ['lent', 'close']);
  rig.opening = async () => {};
  await rig.clock.advance(11_000);
  await lent;
  assert.equal(rig.state, 'ok');
});

test('a stop tells the work, and nothing starts afterwards', async () => {
  const rig = await started();
  const told = rig.sampler.lend('gps', 60_000, untilTold);
  await rig.clock.advance(10);
  await rig.sampler.stop();
  assert.equal(await told, 'told');
  rig.calls.length = 0;
  await rig.clock.advance(60_000);
  assert.deepEqual(rig.calls, []);
  assert.equal(rig.clock.timers, 0);
});

test('a stop while the call before the loan hangs: it is refused once that is given up', async () => {
  const rig = await started();
  rig.talkers[0]!.sample = () => new Promise(() => {});
  await rig.clock.advance(1000);
  const lent = rig.sampler.lend('gps', 60_000, untilTold).catch(halErrorKind);
  await rig.clock.advance(10);
  const stopped = rig.sampler.stop();
  await rig.clock.advance(6000);
  await stopped;
  assert.equal(await lent, 'busy');
});
