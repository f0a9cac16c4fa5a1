import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Bundle, Request } from '../../runtime/update/index.js';
import type { Keeper } from '../../runtime/update/keeper.js';
import { bundleOf, Died, FILE, Machine } from './support.js';

const BUNDLES = ['a', 'b', 'c'].map((text) => bundleOf(text));
const MINUTE_MS = 60_000;
/** What a power cut may give back of a trial's time, a start: it is written down every 30 s. */
const LOST_MS = 30_000;

type Event =
  | { readonly kind: 'apply'; readonly which: number; readonly minutes: number; readonly isWrong: boolean }
  | { readonly kind: 'confirm'; readonly which: number }
  | { readonly kind: 'revert'; readonly to: 'before' | 'file' }
  | { readonly kind: 'time'; readonly ms: number }
  | { readonly kind: 'proven' | 'settle' | 'fail' | 'kill' | 'cut' | 'stop' };

const event: fc.Arbitrary<Event> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('apply'),
      which: fc.nat(2),
      minutes: fc.integer({ min: 1, max: 3 }),
      isWrong: fc.boolean(),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('confirm'), which: fc.nat(2) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('revert'), to: fc.constantFrom('before', 'file') }) },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('time'), ms: fc.integer({ min: 1, max: 100_000 }) }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constantFrom('proven', 'settle', 'fail', 'kill', 'kill', 'cut', 'stop'),
    }),
  },
) as fc.Arbitrary<Event>;

/** What should run, by the rules of docs/operations.md written down anew: a pile of good ones, a trial on top, crashes in a row. */
class Model {
  trial: { readonly bundle: Bundle; readonly minutes: number; starts: number; spentMs: number } | undefined;
  goods: Bundle[] = [];
  /** Of what was last started and is no trial. */
  count = { of: '', crashes: 0, isSafe: false };
  /** What, why, of which. */
  outcome: readonly [what: string, why: string, sha256: string] | undefined;
  runs: readonly [state: string, bundle: Bundle] = ['file', FILE];
  #isCut = false;

  start(): void {
    if (this.trial && this.trial.spentMs >= this.trial.minutes * MINUTE_MS) this.leave('expired');
    if (this.trial?.starts === 3) this.leave('crashed');
    if (this.trial) {
      this.trial.starts++;
      this.runs = ['trial', this.trial.bundle];
      return;
    }
    for (;;) {
      const kept = this.goods[0] ?? FILE;
      if (this.count.of !== kept.sha256) this.count = { of: kept.sha256, crashes: 0, isSafe: false };
      else if (this.#isCut) this.count.crashes = Math.max(0, this.count.crashes - 1);
      this.#isCut = false;
      if (this.count.crashes < 3 || this.goods.length === 0) break;
      this.stepDown('crashed');
    }
    this.count.isSafe ||= this.count.crashes === 3;
    const kept = this.goods[0] ?? FILE;
    this.runs = [this.count.isSafe ? 'safe' : this.goods.length > 0 ? 'good' : 'file', kept];
    if (!this.count.isSafe) this.count.crashes++;
  }

  cut(): void {
    this.#isCut = true;
  }

  settle(): void {
    if (this.trial && this.runs[0] === 'trial') this.trial.starts = 0;
    else this.count.crashes = 0;
  }

  leave(why: string): void {
    this.outcome = ['reverted', why, this.trial!.bundle.sha256];
    this.trial = undefined;
  }

  stepDown(why: string): void {
    this.outcome = ['reverted', why, this.goods.shift()!.sha256];
    this.goods = this.goods.slice(0, 1);
  }

  confirm(why: string): void {
    const { bundle } = this.trial!;
    this.outcome = ['confirmed', why, bundle.sha256];
    this.goods = [bundle, ...this.goods].slice(0, 2);
    this.trial = undefined;
    this.runs = ['good', bundle];
  }

  apply(bundle: Bundle, minutes: number, isWrong: boolean): void {
    if (isWrong) {
      this.outcome = ['refused', 'check', bundle.sha256];
      return;
    }
    if (this.trial) this.outcome = ['replaced', 'replaced', this.trial.bundle.sha256];
    this.trial = { bundle, minutes, starts: 0, spentMs: 0 };
    this.start();
  }

  revert(to: 'before' | 'file'): void {
    const isTrial = this.trial !== undefined;
    if (!isTrial && this.goods.length === 0 && !this.count.isSafe) return;
    if (isTrial) this.leave('technician');
    if (to === 'file') this.goods = this.goods.slice(0, 1);
    if (this.goods.length > 0 && (to === 'file' || !isTrial)) this.stepDown('technician');
    this.count = { of: '', crashes: 0, isSafe: false };
    this.start();
  }
}

/** The same event, to the keeper and to the model. */
function both(machine: Machine, model: Model, keeper: Keeper, event: Event): Keeper {
  switch (event.kind) {
    case 'apply':
      if (
        keeper.take(machine.apply(BUNDLES[event.which]!, event.minutes), event.isWrong ? ['wrong'] : [])
          .isOther
      )
        keeper.next();
      model.apply(BUNDLES[event.which]!, event.minutes, event.isWrong);
      return keeper;
    case 'confirm':
      keeper.take(machine.confirm(BUNDLES[event.which]!));
      if (model.trial?.bundle === BUNDLES[event.which]) model.confirm('technician');
      return keeper;
    case 'revert':
      if (keeper.take(machine.revert(event.to)).isOther) keeper.next();
      model.revert(event.to);
      return keeper;
    case 'time':
      machine.bootMs += event.ms;
      if (model.trial) model.trial.spentMs += event.ms;
      if (keeper.isOver()) {
        keeper.revert('expired');
        keeper.next();
      }
      if (model.trial && model.trial.spentMs >= model.trial.minutes * MINUTE_MS) model.start();
      return keeper;
    case 'proven':
      if (keeper.isTrying) keeper.confirm('receipt');
      if (model.trial) model.confirm('receipt');
      return keeper;
    case 'settle':
      keeper.settled();
      model.settle();
      return keeper;
    case 'fail':
      keeper.failed(new Error('it crashed'));
      keeper.next();
      model.start();
      return keeper;
    default: {
      // A trial's time that is not written down yet would die with the process.
      if (event.kind === 'stop' || keeper.isTrying) {
        keeper.settled();
        model.settle();
      }
      if (event.kind === 'cut') machine.reboot();
      if (event.kind === 'cut') model.cut();
      const next = machine.keeper();
      next.next();
      model.start();
      return next;
    }
  }
}

test('any order of events: what runs, and what became of it, is as the rules say', () => {
  fc.assert(
    fc.property(fc.array(event, { maxLength: 60 }), (events) => {
      const machine = new Machine();
      const model = new Model();
      let keeper = machine.keeper();
      keeper.next();
      model.start();
      for (const event of events) {
        keeper = both(machine, model, keeper, event);
        const { state, bundle } = keeper.runs;
        assert.deepEqual([state, bundle], model.runs);
        const { what, why, sha256 } = keeper.status().lastOutcome ?? {};
        assert.deepEqual([what, why, sha256], model.outcome ?? [undefined, undefined, undefined]);
      }
    }),
    { numRuns: 3_000 },
  );
});

/** A node of which the process dies at any write, and its own account of what it was told. */
class Watched {
  readonly machine = new Machine();
  keeper: Keeper | undefined;
  /** Left in the inbox until it is taken. */
  inbox: Request | undefined;
  isWrong = false;
  applied = FILE;
  #applies = 0;
  readonly confirmable = new Set<string>();
  readonly lasting = new Set<string>();
  readonly over = new Set<string>();
  readonly unsettled = new Map<string, number>();
  readonly ranMs = new Map<string, number>();
  readonly limits = new Map<string, number>();

  /** Does it, or dies of it; a process that is dead is started again. */
  do(event: Event): void {
    try {
      if (!this.keeper) this.#start();
      this.#do(event);
    } catch (error) {
      if (!(error instanceof Died)) throw error;
    }
    if (this.machine.disk.isDead) this.keeper = undefined;
    this.machine.disk.isDead = false;
  }

  /** What a dead process still holds for true is nobody's. */
  #alive(): void {
    if (this.machine.disk.isDead) throw new Died();
  }

  #start(): void {
    const keeper = this.machine.keeper();
    if (this.inbox) this.#take(keeper, this.isWrong && this.inbox.kind === 'apply');
    this.keeper = keeper;
    this.#next();
  }

  #next(): void {
    const keeper = this.keeper!;
    const before = keeper.trial;
    const { state, bundle } = keeper.next();
    this.#alive();
    this.#check(state, bundle);
    if (before && !keeper.trial) {
      const outcome = keeper.status().lastOutcome;
      assert.equal(outcome?.sha256, before.bundle.sha256, 'a trial that is gone has its outcome');
    }
    if (state !== 'trial') return;
    const { id, minutes } = keeper.trial!;
    assert.ok(!this.over.has(id), 'a trial that was over runs again');
    assert.ok(!this.lasting.has(id), 'what was confirmed is on trial again');
    const starts = (this.unsettled.get(id) ?? 0) + 1;
    assert.ok(starts <= 3, `${starts} starts that did not settle`);
    this.unsettled.set(id, starts);
    this.limits.set(id, minutes * MINUTE_MS);
  }

  #check(state: string, bundle: Bundle): void {
    const outcome = this.keeper!.status().lastOutcome;
    const isTold = outcome?.sha256 === bundle.sha256 ? outcome.what : undefined;
    if (state === 'file') assert.equal(bundle.sha256, FILE.sha256);
    if (state === 'good') {
      assert.ok(this.confirmable.has(bundle.sha256), 'nobody confirmed what is taken as good');
      assert.notEqual(isTold, 'reverted', 'what runs is told to have been left');
    }
    if (state === 'trial') assert.equal(isTold, undefined, 'what is on trial has its outcome already');
  }

  #do(event: Event): void {
    const keeper = this.keeper!;
    const { machine } = this;
    if (event.kind === 'apply') {
      // Each its own, so that what is told of one is of no other.
      this.applied = bundleOf(`${event.which} ${this.#applies++}`);
      this.inbox = machine.apply(this.applied, event.minutes);
      this.isWrong = event.isWrong;
    } else if (event.kind === 'confirm') this.inbox = machine.confirm(this.applied);
    else if (event.kind === 'revert') this.inbox = machine.revert(event.to);
    if (this.inbox && this.#take(keeper, this.isWrong && this.inbox.kind === 'apply')) this.#next();
    if (event.kind === 'time') this.#goOn(event.ms);
    if (event.kind === 'proven' && keeper.isTrying) this.#confirm(keeper);
    if (event.kind === 'settle') this.#settle(keeper);
    if (event.kind === 'fail') {
      keeper.failed(new Error('it crashed'));
      this.#next();
    }
    if (event.kind === 'stop') this.#settle(keeper);
    if (event.kind === 'kill' || event.kind === 'cut' || event.kind === 'stop') this.keeper = undefined;
    if (event.kind === 'cut') machine.reboot();
  }

  #take(keeper: Keeper, isWrong: boolean): boolean {
    const request = this.inbox!;
    const { trial } = keeper;
    if (request.kind === 'confirm' && trial?.bundle.sha256 === request.sha256)
      this.confirmable.add(request.sha256);
    const { ok, isOther } = keeper.take(request, isWrong ? ['wrong'] : []);
    this.#alive();
    this.inbox = undefined;
    if (ok && request.kind === 'confirm' && trial) this.lasting.add(trial.id);
    if (ok && request.kind === 'revert' && trial) this.over.add(trial.id);
    if (isWrong) assert.equal(keeper.status().lastOutcome?.what, 'refused');
    return isOther;
  }

  #confirm(keeper: Keeper): void {
    const { id, bundle } = keeper.trial!;
    this.confirmable.add(bundle.sha256);
    keeper.confirm('receipt');
    this.#alive();
    this.lasting.add(id);
    assert.equal(keeper.status().state, 'good');
  }

  #settle(keeper: Keeper): void {
    const id = keeper.isTrying ? keeper.trial?.id : undefined;
    // Counted as settled from the moment that it may be on the disk.
    if (id !== undefined) this.unsettled.set(id, 0);
    keeper.settled();
  }

  #goOn(ms: number): void {
    const keeper = this.keeper!;
    const id = keeper.isTrying ? keeper.trial!.id : undefined;
    this.machine.bootMs += ms;
    if (id !== undefined) this.ranMs.set(id, (this.ranMs.get(id) ?? 0) + ms);
    const isOver = keeper.isOver();
    this.#alive();
    if (!isOver) {
      // It is looked at once a second: never longer than its time, and what died with its processes.
      if (id !== undefined) assert.ok(this.ranMs.get(id)! < this.limits.get(id)! + this.#lostMs);
      return;
    }
    keeper.revert('expired');
    this.#alive();
    this.over.add(id!);
    this.#next();
  }

  deaths = 0;
  get #lostMs(): number {
    return (this.deaths + 1) * (LOST_MS + 100_000);
  }
}

test('any order of events, with the process dying at any write: it runs, nothing unconfirmed is good, a trial ends, and each end is told', () => {
  const death = fc.option(fc.record({ left: fc.integer({ min: 1, max: 4 }), isDone: fc.boolean() }), {
    freq: 2,
    nil: undefined,
  });
  fc.assert(
    fc.property(fc.array(fc.tuple(event, death), { maxLength: 40 }), (steps) => {
      const node = new Watched();
      for (const [event, dieAt] of steps) {
        node.machine.disk.dieAt = dieAt && { ...dieAt };
        const { keeper } = node;
        node.do(event);
        if (keeper && !node.keeper) node.deaths++;
        node.machine.disk.dieAt = undefined;
        if (!node.keeper) node.do({ kind: 'time', ms: 1 });
        assert.ok(node.keeper, 'it runs again');
      }
    }),
    { numRuns: 3_000 },
  );
});
