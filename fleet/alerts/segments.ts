import type { Gauge } from './gauge.js';

/** A row as it is judged. */
export interface Judged {
  readonly sequence: number;
  readonly boot: number;
  /** Of the boot's clock. */
  readonly ms: number;
  readonly measure: number | null;
}

/** What a row says: it holds, it doesn't, or neither (within the hysteresis, or no number): then it is as before. */
export type Sign = 'on' | 'off' | 'hold';

/** The rows that say that it holds. */
export interface On {
  readonly fromMs: number;
  readonly untilMs: number;
  /** The last one's sequence. */
  readonly last: number;
  readonly rows: number;
  /** Of the first row. */
  readonly value: number;
  /** The one farthest beyond the limit. */
  readonly peak: number;
}

/** The value of a row at an end, of a rate. */
interface Edge {
  readonly ms: number;
  readonly measure: number | null;
}

/**
 * Rows without a hole between them, of one boot, that say the same (or neither, after one that does). The segments of a stream, in order, are a
 * function of the set of its rows: whichever came first, they are the same in the end (test/fleet/alerts/segments.test.ts).
 */
export interface Segment {
  readonly sign: Sign;
  readonly first: number;
  readonly last: number;
  readonly boot: number;
  readonly on?: On;
  readonly head?: Edge;
  readonly tail?: Edge;
}

/** The segments of some rows, in the order of their sequences. */
export function segmentsOf(rows: readonly Judged[], gauge: Gauge): readonly Segment[] {
  return joined(
    rows.map((row) => segmentOf(row, gauge)),
    gauge,
  );
}

/** Both together; no row is in both. */
export function merged(a: readonly Segment[], b: readonly Segment[], gauge: Gauge): readonly Segment[] {
  return joined(
    [...a, ...b].sort((x, y) => x.first - y.first),
    gauge,
  );
}

function segmentOf({ sequence, boot, ms, measure }: Judged, gauge: Gauge): Segment {
  const base = { first: sequence, last: sequence, boot };
  if (!gauge.isRate) return signed(base, ms, measure, gauge);
  // What the rate was at this row, the row before it will tell.
  const edge = { ms, measure };
  return { ...base, sign: 'hold', head: edge, tail: edge };
}

function signed(base: Omit<Segment, 'sign'>, ms: number, measure: number | null, gauge: Gauge): Segment {
  const sign = signOf(measure, gauge);
  if (sign !== 'on' || measure === null) return { ...base, sign };
  return {
    ...base,
    sign,
    on: { fromMs: ms, untilMs: ms, last: base.first, rows: 1, value: measure, peak: measure },
  };
}

function signOf(measure: number | null, { direction, limit, hysteresis, quietMs }: Gauge): Sign {
  if (measure === null || !Number.isFinite(measure)) return 'hold';
  const beyond = (measure - limit) * direction;
  if (beyond > 0) return 'on';
  return beyond > -hysteresis || quietMs !== undefined ? 'hold' : 'off';
}

function joined(segments: readonly Segment[], gauge: Gauge): readonly Segment[] {
  const out: Segment[] = [];
  for (const segment of segments) {
    const before = out.at(-1);
    const follows = before !== undefined && before.last + 1 === segment.first && before.boot === segment.boot;
    const next = follows ? rated(before, segment, gauge) : segment;
    if (follows && isSame(before, next, gauge)) out[out.length - 1] = joinedWith(before, next, gauge);
    else out.push(next);
  }
  return out;
}

/** A rate's first row, now that the row before it is there. */
function rated(before: Segment, segment: Segment, gauge: Gauge): Segment {
  if (segment.sign !== 'hold' || !segment.head || !before.tail) return segment;
  const [from, to] = [before.tail, segment.head];
  const known = from.measure !== null && to.measure !== null && to.ms > from.ms;
  const rate = known ? ((to.measure! - from.measure!) * 1_000) / (to.ms - from.ms) : null;
  return signed(segment, to.ms, rate, gauge);
}

function isSame(a: Segment, b: Segment, gauge: Gauge): boolean {
  if (b.sign === 'hold') return true;
  return a.sign === b.sign && !(a.on && b.on && areApart(a.on, b.on, gauge));
}

/** Of happenings of one boot. */
export function areApart(a: On, b: On, { quietMs }: Gauge): boolean {
  return quietMs !== undefined && (quietMs === 0 || b.fromMs - a.untilMs > quietMs);
}

function joinedWith(a: Segment, b: Segment, gauge: Gauge): Segment {
  return {
    ...a,
    last: b.last,
    ...(a.on && b.on ? { on: together(a.on, b.on, gauge) } : {}),
    ...(b.tail ? { tail: b.tail } : {}),
  };
}

export function together(a: On, b: On, { direction }: Gauge): On {
  const peak = (b.peak - a.peak) * direction > 0 ? b.peak : a.peak;
  return { ...a, untilMs: b.untilMs, last: b.last, rows: a.rows + b.rows, peak };
}
