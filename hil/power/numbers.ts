/** [from, to). */
export type Span = readonly [from: number, to: number];

/** The parts of `whole` that none of `others` covers. */
export function uncovered(whole: Span, others: Iterable<Span>): readonly Span[] {
  const left: Span[] = [];
  let at = whole[0];
  for (const [from, to] of [...others].sort((a, b) => a[0] - b[0])) {
    if (from > at) left.push([at, Math.min(from, whole[1])]);
    at = Math.max(at, to);
    if (at >= whole[1]) return left.filter(([first, past]) => first < past);
  }
  left.push([at, whole[1]]);
  return left.filter(([first, past]) => first < past);
}

export function total(spans: Iterable<Span>): number {
  let sum = 0;
  for (const [from, to] of spans) sum += to - from;
  return sum;
}

/** How many numbers are in more than one of the spans, counted once each time too often. */
export function doubled(spans: Iterable<Span>): number {
  let twice = 0;
  let end = 0;
  for (const [from, to] of [...spans].sort((a, b) => a[0] - b[0])) {
    twice += Math.max(0, Math.min(end, to) - from);
    end = Math.max(end, to);
  }
  return twice;
}
