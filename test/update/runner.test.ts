import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RunningNode } from '../../runtime/node.js';
import type { PipelineStatus } from '../../runtime/pipeline.js';
import { Journal } from '../../runtime/update/journal.js';
import { type Choice, Keeper } from '../../runtime/update/keeper.js';
import { HangError, Runner } from '../../runtime/update/runner.js';
import { State } from '../../runtime/update/state-files.js';
import { SimClock } from '../support/sim-clock.js';
import { bundleOf, FILE, Machine } from './support.js';

const [A, B] = [bundleOf('a'), bundleOf('b')];
const MINUTE_MS = 60_000;

type Opening = (choice: Choice) => Promise<void>;

/** A runner over nodes that are what a test says. */
function rig(opening: Opening = async () => undefined, kept: Readonly<Record<string, string>> = {}) {
  const clock = new SimClock();
  const machine = new Machine();
  for (const [name, text] of Object.entries(kept)) machine.disk.files.set(name, text);
  const log: string[] = [];
  const opened: string[] = [];
  const world = { isProven: false, isStuck: false, failing: [] as string[], open: 0, stopHangs: false };
  const parts = () => world.failing.map((id) => ({ id, state: 'failing', lastError: 'no answer' }));
  const status = () =>
    ({ parts: parts(), uplink: { link: { state: 'online' } } }) as unknown as PipelineStatus;
  const keeper = new Keeper({
    state: new State(machine.disk, (text) => log.push(text)),
    ...{ file: FILE, isFileRight: true, isRestarted: true, lastEnd: undefined },
    now: () => ({ bootId: 'boot', ms: Number(clock.nowNs() / 1_000_000n) }),
    say: (_, text) => log.push(text),
  });
  let wanted: (() => boolean) | undefined;
  let stop: (why: string) => void = () => undefined;
  const node = (): RunningNode => ({
    ...{ log: (_, __, text) => void log.push(text), status },
    isStuck: () => world.isStuck,
    isProven: () => world.isProven,
    stop: () => {
      world.open--;
      return world.stopHangs ? new Promise(() => undefined) : Promise.resolve();
    },
  });
  const runner = new Runner({
    ...{ keeper, clock, journal: new Journal((_, __, text) => log.push(text)), onAgain: () => undefined },
    open: async (choice) => {
      await opening(choice);
      world.open++;
      assert.equal(world.open, 1, 'one node at a time');
      opened.push(`${choice.state} ${choice.bundle.files[choice.bundle.main]}`);
      return node();
    },
    takeRequests: () => wanted?.() ?? false,
    stopAsked: new Promise((resolve) => {
      stop = resolve;
    }),
  });
  const apply = (bundle = A, minutes = 10) => {
    const request = machine.apply(bundle, minutes);
    wanted = () => {
      wanted = undefined;
      return keeper.take(request, [], world.failing).isOther;
    };
  };
  return { clock, machine, log, opened, world, keeper, runner, apply, stop: (why: string) => stop(why) };
}

const never: Promise<void> = new Promise(() => undefined);

test('a trial that nothing confirms goes back at its time, to the millisecond of its look; a stop ends the run', async () => {
  const { clock, opened, keeper, runner, apply, stop } = rig();
  const running = runner.run();
  await clock.advance(1_000);
  apply(A, 10);
  runner.look();
  await clock.advance(10 * MINUTE_MS - 1_000);
  assert.deepEqual(opened, ['file the node file', 'trial a']);
  await clock.advance(2_000);
  assert.deepEqual(opened.at(-1), 'file the node file');
  assert.match(keeper.status().lastOutcome!.text, /no reading of this run has its receipt/);
  stop('SIGTERM');
  assert.equal(await running, 'SIGTERM');
  assert.equal(clock.timers, 0, 'no timer is left');
});

test('a receipt confirms once it has sampled for a minute on end, no part failing that did not before', async () => {
  const { clock, world, keeper, runner, apply } = rig();
  void runner.run();
  world.failing = ['old'];
  await clock.advance(1_000);
  apply();
  runner.look();
  world.isProven = true;
  await clock.advance(50_000);
  assert.equal(keeper.status().state, 'trial');
  world.isStuck = true;
  await clock.advance(20_000);
  world.isStuck = false;
  world.failing = ['old', 'new'];
  await clock.advance(90_000);
  assert.equal(keeper.status().state, 'trial', 'a part fails that did not');
  world.failing = ['old'];
  await clock.advance(2_000);
  assert.deepEqual([keeper.status().state, keeper.status().lastOutcome?.why], ['good', 'receipt']);
});

test('of a trial of a minute, half must be sampled', async () => {
  const { clock, world, keeper, runner, apply } = rig();
  void runner.run();
  await clock.advance(1_000);
  apply(A, 1);
  runner.look();
  world.isProven = true;
  await clock.advance(29_000);
  assert.equal(keeper.status().state, 'trial');
  await clock.advance(3_000);
  assert.equal(keeper.status().state, 'good');
});

test('a trial that can not be opened is tried three times, a second apart', async () => {
  const { clock, opened, keeper, runner, apply } = rig(async ({ state }) => {
    if (state === 'trial') throw new Error('no such store');
  });
  void runner.run();
  await clock.advance(1_000);
  apply();
  runner.look();
  await clock.advance(2_500);
  assert.equal(keeper.status().state, 'trial');
  await clock.advance(1_000);
  assert.deepEqual(opened, ['file the node file', 'file the node file']);
  assert.match(keeper.status().lastOutcome!.text, /3 starts in a row.*no such store/);
});

test('what hangs as it opens, or as it stops, ends the process, with the decision on the disk', async () => {
  const opening = rig(({ state }) => (state === 'trial' ? never : Promise.resolve()));
  const ended = assert.rejects(opening.runner.run(), HangError);
  await opening.clock.advance(1_000);
  opening.apply(A, 1);
  opening.runner.look();
  await opening.clock.advance(2 * MINUTE_MS);
  await ended;
  assert.equal(opening.machine.disk.files.has('trial.json'), false);
  assert.match(opening.keeper.status().lastOutcome!.text, /not open yet/);

  const stopping = rig();
  const hung = assert.rejects(stopping.runner.run(), /the stop of the node has taken 20 s/);
  await stopping.clock.advance(1_000);
  stopping.world.stopHangs = true;
  stopping.apply();
  stopping.runner.look();
  await stopping.clock.advance(30_000);
  await hung;
});

test('the node file that can not be opened is told to whoever started it; safe mode is tried each minute, and a new one ends it', async () => {
  const failing = rig(async () => {
    throw new Error('no identity');
  });
  await assert.rejects(failing.runner.run(), /no identity/);

  let tries = 0;
  const kept = { of: FILE.sha256, crashes: 3, bootId: 'boot', safe: 'it crashed' };
  const safe = rig(
    async ({ state }) => {
      if (state !== 'safe') return;
      tries++;
      throw new Error('no disk');
    },
    { 'starts.json': JSON.stringify(kept) },
  );
  void safe.runner.run();
  await safe.clock.advance(150_000);
  assert.equal(tries, 3);
  safe.apply(B);
  await safe.clock.advance(10_000);
  assert.deepEqual(safe.opened, ['trial b']);
});
