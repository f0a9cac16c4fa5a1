import type { World } from '../run/world.js';

/** Waits are spread by a quarter both ways; a block may be a little late, and the next one not. */
const LEAST = 0.74;
const APART = 0.5;
const LONGEST_MS = 3_600_000;

interface Waiting {
  readonly isAlarm: boolean;
  /** Since when it waits for its receipt; undefined: it is on its way. */
  answeredNs: number | undefined;
  answers: number;
  link: number;
}

/**
 * Custody fleet, within one process: a block without a receipt is asked for at growing intervals, and while no receipt comes at all one
 * block asks for all (docs/wire-format.md, 4). What the broker hadn't answered for is free at the next link, and so are alarms.
 */
export class Resent {
  readonly #blocks = new Map<string, Waiting>();
  #links = 0;
  /** On this link, since when it has brought no receipt: when a block last went again. */
  #lastNs: number | undefined;
  /** One that was begun as the link went, and never seen: it counts as unanswered. */
  #begun = 0;

  constructor(readonly world: World) {}

  get #deadlineMs(): number {
    return this.world.scenario.uplink.receiptDeadlineMs ?? LONGEST_MS;
  }

  ended(): void {
    this.#blocks.clear();
  }

  down(): void {
    this.#links += 1;
    this.#begun = 1;
    this.#lastNs = undefined;
    for (const [key, { isAlarm, answeredNs }] of this.#blocks)
      if (isAlarm || answeredNs === undefined) this.#blocks.delete(key);
  }

  heard(): void {
    this.#lastNs = Number.NEGATIVE_INFINITY;
  }

  published(key: string, isAlarm: boolean): void {
    // A pack that is refused takes its block with it.
    if (this.world.scenario.uplink.senml) return;
    const known = this.#blocks.get(key);
    if (known?.answeredNs !== undefined) this.#goesAgain(key, known, known.answeredNs);
    const { answers = 0 } = known ?? {};
    this.#blocks.set(key, { isAlarm, answeredNs: undefined, answers, link: this.#links });
  }

  #goesAgain(key: string, { answers, link }: Waiting, answeredNs: number): void {
    const { kernel, oracle } = this.world;
    const growth = link === this.#links ? 2 ** (answers - 1) : 1;
    const leastMs = LEAST * Math.min(LONGEST_MS, this.#deadlineMs * growth);
    const waitedMs = (kernel.nowNs - answeredNs) / 1e6;
    const apartMs = (kernel.nowNs - (this.#lastNs ?? Number.NEGATIVE_INFINITY)) / 1e6;
    const isSoon = waitedMs < leastMs || apartMs < APART * this.#deadlineMs;
    if (isSoon && this.#begun > 0) {
      this.#begun -= 1;
      return;
    }
    if (waitedMs < leastMs)
      oracle.fail('resent', `${key} is sent again after ${waitedMs} ms, and ${leastMs} are the least`);
    if (this.#lastNs === Number.NEGATIVE_INFINITY) return;
    if (apartMs < APART * this.#deadlineMs)
      oracle.fail('resent', `${key} is sent again ${apartMs} ms after another, and no receipt comes at all`);
    this.#lastNs = kernel.nowNs;
  }

  answered(key: string, reasonCode: number): void {
    const known = this.#blocks.get(key);
    if (!known) return;
    if (reasonCode !== 0) this.#blocks.delete(key);
    known.answeredNs = this.world.kernel.nowNs;
    known.answers += 1;
    known.link = this.#links;
  }
}
