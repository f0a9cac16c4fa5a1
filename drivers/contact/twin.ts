import type { GpioTwin, TwinDefinition, World } from '../contract/index.js';

const NS_PER_S = 1e9;
/** Edges of one call at most: whoever asks more seldom than that has lost them anyway. */
const MAX_EDGES = 100_000;

/** A contact to ground with a pull-up: 1 at rest, 0 when it is made (`bias: pullUp`, `activeLow: true`). */
class GroundContact implements GpioTwin {
  readonly attachment = 'gpio';
  readonly faults = { chatterHz: 0 };
  #level: 0 | 1 | undefined;
  #lastNs = 0n;
  /** Of an edge, left over from the last call. */
  #fraction = 0;

  changes(world: World): { timesNs: BigInt64Array; level: 0 | 1 } {
    const target = world.contactActive ? 0 : 1;
    this.#level ??= target;
    const times = this.faults.chatterHz > 0 ? this.#chatter(world.timeNs) : [];
    if (this.faults.chatterHz === 0 && this.#level !== target) times.push(world.timeNs);
    if (times.length % 2 === 1) this.#level = this.#level === 0 ? 1 : 0;
    this.#lastNs = world.timeNs;
    return { timesNs: BigInt64Array.from(times), level: this.#level };
  }

  /** An input isn't driven. */
  driven(): void {}

  /** Edges evenly spread since the last call. */
  #chatter(nowNs: bigint): bigint[] {
    const elapsedNs = this.#lastNs === 0n ? 0 : Number(nowNs - this.#lastNs);
    const due = this.#fraction + (elapsedNs / NS_PER_S) * this.faults.chatterHz;
    const count = Math.min(MAX_EDGES, Math.floor(due));
    this.#fraction = due - Math.floor(due);
    return Array.from(
      { length: count },
      (_, i) => this.#lastNs + BigInt(Math.round(((i + 1) / count) * elapsedNs)),
    );
  }
}

export const contactTwin: TwinDefinition = {
  id: 'contact',
  attachment: 'gpio',
  create: () => new GroundContact(),
};
