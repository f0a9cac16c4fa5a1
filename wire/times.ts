import type { Anchor } from './records.js';

/** The worst crystal that a single-board computer is sold with, in 1e-9: what a time drifts by between anchors. */
export const DRIFT_PPB = 100_000n;
const MAX_ANCHORS_A_BOOT = 512;
const MAX_BOOTS = 1024;

/** The wall time of a row, ns since 1970. No reading carries a guess: what isn't known is bounded, or unknown. */
export type RowTime =
  | { readonly kind: 'known'; readonly wallNs: bigint; readonly uncertaintyNs: bigint }
  /** Its boot has no anchor; the boots around it say this much. */
  | {
      readonly kind: 'bounded';
      readonly notBeforeNs: bigint | undefined;
      readonly notAfterNs: bigint | undefined;
    }
  | { readonly kind: 'unknown' };

interface Interval {
  readonly from: bigint;
  readonly to: bigint;
}

interface Boot {
  /** By monotonic time. */
  readonly anchors: Anchor[];
  /** The latest monotonic time seen in a row or anchor. */
  lastNs: bigint;
}

/** The anchors of one (node, epoch), and what they say of any moment. */
export class Times {
  readonly #boots = new Map<number, Boot>();

  anchor(anchor: Anchor): void {
    const boot = this.#boot(anchor.boot);
    const at = boot.anchors.findIndex((one) => one.monotonicNs >= anchor.monotonicNs);
    if (boot.anchors[at]?.monotonicNs === anchor.monotonicNs) boot.anchors[at] = anchor;
    else boot.anchors.splice(at < 0 ? boot.anchors.length : at, 0, anchor);
    if (boot.anchors.length > MAX_ANCHORS_A_BOOT) thin(boot.anchors);
    this.seen(anchor.boot, anchor.monotonicNs);
  }

  /** A row of that boot was had: the boot lived at least so long. */
  seen(boot: number, monotonicNs: bigint): void {
    const known = this.#boot(boot);
    if (monotonicNs > known.lastNs) known.lastNs = monotonicNs;
  }

  anchors(): readonly Anchor[] {
    return [...this.#boots.values()].flatMap((boot) => boot.anchors);
  }

  at(boot: number, monotonicNs: bigint): RowTime {
    const anchors = this.#boots.get(boot)?.anchors ?? [];
    if (anchors.length === 0) return this.#bounded(boot, monotonicNs);
    const after = anchors.findIndex((one) => one.monotonicNs >= monotonicNs);
    const right = after < 0 ? undefined : anchors[after];
    const left = after < 0 ? anchors.at(-1) : anchors[after - 1];
    return known([left, right].flatMap((anchor) => (anchor ? [reach(anchor, monotonicNs)] : [])));
  }

  #boot(boot: number): Boot {
    const known = this.#boots.get(boot);
    if (known) return known;
    const made: Boot = { anchors: [], lastNs: 0n };
    this.#boots.set(boot, made);
    if (this.#boots.size > MAX_BOOTS) this.#boots.delete(Math.min(...this.#boots.keys()));
    return made;
  }

  /** After the last sign of life of the boot before that has a time, and before the start of the next that has one. Unknown where those two can't both be right. */
  #bounded(boot: number, monotonicNs: bigint): RowTime {
    const anchored = [...this.#boots].filter(([, one]) => one.anchors.length > 0).map(([number]) => number);
    const before = Math.max(...anchored.filter((number) => number < boot));
    const after = Math.min(...anchored.filter((number) => number > boot));
    const earlier = this.#boots.get(before);
    const end = earlier && this.at(before, earlier.lastNs);
    const start = this.#boots.has(after) ? this.at(after, 0n) : undefined;
    const aliveNs = this.#boots.get(boot)?.lastNs ?? monotonicNs;
    const leftNs = aliveNs > monotonicNs ? aliveNs - monotonicNs : 0n;
    const notBeforeNs =
      end?.kind === 'known' ? end.wallNs - end.uncertaintyNs + monotonicNs - drift(monotonicNs) : undefined;
    const notAfterNs =
      start?.kind === 'known' ? start.wallNs + start.uncertaintyNs - leftNs + drift(leftNs) : undefined;
    if (notBeforeNs === undefined && notAfterNs === undefined) return { kind: 'unknown' };
    const isContradiction = notBeforeNs !== undefined && notAfterNs !== undefined && notBeforeNs > notAfterNs;
    return isContradiction ? { kind: 'unknown' } : { kind: 'bounded', notBeforeNs, notAfterNs };
  }
}

/** What one anchor says of a moment: its own uncertainty, and the drift up to there. */
function reach(anchor: Anchor, monotonicNs: bigint): Interval {
  const away = monotonicNs - anchor.monotonicNs;
  const wallNs = anchor.wallNs + away;
  const unsure = anchor.uncertaintyNs + drift(away < 0n ? -away : away);
  return { from: wallNs - unsure, to: wallNs + unsure };
}

function drift(spanNs: bigint): bigint {
  return (spanNs * DRIFT_PPB) / 1_000_000_000n;
}

/** Where all agree; where they contradict each other, the narrowest. */
function known(intervals: readonly Interval[]): RowTime {
  let { from, to } = intervals[0]!;
  for (const one of intervals) {
    if (one.from > from) from = one.from;
    if (one.to < to) to = one.to;
  }
  const agreed =
    from <= to ? { from, to } : intervals.reduce((a, b) => (b.to - b.from < a.to - a.from ? b : a));
  const uncertaintyNs = (agreed.to - agreed.from) / 2n;
  return { kind: 'known', wallNs: agreed.from + uncertaintyNs, uncertaintyNs };
}

/**
 * The one that leaves the smallest hole goes; the first and the last stay. So the anchors of a year lie evenly, 17 h apart, and a row
 * that waited for months is told as well as a new one.
 */
function thin(anchors: Anchor[]): void {
  const holeNs = (at: number) => anchors[at + 1]!.monotonicNs - anchors[at - 1]!.monotonicNs;
  let smallest = 1;
  for (let at = 2; at < anchors.length - 1; at++) if (holeNs(at) < holeNs(smallest)) smallest = at;
  anchors.splice(smallest, 1);
}
