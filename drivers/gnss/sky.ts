import type { SatellitesInView, Sentence } from './conversion.js';

/** The sky of one round of GSV sentences. */
export interface Sky {
  readonly startNs: bigint;
  readonly inView: number;
  readonly maxSnrDbHz: number | undefined;
  readonly meanSnrDbHz: number | undefined;
}

interface Group {
  readonly talker: string;
  readonly startNs: bigint;
  next: number;
  inView: number;
  snrs: number[];
}

/** Talkers times signals; a line that invents more is cut here. */
const MAX_GROUPS = 32;

/** Gathers GSV groups (message 1 of n to n of n, one group a talker and signal). A group with a hole isn't counted. */
export class SkyCollector {
  readonly #open = new Map<string, Group>();
  readonly #whole = new Map<string, Group>();
  /** Time doesn't run back where a group took longer than the next round. */
  #lastNs = 0n;

  push(sentence: Sentence, timeNs: bigint): void {
    if (!sentence.sky) return;
    const talker = sentence.address.slice(0, 2);
    const key = `${talker}${sentence.sky.signal}`;
    if (sentence.sky.message === 1) this.#begin(key, talker, sentence.sky, timeNs);
    const group = this.#open.get(key);
    if (group?.next !== sentence.sky.message) return;
    group.next++;
    group.snrs.push(...sentence.sky.snrsDbHz);
    if (sentence.sky.message === sentence.sky.messages) {
      this.#open.delete(key);
      this.#whole.set(key, group);
    }
  }

  /** The groups that became whole since the last call; undefined where there was none. */
  take(): Sky | undefined {
    if (this.#whole.size === 0) return undefined;
    const [first] = this.#whole.values();
    if (first!.startNs > this.#lastNs) this.#lastNs = first!.startNs;
    const inView = new Map<string, number>();
    const snrs: number[] = [];
    for (const group of this.#whole.values()) {
      inView.set(group.talker, Math.max(inView.get(group.talker) ?? 0, group.inView));
      snrs.push(...group.snrs);
    }
    const sky = {
      startNs: this.#lastNs,
      inView: [...inView.values()].reduce((sum, count) => sum + count, 0),
      maxSnrDbHz: snrs.length > 0 ? Math.max(...snrs) : undefined,
      meanSnrDbHz: snrs.length > 0 ? snrs.reduce((sum, snr) => sum + snr, 0) / snrs.length : undefined,
    };
    this.#whole.clear();
    return sky;
  }

  reset(): void {
    this.#open.clear();
    this.#whole.clear();
  }

  #begin(key: string, talker: string, sky: SatellitesInView, timeNs: bigint): void {
    if (this.#open.size + this.#whole.size >= MAX_GROUPS) this.reset();
    this.#open.set(key, { talker, startNs: timeNs, next: 1, inView: sky.inView, snrs: [] });
  }
}
