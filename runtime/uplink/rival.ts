import { failure, type LinkFailure } from './failure.js';

/**
 * Not every broker says "session taken over" (mosquitto 2.0.11 doesn't, and 3.1.1 has no word for it): links that are closed in order so
 * soon, so often, look like it. A bad radio link ends otherwise: reset, or by the deadline.
 */
const SHORT_LIFE_NS = 10_000_000_000n;
const SHORT_LIVES = 3;

/** Sees by the ends of our links that another client comes with our id. */
export class Rival {
  #shortLives = 0;
  #isKnown = false;
  readonly #longLifeNs: bigint;

  /** `backoffMaxMs`: a rival is the same program, and waits no longer than this. */
  constructor(backoffMaxMs: number) {
    this.#longLifeNs = 2n * BigInt(backoffMaxMs) * 1_000_000n;
  }

  /** The end of a link that was online for so long, by what it looks like. */
  judge(why: LinkFailure, livedNs: bigint): LinkFailure {
    if (livedNs > this.#longLifeNs) this.#forget();
    if (why.kind === 'takenOver') this.#isKnown = true;
    if (why.kind !== 'closed') {
      this.#shortLives = 0;
      return why;
    }
    const isShort = livedNs < SHORT_LIFE_NS;
    if (isShort) this.#shortLives++;
    if (this.#shortLives >= SHORT_LIVES) this.#isKnown = true;
    if (!this.#isKnown || (isShort && this.#shortLives < SHORT_LIVES)) return why;
    // Two more short lives will do, the first of which the rival has too: so both find out, and not only the one that was unlucky.
    this.#shortLives = SHORT_LIVES - 2;
    return failure(
      'takenOver',
      'the broker closes connections as it does when another one takes their place',
    );
  }

  #forget(): void {
    this.#isKnown = false;
    this.#shortLives = 0;
  }
}
