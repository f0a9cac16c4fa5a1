import type { Anchor } from './records.js';

/** No oscillator of a single-board computer is further off than this, 1e-9: 50 ppm as made and 50 ppm over -40 to 85 °C, as the worst are sold. */
export const DRIFT_PPB = 100_000n;
/**
 * Any two rates of one boot are no further apart than this, 1e-9: temperature moves a crystal by ± 50 ppm at the worst, and a time
 * daemon that begins to correct the kernel's clock takes a rate from the crystal's to nothing.
 */
const WANDER_PPB = 100_000n;
const BILLION = 1_000_000_000n;
/** Rates are measured over a day where there is one: day and night are averaged. */
const RATE_SPAN_NS = 86_400n * BILLION;
const MAX_ANCHORS = 512;

/** `contradicted`: an anchor that it rests on can't be right together with its neighbour. */
export interface KnownTime {
  readonly kind: 'known';
  readonly wallNs: bigint;
  readonly uncertaintyNs: bigint;
  readonly contradicted?: true;
}

interface Interval {
  readonly from: bigint;
  readonly to: bigint;
}

/** The anchors of one boot. Between two the time is interpolated; beyond the last it goes on at the rate that was measured. */
export class BootTimes {
  /** By monotonic time. */
  readonly #anchors: Anchor[] = [];
  /** The latest monotonic time seen in a row or anchor. */
  lastNs = 0n;
  /** By the anchor at an end: the one that tells the rate there. */
  readonly #partners = new Map<Anchor, Anchor | undefined>();

  get anchors(): readonly Anchor[] {
    return this.#anchors;
  }

  seen(monotonicNs: bigint): void {
    if (monotonicNs > this.lastNs) this.lastNs = monotonicNs;
  }

  add(anchor: Anchor): void {
    const anchors = this.#anchors;
    const at = anchors.findIndex((one) => one.monotonicNs >= anchor.monotonicNs);
    if (anchors[at]?.monotonicNs === anchor.monotonicNs) anchors[at] = anchor;
    else anchors.splice(at < 0 ? anchors.length : at, 0, anchor);
    if (anchors.length > MAX_ANCHORS) thin(anchors);
    this.#partners.clear();
    this.seen(anchor.monotonicNs);
  }

  /** Undefined without an anchor. */
  at(monotonicNs: bigint): KnownTime | undefined {
    const after = this.#anchors.findIndex((one) => one.monotonicNs >= monotonicNs);
    const right = after < 0 ? undefined : this.#anchors[after];
    const left = after < 0 ? this.#anchors.at(-1) : this.#anchors[after - 1];
    const edge = left ?? right;
    if (!edge) return undefined;
    const time =
      left && right ? between(left, right, monotonicNs) : beyond(edge, this.#partner(edge), monotonicNs);
    const first = after < 0 ? this.#anchors.length - 2 : after - 2;
    return this.#isContradicted(first, after < 0 ? first + 1 : after + 1)
      ? { ...time, contradicted: true }
      : time;
  }

  /** Two neighbours among those from `first` to `last` that can't both be right. */
  #isContradicted(first: number, last: number): boolean {
    for (let at = Math.max(0, first); at < last; at++) {
      const [one, next] = [this.#anchors[at], this.#anchors[at + 1]];
      if (one && next && isContradiction(one, next)) return true;
    }
    return false;
  }

  /** A day from the anchor at that end, or as far as there are any. */
  #partner(edge: Anchor): Anchor | undefined {
    if (this.#partners.has(edge)) return this.#partners.get(edge);
    const inward = edge === this.#anchors[0] ? this.#anchors.slice(1) : this.#anchors.slice(0, -1).reverse();
    let partner: Anchor | undefined;
    for (const one of inward) {
      if (isContradiction(edge, one)) continue;
      partner = one;
      if (abs(one.monotonicNs - edge.monotonicNs) >= RATE_SPAN_NS) break;
    }
    this.#partners.set(edge, partner);
    return partner;
  }
}

/**
 * Interpolated. The truth is within each anchor's own reach; and a rate that wanders by so much at the most leaves the straight line
 * by no more than the wander times both ways over their sum.
 */
function between(left: Anchor, right: Anchor, monotonicNs: bigint): KnownTime {
  const reaches = [reach(left, monotonicNs), reach(right, monotonicNs)];
  const agreed = common(reaches);
  if (agreed.from > agreed.to)
    return middle(reaches.reduce((a, b) => (b.to - b.from < a.to - a.from ? b : a)));
  const spanNs = right.monotonicNs - left.monotonicNs;
  const sinceNs = monotonicNs - left.monotonicNs;
  const untilNs = right.monotonicNs - monotonicNs;
  const lineNs = left.wallNs + sinceNs + (gained(left, right) * sinceNs) / spanNs;
  const unsureNs =
    ceil(left.uncertaintyNs * untilNs + right.uncertaintyNs * sinceNs, spanNs) +
    ceil(WANDER_PPB * sinceNs * untilNs, spanNs * BILLION);
  const { from, to } = common([agreed, { from: lineNs - unsureNs, to: lineNs + unsureNs }]);
  return around(clamp(lineNs, from, to), from, to);
}

/** From the first or last anchor on at the rate between it and its partner, which has wandered by so much at the most. */
function beyond(edge: Anchor, partner: Anchor | undefined, monotonicNs: bigint): KnownTime {
  const own = reach(edge, monotonicNs);
  if (!partner) return middle(own);
  const awayNs = monotonicNs - edge.monotonicNs;
  const spanNs = partner.monotonicNs - edge.monotonicNs;
  const bareNs = edge.wallNs + awayNs;
  const driftNs = drift(awayNs);
  const rateNs = (gained(edge, partner) * awayNs) / spanNs;
  const rateUnsureNs = ceil((edge.uncertaintyNs + partner.uncertaintyNs) * abs(awayNs), abs(spanNs));
  const rate = middle({
    from: clamp(rateNs - rateUnsureNs, -driftNs, driftNs),
    to: clamp(rateNs + rateUnsureNs, -driftNs, driftNs),
  });
  const wanderedNs = edge.uncertaintyNs + rateUnsureNs + ceil(WANDER_PPB * abs(awayNs), BILLION);
  const line = { from: bareNs + rateNs - wanderedNs, to: bareNs + rateNs + wanderedNs };
  const { from, to } = common([own, line]);
  return around(clamp(bareNs + rate.wallNs, from, to), from, to);
}

/** What one anchor says of a moment: its own uncertainty, and the drift up to there. */
function reach(anchor: Anchor, monotonicNs: bigint): Interval {
  const awayNs = monotonicNs - anchor.monotonicNs;
  const wallNs = anchor.wallNs + awayNs;
  const unsureNs = anchor.uncertaintyNs + drift(awayNs);
  return { from: wallNs - unsureNs, to: wallNs + unsureNs };
}

/** How much longer the wall's way from one to the other is than the boot clock's. */
function gained(one: Anchor, other: Anchor): bigint {
  return other.wallNs - one.wallNs - (other.monotonicNs - one.monotonicNs);
}

function isContradiction(one: Anchor, other: Anchor): boolean {
  const mostNs = one.uncertaintyNs + other.uncertaintyNs + drift(other.monotonicNs - one.monotonicNs);
  return abs(gained(one, other)) > mostNs;
}

/** Empty (`from` past `to`) where they contradict each other. */
function common(intervals: readonly Interval[]): Interval {
  return intervals.reduce((a, b) => ({
    from: a.from > b.from ? a.from : b.from,
    to: a.to < b.to ? a.to : b.to,
  }));
}

function middle({ from, to }: Interval): KnownTime {
  const uncertaintyNs = (to - from) / 2n;
  return { kind: 'known', wallNs: from + uncertaintyNs, uncertaintyNs };
}

function around(wallNs: bigint, from: bigint, to: bigint): KnownTime {
  const [before, after] = [wallNs - from, to - wallNs];
  return { kind: 'known', wallNs, uncertaintyNs: before > after ? before : after };
}

/** The most that an oscillator is off by after so long, ns. */
export function drift(spanNs: bigint): bigint {
  return (abs(spanNs) * DRIFT_PPB) / BILLION;
}

function clamp(value: bigint, least: bigint, most: bigint): bigint {
  return value < least ? least : value > most ? most : value;
}

function ceil(value: bigint, by: bigint): bigint {
  return (value + by - 1n) / by;
}

function abs(value: bigint): bigint {
  return value < 0n ? -value : value;
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
