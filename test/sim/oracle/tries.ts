import type { World } from '../run/world.js';

/** A link that lived so long was a good one: the wait begins anew. */
const GOOD_LIFE_NS = 31e9;
/** docs/config.md, backoff: up to 3 × min at first, longer by half each time. */
const SPREAD = 3;
const GROWTH = 1.5;
/** An alarm cuts a wait short so often; the node's clock is a little off ours. */
const URGENT_EVERY_NS = 61e9;
/** Ends that say nothing of another client, nor of a broker that is no good. */
const PLAIN_ENDS = ['reset', 'timeout'];

/** How long the link stays away: short after a good life, ever longer where a broker takes connections and answers nothing. */
export class Tries {
  #upNs: number | undefined;
  #hasAnswer = false;
  #down: { readonly atNs: number; readonly isGood: boolean } | undefined;
  /** Connections one after the other that ended without an answer, by the deadline. */
  #silent = 0;
  #alarmNs = Number.NEGATIVE_INFINITY;
  /** An alarm waits for the link: it is tried by then. */
  #urgentByNs = Number.POSITIVE_INFINITY;

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
    const { kernel, scenario } = this.world;
    this.#silent = 0;
    const isUrgent = kernel.nowNs - this.#alarmNs >= URGENT_EVERY_NS;
    this.#alarmNs = kernel.nowNs;
    if (this.#down && isUrgent)
      this.#urgentByNs = kernel.nowNs + 1e6 * (1.01 * SPREAD * scenario.uplink.backoffMinMs + 1);
  }

  /** An alarm that the disk doesn't take may have cut a wait short, some seconds after it came: the next one is none too soon. */
  noticed(): void {
    this.#alarmNs = this.world.kernel.nowNs + 4e9;
    this.#silent = 0;
  }

  ended(): void {
    this.#upNs = undefined;
    this.#down = undefined;
    this.#silent = 0;
    this.#alarmNs = Number.NEGATIVE_INFINITY;
    this.#urgentByNs = Number.POSITIVE_INFINITY;
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
    if (kernel.nowNs > this.#urgentByNs)
      oracle.fail(
        'backoff',
        `an alarm waited, and the link is tried ${(kernel.nowNs - this.#urgentByNs) / 1e9} s too late`,
      );
    this.#urgentByNs = Number.POSITIVE_INFINITY;
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
