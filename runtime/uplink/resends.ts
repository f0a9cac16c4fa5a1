import type { LogClass } from '../../wire/index.js';
import type { RuntimeClock, Timer } from '../clock/types.js';
import type { BlockPosition, Store, StoredBlock } from '../store/types.js';
import type { Say } from './say.js';

const MAX_WAIT_MS = 3_600_000;

/** A block that left and has no receipt yet: where it is, and what a receipt must name. Not its bytes. */
export interface Waiting {
  readonly key: string;
  readonly position: BlockPosition;
  readonly stream: string;
  readonly first: number;
  readonly count: number;
  readonly crc: number;
  /** `sending`: the broker hasn't answered yet. `receipted`: nor has it, but the receipt is there. `due`: it is sent again next. */
  state: 'sending' | 'receipted' | 'waiting' | 'due';
  /** When it is due, boot time. */
  dueNs: bigint;
  tries: number;
}

export interface ResendsOptions {
  readonly store: Pick<Store, 'read'>;
  readonly clock: RuntimeClock;
  readonly random: () => number;
  readonly receiptDeadlineMs: number;
  readonly waiting: () => Iterable<Waiting>;
  /** Whether a budget lets a class go now. What it doesn't waits one deadline more. */
  readonly affords: (logClass: LogClass) => boolean;
  /** It isn't in the store any more. */
  readonly lost: (waiting: Waiting) => void;
  /** A block is ready to be sent again, or a place is free. */
  readonly onDue: () => void;
  readonly say: Say;
  /** There was no receipt at all for so long. */
  readonly onSilence: () => void;
}

/**
 * Blocks whose receipt has not come in time, read from the store one by one. While no receipt comes at all, one block asks for all, at
 * growing intervals: with nobody there, sending everything again would only fill the link and the broker.
 */
export class Resends {
  #queue: Waiting[] = [];
  #ready: { readonly waiting: Waiting; readonly block: StoredBlock } | undefined;
  #reading = false;
  #timer: { readonly timer: Timer; readonly atNs: bigint } | undefined;
  /** Rounds since the last receipt. */
  #silentRounds = 1;
  #notBeforeNs = 0n;
  /** What was begun for another link is nothing to this one. */
  #link = 0;
  count = 0;

  constructor(private readonly options: ResendsOptions) {}

  /** Until `resume`, nothing is to be sent again. */
  cut(): void {
    this.#queue = [];
    this.#ready = undefined;
    this.#link++;
    this.#reading = false;
    this.#timer?.timer.cancel();
    this.#timer = undefined;
  }

  /** A new link: receipts that came meanwhile are lost, so nothing waits longer than a first deadline from now; one block asks for all. */
  resume(): void {
    const latestNs = this.#inNs(0);
    for (const one of this.options.waiting()) if (one.dueNs > latestNs) one.dueNs = latestNs;
    if (this.#notBeforeNs > latestNs) this.#notBeforeNs = latestNs;
    this.#silentRounds = 1;
    this.#wakeAtNextDue();
  }

  /** The broker has it: from now on it waits for its receipt. */
  waits(one: Waiting): void {
    one.state = 'waiting';
    one.dueNs = this.#inNs(one.tries++);
    this.#wakeAt(one.dueNs);
  }

  /** A receipt came: whoever signs it is there, and what is overdue is worth sending. */
  heard(): void {
    if (this.#silentRounds === 0) return;
    this.#silentRounds = 0;
    this.#notBeforeNs = 0n;
    this.#wakeAtNextDue();
  }

  /** The next block to be sent again, if it is ready and has no receipt yet. */
  take(): StoredBlock | undefined {
    const ready = this.#ready;
    this.#ready = undefined;
    this.#read();
    if (ready?.waiting.state !== 'due') return undefined;
    this.count++;
    return ready.block;
  }

  #round(): void {
    this.#timer = undefined;
    const nowNs = this.options.clock.nowNs();
    const late = [...this.options.waiting()].filter((one) => one.state === 'waiting' && one.dueNs <= nowNs);
    const due = late.filter((one) => this.#mayGo(one));
    if (due.length > 0) {
      const isSilent = this.#silentRounds++ > 0;
      if (isSilent) {
        this.#notBeforeNs = this.#inNs(this.#silentRounds - 2);
        this.options.onSilence();
      }
      for (const one of isSilent ? due.slice(0, 1) : due) {
        one.state = 'due';
        this.#queue.push(one);
      }
      this.#read();
    }
    this.#wakeAtNextDue();
  }

  #mayGo(one: Waiting): boolean {
    if (this.options.affords(one.position.class)) return true;
    one.state = 'waiting';
    one.dueNs = this.#inNs(0);
    return false;
  }

  #wakeAtNextDue(): void {
    let nextNs: bigint | undefined;
    for (const { state, dueNs } of this.options.waiting()) {
      if (state === 'waiting' && (nextNs === undefined || dueNs < nextNs)) nextNs = dueNs;
    }
    if (nextNs !== undefined) this.#wakeAt(nextNs);
  }

  #wakeAt(dueNs: bigint): void {
    const atNs = dueNs > this.#notBeforeNs ? dueNs : this.#notBeforeNs;
    if (this.#timer && this.#timer.atNs <= atNs) return;
    this.#timer?.timer.cancel();
    const ms = Math.max(0, Math.ceil(Number(atNs - this.options.clock.nowNs()) / 1e6));
    this.#timer = { timer: this.options.clock.after(ms, () => this.#round()), atNs };
  }

  /** The deadline, doubled for each try before, give or take a quarter: a fleet that comes back must not be answered by all nodes at once. */
  #inNs(tries: number): bigint {
    const { receiptDeadlineMs, random, clock } = this.options;
    const ms = Math.min(receiptDeadlineMs * 2 ** Math.min(tries, 20), MAX_WAIT_MS) * (0.75 + random() / 2);
    return clock.nowNs() + BigInt(Math.round(ms * 1e6));
  }

  /** At most one block is in memory. */
  #read(): void {
    if (this.#reading || this.#ready) return;
    const one = this.#queue.shift();
    if (!one) return;
    if (!this.#mayGo(one)) {
      this.#wakeAt(one.dueNs);
      this.#read();
      return;
    }
    const link = this.#link;
    this.#reading = true;
    this.#blockOf(one).then(
      (block) => link === this.#link && this.#onRead(one, block),
      (error: Error) => link === this.#link && this.#onFailed(one, error),
    );
  }

  async #blockOf({ position }: Waiting): Promise<StoredBlock | undefined> {
    const before = { ...position, index: position.index - 1 };
    const [block] = await this.options.store.read(position.class, before, 1, 1);
    const found = block?.position;
    return found?.commit === position.commit && found.index === position.index ? block : undefined;
  }

  #onRead(one: Waiting, block: StoredBlock | undefined): void {
    this.#reading = false;
    if (one.state === 'due' && block) {
      this.#ready = { waiting: one, block };
      this.options.onDue();
    } else {
      if (!block) this.options.lost(one);
      // Its place is free for another block, which asks as well.
      this.options.onDue();
      this.#read();
    }
  }

  #onFailed(one: Waiting, error: Error): void {
    this.#reading = false;
    this.options.say('readFailed', 'error', `uplink: the store can't be read: ${error.message}`);
    if (one.state === 'due') this.waits(one);
    this.#read();
  }
}
