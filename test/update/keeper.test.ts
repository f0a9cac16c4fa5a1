import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Keeper } from '../../runtime/update/keeper.js';
import { bundleOf, FILE, Machine } from './support.js';

const [A, B] = [bundleOf('a'), bundleOf('b')];
const MINUTE_MS = 60_000;

/** Starts until something else than that runs, as crashes would. */
function crashUntilLeft(
  machine: Machine,
  state: string,
): { readonly starts: number; readonly keeper: Keeper } {
  for (let starts = 0; ; starts++) {
    const keeper = machine.keeper();
    if (keeper.next().state !== state) return { starts, keeper };
    assert.ok(starts < 10, `it goes on as ${state}`);
  }
}

/** A configuration that was applied and confirmed by a receipt. */
function confirmed(machine: Machine, bundle: typeof A): Keeper {
  const keeper = machine.keeper();
  keeper.take(machine.apply(bundle));
  assert.equal(keeper.next().state, 'trial');
  keeper.confirm('receipt');
  return keeper;
}

describe('which configuration runs', () => {
  test('without anything applied, the node file', () => {
    const machine = new Machine();
    const choice = machine.keeper().next();
    assert.deepEqual([choice.state, choice.bundle], ['file', FILE]);
  });

  test('a trial runs at once, for its time over all its starts and boots, then the node file', () => {
    const machine = new Machine();
    const keeper = machine.keeper();
    keeper.next();
    assert.equal(keeper.take(machine.apply(A, 10)).isOther, true);
    assert.deepEqual([keeper.next().state, keeper.runs.bundle], ['trial', A]);
    machine.bootMs += 4 * MINUTE_MS;
    assert.equal(keeper.isOver(), false);
    keeper.settled();
    assert.equal(keeper.status().minutesLeft, 6);
    machine.reboot();
    const again = machine.keeper();
    assert.equal(again.next().state, 'trial');
    machine.bootMs += 6 * MINUTE_MS - 1;
    assert.equal(again.isOver(), false);
    machine.bootMs += 1;
    assert.equal(again.isOver(), true);
    again.revert('expired');
    assert.equal(again.next().state, 'file');
    const { what, why, sha256, text } = again.status().lastOutcome!;
    assert.deepEqual([what, why, sha256], ['reverted', 'expired', A.sha256]);
    assert.match(text, /its time was over.*after 10 of 10 min.*preferred now: the node file/);
  });

  test('a trial whose time ran out while nobody looked is not started again', () => {
    const machine = new Machine();
    const keeper = machine.keeper();
    keeper.take(machine.apply(A, 1));
    keeper.next();
    machine.bootMs += MINUTE_MS;
    keeper.isOver();
    assert.equal(machine.keeper().next().state, 'file');
  });

  test('a trial has three starts that do not settle, power cuts or not; one that settles gives it three more', () => {
    const machine = new Machine();
    machine.keeper().take(machine.apply(A));
    for (const end of ['crash', 'power cut', 'settle', 'crash', 'power cut', 'crash']) {
      const keeper = machine.keeper();
      assert.equal(keeper.next().state, 'trial');
      if (end === 'settle') keeper.settled();
      if (end === 'power cut') machine.reboot();
    }
    // The one that settled crashed after it: the three after it are counted.
    const keeper = machine.keeper();
    assert.equal(keeper.next().state, 'file');
    assert.equal(keeper.status().lastOutcome?.why, 'crashed');
  });

  test('confirmed, it is preferred to the node file, and the one before is kept', () => {
    const machine = new Machine();
    confirmed(machine, A);
    assert.deepEqual([machine.keeper().next().state, machine.keeper().next().bundle], ['good', A]);
    const keeper = confirmed(machine, B);
    assert.deepEqual(
      [keeper.status().lastOutcome?.what, keeper.status().lastOutcome?.why],
      ['confirmed', 'receipt'],
    );
    assert.deepEqual(machine.keeper().next().bundle, B);
  });

  test('crashes lead from the good one to the one before, to the node file, to safe mode; each is told', () => {
    const machine = new Machine();
    confirmed(machine, A);
    confirmed(machine, B);
    const seen: string[] = [];
    for (let start = 0; start < 12; start++) {
      const keeper = machine.keeper();
      const { state, bundle } = keeper.next();
      seen.push(`${state} ${bundle.files[bundle.main]} ${keeper.status().lastOutcome?.sha256.slice(0, 4)}`);
      if (state !== 'safe') keeper.failed(new Error(`it crashed at start ${start}`));
    }
    const [a, b] = [A.sha256.slice(0, 4), B.sha256.slice(0, 4)];
    assert.deepEqual(seen, [
      ...Array(3).fill(`good b ${b}`),
      ...Array(3).fill(`good a ${b}`),
      ...Array(3).fill(`file the node file ${a}`),
      ...Array(3).fill(`safe the node file ${a}`),
    ]);
    assert.match(
      machine.keeper().next().why ?? '',
      /3 starts of \/etc\/cairn\/node.yaml in a row.*at start 8/,
    );
  });

  test('safe mode outlives power cuts; it ends by a revert, by an apply, or by another node file', () => {
    const safe = () => {
      const machine = new Machine();
      assert.equal(crashUntilLeft(machine, 'file').starts, 3);
      machine.reboot();
      assert.equal(machine.keeper().next().state, 'safe');
      return machine;
    };
    const reverted = safe();
    assert.equal(reverted.keeper().take(reverted.revert()).ok, true);
    assert.equal(reverted.keeper().next().state, 'file');
    const applied = safe();
    applied.keeper().take(applied.apply(A));
    assert.equal(applied.keeper().next().state, 'trial');
    assert.equal(safe().keeper(bundleOf('mended')).next().state, 'file');
  });

  test('power cuts are no crashes of what is not on trial; nor is anything that nobody starts again', () => {
    const cut = new Machine();
    for (let i = 0; i < 20; i++, cut.reboot()) assert.equal(cut.keeper().next().state, 'file');
    const byHand = new Machine({ isRestarted: false });
    for (let i = 0; i < 20; i++) assert.equal(byHand.keeper().next().state, 'file');
    // In one process it is the process that starts it again.
    confirmed(byHand, A);
    const keeper = byHand.keeper();
    const seen = [1, 2, 3, 4].map(() => keeper.next().state);
    assert.deepEqual(seen, ['good', 'good', 'good', 'file']);
  });

  test('a node file that is wrong is no place to go back to', () => {
    const machine = new Machine({ isFileRight: false });
    confirmed(machine, A);
    assert.equal(machine.keeper().take(machine.revert()).ok, false);
    assert.equal(crashUntilLeft(machine, 'good').starts, 3);
    assert.deepEqual([machine.keeper().next().state, machine.keeper().next().bundle], ['safe', A]);
  });

  test('requests: a confirm is of one configuration; a revert goes one back, or to the node file; what is refused changes nothing', () => {
    const machine = new Machine();
    const keeper = machine.keeper();
    keeper.next();
    assert.match(keeper.take(machine.revert()).text, /nothing to go back to/);
    const before = new Map(machine.disk.files);
    assert.equal(keeper.take(machine.confirm(A)).ok, false);
    assert.deepEqual(machine.disk.files, before);
    const refused = keeper.take(machine.apply(A), ['node.yaml:1:1: wrong']);
    assert.deepEqual([refused.ok, refused.isOther, keeper.next().state], [false, false, 'file']);
    assert.match(keeper.status().lastOutcome?.text ?? '', /refused.*node\.yaml:1:1: wrong/);

    keeper.take(machine.apply(A));
    keeper.next();
    assert.equal(keeper.take(machine.confirm(B)).ok, false);
    assert.equal(keeper.take(machine.confirm(A)).ok, true);
    assert.equal(keeper.runs.state, 'good');
    confirmed(machine, B);
    const other = machine.keeper();
    other.take(machine.revert());
    assert.deepEqual(other.next().bundle, A);
    other.take(machine.revert('file'));
    assert.equal(other.next().state, 'file');
    assert.deepEqual([...machine.disk.files.keys()].sort(), ['outcome.json', 'starts.json']);
  });

  test('a trial takes the place of another, whose end is told; its time is its own', () => {
    const machine = new Machine();
    const keeper = machine.keeper();
    keeper.take(machine.apply(A));
    keeper.next();
    machine.bootMs += 9 * MINUTE_MS;
    keeper.take(machine.apply(B, 10));
    // Until it is started, time is nobody's.
    assert.equal(keeper.isTrying, false);
    assert.deepEqual([keeper.isOver(), keeper.status().minutesLeft], [false, 10]);
    assert.deepEqual(
      [keeper.status().lastOutcome?.what, keeper.status().lastOutcome?.sha256],
      ['replaced', A.sha256],
    );
    assert.deepEqual([keeper.next().bundle, keeper.status().minutesLeft], [B, 10]);
  });

  test('the same request again is no second one', () => {
    const machine = new Machine();
    const request = machine.apply(A);
    machine.keeper().take(request);
    machine.keeper().next();
    assert.equal(machine.keeper().take(request).text, 'done before');
    confirmed(machine, B);
    const revert = machine.revert();
    machine.keeper().take(revert);
    machine.keeper().take(revert);
    assert.equal(machine.keeper().next().state, 'file');
  });

  test('a disk that refuses: a trial that cannot be counted is not started, nothing is applied or confirmed, and a node runs', () => {
    const machine = new Machine();
    const keeper = machine.keeper();
    keeper.next();
    machine.disk.refuses = true;
    assert.throws(() => keeper.take(machine.apply(A)), /ENOSPC/);
    assert.equal(keeper.next().state, 'file');
    machine.disk.refuses = false;
    keeper.take(machine.apply(A));
    assert.equal(keeper.next().state, 'trial');
    machine.disk.refuses = true;
    assert.throws(() => keeper.confirm('receipt'), /ENOSPC/);
    assert.equal(keeper.status().state, 'trial');
    const next = machine.keeper();
    assert.equal(next.next().state, 'file');
    assert.equal(next.status().lastOutcome?.why, 'uncounted');
    // Three crashes of a good one lead on all the same, in memory.
    machine.disk.refuses = false;
    confirmed(machine, B);
    machine.disk.refuses = true;
    const stuck = machine.keeper();
    assert.deepEqual(
      [1, 2, 3, 4, 5, 6, 7].map(() => stuck.next().state),
      [...['good', 'good', 'good', 'file', 'file', 'file', 'safe']],
    );
  });

  for (const name of ['good', 'previous', 'trial', 'outcome', 'starts']) {
    test(`a damaged ${name}.json is told, set aside, and keeps nothing from running`, () => {
      const machine = new Machine();
      confirmed(machine, A);
      confirmed(machine, B);
      machine.keeper().take(machine.apply(bundleOf('c')));
      machine.keeper().next();
      const text = machine.disk.files.get(`${name}.json`) ?? '';
      const isTrial = name === 'trial';
      for (const torn of [
        '',
        text.slice(0, -9),
        text.replace(/"sha256":"..../, '"sha256":"0000'),
        '{}',
        '\0'.repeat(64),
      ]) {
        // A bundle is known by its SHA-256; an outcome that rots into another one is not seen.
        if (torn === text || (name === 'outcome' && torn.includes('0000'))) continue;
        const files = new Map(machine.disk.files);
        machine.disk.files.set(`${name}.json`, torn);
        machine.said.length = 0;
        const keeper = machine.keeper();
        const { state, bundle } = keeper.next();
        assert.ok(
          machine.said.some((line) => line.startsWith(`${name}.json of the state folder can't be read`)),
        );
        assert.equal(state, isTrial ? 'good' : 'trial');
        if (isTrial) assert.deepEqual([bundle, keeper.status().lastOutcome?.why], [B, 'damaged']);
        if (name === 'good') {
          keeper.revert('expired');
          assert.deepEqual(keeper.next().bundle, A);
        }
        machine.disk.files.clear();
        for (const [file, old] of files) machine.disk.files.set(file, old);
      }
    });
  }
});
