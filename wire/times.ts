import { BootTimes, drift, type KnownTime } from './boot-times.js';
import type { Anchor } from './records.js';

const MAX_BOOTS = 1024;

/** The wall time of a row, ns since 1970. No reading carries a guess: what isn't known is bounded, or unknown. */
export type RowTime =
  | KnownTime
  /** Its boot has no anchor; the boots around it say this much. */
  | {
      readonly kind: 'bounded';
      readonly notBeforeNs: bigint | undefined;
      readonly notAfterNs: bigint | undefined;
    }
  | { readonly kind: 'unknown' };

/** The anchors of one (node, epoch), and what they say of any moment. */
export class Times {
  readonly #boots = new Map<number, BootTimes>();

  anchor(anchor: Anchor): void {
    this.#boot(anchor.boot).add(anchor);
  }

  /** A row of that boot was had: the boot lived at least so long. */
  seen(boot: number, monotonicNs: bigint): void {
    this.#boot(boot).seen(monotonicNs);
  }

  anchors(): readonly Anchor[] {
    return [...this.#boots.values()].flatMap((boot) => boot.anchors);
  }

  at(boot: number, monotonicNs: bigint): RowTime {
    return this.#boots.get(boot)?.at(monotonicNs) ?? this.#bounded(boot, monotonicNs);
  }

  #boot(boot: number): BootTimes {
    const known = this.#boots.get(boot);
    if (known) return known;
    const made = new BootTimes();
    this.#boots.set(boot, made);
    if (this.#boots.size > MAX_BOOTS) this.#boots.delete(Math.min(...this.#boots.keys()));
    return made;
  }

  /**
   * After the last sign of life of the boot before that has a time, and before the start of the next that has one, with what the boots in
   * between lived at the least. Unknown where those two can't both be right.
   */
  #bounded(boot: number, monotonicNs: bigint): RowTime {
    const anchored = [...this.#boots].filter(([, one]) => one.anchors.length > 0).map(([number]) => number);
    const before = Math.max(...anchored.filter((number) => number < boot));
    const after = Math.min(...anchored.filter((number) => number > boot));
    const earlier = this.#boots.get(before);
    const end = earlier?.at(earlier.lastNs);
    const start = this.#boots.get(after)?.at(0n);
    const aliveNs = this.#boots.get(boot)?.lastNs ?? monotonicNs;
    const leftNs = aliveNs > monotonicNs ? aliveNs - monotonicNs : 0n;
    const notBeforeNs =
      end && end.wallNs - end.uncertaintyNs + this.#livedNs(before, boot) + atLeast(monotonicNs);
    const notAfterNs =
      start && start.wallNs + start.uncertaintyNs - this.#livedNs(boot, after) - atLeast(leftNs);
    if (notBeforeNs === undefined && notAfterNs === undefined) return { kind: 'unknown' };
    const isContradiction = notBeforeNs !== undefined && notAfterNs !== undefined && notBeforeNs > notAfterNs;
    return isContradiction ? { kind: 'unknown' } : { kind: 'bounded', notBeforeNs, notAfterNs };
  }

  /** What the boots between two others lived, together, at the least. */
  #livedNs(first: number, last: number): bigint {
    let sumNs = 0n;
    for (const [boot, { lastNs }] of this.#boots) if (boot > first && boot < last) sumNs += atLeast(lastNs);
    return sumNs;
  }
}

/** So much of the wall's time has passed at the least when the boot clock says so much. */
function atLeast(spanNs: bigint): bigint {
  return spanNs - drift(spanNs);
}
