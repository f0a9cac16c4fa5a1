import type { World } from '../run/world.js';

/** A link that lived so long was a good one: the wait begins anew. */
const GOOD_LIFE_NS = 31e9;
/** docs/config.md, backoff: up to 3 × min at first, longer by half each time. */
const SPREAD = 3;
const GROWTH = 1.5;
/** Ends that say nothing of another client, nor of a broker that is no good. */
const PLAIN_ENDS = ['reset', 'timeout'];

/** How long the link stays away: short after a good life, ever longer where a broker takes connections and answers nothing. */
export class Tries {
  #upNs: number | undefined;
  #hasAnswer = false;
  #down: { readonly atNs: number; readonly isGood: boolean } | undefined;
  /** Connections one after the other that ended without an answer, by the deadline. */
  #silent = 0;

  constructor(readonly world: World) {}

  connected(): void {
    this.#upNs = this.world.kernel.nowNs;
    this.#hasAnswer = false;
  }

  answered(): void {
    this.#hasAnswer = true;
  }

  /** An alarm begins the wait anew. */
  alarm(): void {
    this.#silent = 0;
  }

  ended(): void {
    this.#upNs = undefined;
    this.#down = undefined;
    this.#silent = 0;
  }

  down(kind: string): void {
    const { nowNs } = this.world.kernel;
    const livedNs = this.#upNs === undefined ? undefined : nowNs - this.#upNs;
    this.#upNs = undefined;
    this.#down = {
      atNs: nowNs,
      isGood: livedNs !== undefined && livedNs >= GOOD_LIFE_NS && PLAIN_ENDS.includes(kind),
    };
    if (livedNs === undefined) return;
    this.#silent = kind === 'deadline' && !this.#hasAnswer ? this.#silent + 1 : 0;
  }

  connecting(): void {
    const { kernel, scenario, oracle } = this.world;
    if (!this.#down) return;
    const { backoffMinMs, backoffMaxMs } = scenario.uplink;
    const waitedMs = (kernel.nowNs - this.#down.atNs) / 1e6;
    if (this.#down.isGood && waitedMs > 1.01 * SPREAD * backoffMinMs + 1)
      oracle.fail(
        'backoff',
        `a new try ${waitedMs} ms after a link that was good, and ${SPREAD * backoffMinMs} are the most`,
      );
    const ceilingMs = Math.min(backoffMaxMs, SPREAD * backoffMinMs * GROWTH ** (this.#silent - 1));
    if (this.#silent > 1 && waitedMs < (0.99 * ceilingMs) / SPREAD - 1)
      oracle.fail('backoff', `a new try after ${waitedMs} ms, and ${this.#silent} connections had no answer`);
    this.#down = undefined;
  }
}
