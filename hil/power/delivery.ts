import type { Gap } from '../../wire/index.js';
import { type Span, total, uncovered } from './numbers.js';
import type { Promised } from './witness.js';

/** Rows that a receiver has had, and what it was told is missing. */
export class Delivery {
  readonly #rows = new Map<string, Span[]>();
  readonly gaps: Gap[] = [];

  received(epoch: string, stream: string, first: number, count: number): void {
    const key = `${epoch} ${stream}`;
    const spans = this.#rows.get(key) ?? [];
    const last = spans.at(-1);
    if (last?.[1] === first) spans[spans.length - 1] = [last[0], first + count];
    else spans.push([first, first + count]);
    this.#rows.set(key, spans);
  }

  rows(epoch: string, stream: string): readonly Span[] {
    return this.#rows.get(`${epoch} ${stream}`) ?? [];
  }
}

export interface DeliveryFinding {
  /** Promised numbers that were not received. */
  readonly lost: number;
  /** Numbers below the furthest promise that were neither received nor in a gap. */
  readonly holes: number;
  readonly produced: number;
  readonly received: number;
  readonly inGaps: number;
  readonly problems: readonly string[];
}

/** Received ∪ gaps = produced, and every promised row received: no gap excuses a promise. */
export function judgeDelivery(promised: readonly Promised[], delivery: Delivery): DeliveryFinding {
  const problems: string[] = [];
  const sums = { lost: 0, holes: 0, produced: 0, received: 0, inGaps: 0 };
  for (const { epoch, stream, from, next } of promised) {
    const lost = uncovered([from, next], delivery.rows(epoch, stream));
    sums.lost += total(lost);
    if (lost.length > 0) problems.push(`${stream}: promised and not received: ${textOf(lost)}`);
  }
  for (const [{ epoch, stream }, end] of ends(promised)) {
    const rows = delivery.rows(epoch, stream);
    const its = delivery.gaps.filter((gap) => gap.epoch === epoch && gap.stream === stream);
    const gaps = its.map((gap): Span => [gap.first, (gap.last ?? Number.POSITIVE_INFINITY) + 1]);
    const missing = uncovered([0, end], rows);
    const holes = uncovered([0, end], [...rows, ...gaps]);
    sums.produced += end;
    sums.received += end - total(missing);
    sums.holes += total(holes);
    sums.inGaps += total(missing) - total(holes);
    if (holes.length > 0) problems.push(`${stream}: neither received nor in a gap: ${textOf(holes)}`);
  }
  return { ...sums, problems };
}

/** Each stream with the end of its furthest promise. */
function ends(promised: readonly Promised[]): readonly (readonly [Promised, number])[] {
  const furthest = new Map<string, readonly [Promised, number]>();
  for (const one of promised) {
    const key = `${one.epoch} ${one.stream}`;
    if ((furthest.get(key)?.[1] ?? 0) < one.next) furthest.set(key, [one, one.next]);
  }
  return [...furthest.values()];
}

function textOf(spans: readonly Span[]): string {
  return spans.map(([from, to]) => `${from}-${to - 1}`).join(', ');
}
