import type { RuntimeClock, Timer } from '../clock/index.js';
import type { RunningNode } from '../node.js';
import type { Journal } from './journal.js';
import type { Choice, Keeper } from './keeper.js';
import { lackOf } from './proof.js';
import { shortOf } from './words.js';

/** While something is to be decided soon, and while nothing is. */
const LOOK_MS = 1_000;
const REST_MS = 10_000;
/** A start that failed is tried again after so long: once a minute where nothing else is left to run. */
const AGAIN_MS = 1_000;
const SAFE_AGAIN_MS = 60_000;
/** An opening or a stop that takes longer hangs, and only the end of the process ends it. */
const GRACE_MS = 20_000;
/** A node that has sampled for so long has started. */
export const SETTLE_MS = 60_000;

export interface RunnerOptions {
  readonly keeper: Keeper;
  readonly clock: RuntimeClock;
  readonly journal: Journal;
  /** Opens what was chosen; rejects, and nothing stays open. */
  readonly open: (choice: Choice) => Promise<RunningNode>;
  /** Does what waits in the inbox; whether something else is to run. Never throws. */
  readonly takeRequests: (node: RunningNode | undefined) => boolean;
  /** Resolves with the reason when the process shall end. */
  readonly stopAsked: Promise<string>;
  /** The node that ran is closing, and another follows. */
  readonly onAgain: (why: string) => void;
  /** Default `SETTLE_MS`. */
  readonly settleMs?: number;
}

/** Something in this process hangs, so that nothing else can run in it: it must end, and be started again. */
export class HangError extends Error {
  override readonly name = 'HangError';
}

/** Why a turn is over; `isLast`: the process ends. */
interface End {
  readonly why: string;
  readonly isLast: boolean;
}

/** Runs one configuration after another, as the keeper chooses, until the process is asked to stop. */
export class Runner {
  #node: RunningNode | undefined;
  /** Ends the turn. */
  #end: (end: End) => void = () => undefined;
  #timer: Timer | undefined;
  #soundSinceNs = 0n;
  #isSettled = false;

  constructor(private readonly options: RunnerOptions) {}

  /** Resolves with why it stopped. Rejects where the node file itself can't be started, and with HangError. */
  async run(): Promise<string> {
    for (;;) {
      const end = await this.#turn();
      if (end.isLast) return end.why;
      this.options.onAgain(end.why);
    }
  }

  /** A request has come: it is looked at now and not at the next look. */
  look(): void {
    this.#timer?.cancel();
    this.#look();
  }

  async #turn(): Promise<End> {
    const { keeper, journal, stopAsked } = this.options;
    const choice = keeper.next();
    if (choice.state !== 'file') journal.say('info', 'config', choiceText(choice));
    const ended = new Promise<End>((resolve) => {
      this.#end = resolve;
      void stopAsked.then((why) => resolve({ why, isLast: true }));
    });
    this.#isSettled = false;
    this.#timer = this.options.clock.after(LOOK_MS, () => this.#look());
    try {
      return await this.#opened(choice, ended);
    } finally {
      this.#timer?.cancel();
      this.#timer = undefined;
      this.#end = () => undefined;
    }
  }

  async #opened(choice: Choice, ended: Promise<End>): Promise<End> {
    const { keeper, journal, clock, open } = this.options;
    const opening = open(choice).then(
      (node) => ({ node }),
      (error: Error) => ({ error }),
    );
    const early = await Promise.race([opening, ended.then((end) => ({ end }))]);
    const opened = 'end' in early ? await this.#inTime(opening, 'the start') : early;
    if ('error' in opened) {
      if ('end' in early) return early.end;
      return this.#failed(choice, opened.error, ended);
    }
    this.#node = opened.node;
    this.#soundSinceNs = clock.nowNs();
    journal.attach(opened.node.log);
    const end = 'end' in early ? early.end : await ended;
    this.#node = undefined;
    journal.detach();
    await this.#inTime(opened.node.stop(end.why), 'the stop');
    keeper.settled();
    return end;
  }

  /** What is no trial of something new is told to whoever started the process, as long as it is the node file's own fault. */
  async #failed(choice: Choice, error: Error, ended: Promise<End>): Promise<End> {
    const { keeper, journal, clock } = this.options;
    if (isHeld(error)) keeper.notBegun();
    else keeper.failed(error);
    if (choice.state === 'file' || isHeld(error)) {
      journal.giveUp();
      throw error;
    }
    journal.say('error', 'config', `${choiceText(choice)}: it can't be started: ${error.message}`);
    if (choice.state === 'safe') journal.giveUp();
    const waitMs = choice.state === 'safe' ? SAFE_AGAIN_MS : AGAIN_MS;
    const timer = clock.after(waitMs, () => this.#end({ why: 'its start failed', isLast: false }));
    return ended.finally(() => timer.cancel());
  }

  async #inTime<T>(work: Promise<T>, what: string): Promise<T> {
    let timer: Timer | undefined;
    const late = new Promise<never>((_, reject) => {
      const why = `${what} of the node has taken ${GRACE_MS / 1000} s: this process ends, to be started again`;
      timer = this.options.clock.after(GRACE_MS, () => reject(new HangError(why)));
    });
    return Promise.race([work, late]).finally(() => timer?.cancel());
  }

  #look(): void {
    const { keeper, clock, takeRequests } = this.options;
    if (takeRequests(this.#node)) this.#end({ why: 'another configuration was asked for', isLast: false });
    else if (keeper.isTrying) this.#lookAtTrial();
    this.#lookAtSettling();
    if (!this.#timer) return;
    const isSoon = keeper.isTrying || !this.#isSettled;
    this.#timer = clock.after(isSoon ? LOOK_MS : REST_MS, () => this.#look());
  }

  #lookAtTrial(): void {
    const { keeper, journal } = this.options;
    const lack = this.#lack();
    if (lack.length === 0) {
      try {
        keeper.confirm('receipt');
        return;
      } catch (error) {
        journal.say('error', 'config', `the trial is proven, but can't be kept: ${(error as Error).message}`);
      }
    }
    if (!keeper.isOver()) return;
    keeper.failed(new Error(lack.join('; ')));
    keeper.revert('expired');
    this.#end({ why: 'the trial of a configuration is over', isLast: false });
  }

  /** What keeps the trial from being proven. */
  #lack(): readonly string[] {
    if (!this.#node) return ['it is not open yet'];
    const settling = this.#isSettled ? [] : [`it has not sampled for ${this.#settleMs() / 1000} s on end`];
    return [...settling, ...lackOf(this.#node, this.options.keeper.trial?.ailing ?? [])];
  }

  #lookAtSettling(): void {
    const { keeper, clock } = this.options;
    if (!this.#node || this.#isSettled) return;
    if (this.#node.isStuck()) this.#soundSinceNs = clock.nowNs();
    if (clock.nowNs() - this.#soundSinceNs < BigInt(this.#settleMs()) * 1_000_000n) return;
    this.#isSettled = true;
    keeper.settled();
  }

  /** Half of a short trial, so that a receipt may still confirm it. */
  #settleMs(): number {
    const { keeper, settleMs = SETTLE_MS } = this.options;
    const { trial } = keeper;
    return Math.min(settleMs, trial ? (trial.minutes * 60_000) / 2 : settleMs);
  }
}

/** Another process has the store: no fault of the configuration. */
function isHeld(error: Error & { readonly kind?: string }): boolean {
  return error.name === 'StoreError' && error.kind === 'locked';
}

function choiceText({ state, bundle, why }: Choice): string {
  const name = `configuration ${shortOf(bundle.sha256)}`;
  if (state === 'safe') return `safe mode of ${name}, without its parts: ${why}`;
  return `${name} (${state})`;
}
