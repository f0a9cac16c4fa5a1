import type { Gauge } from './gauge.js';
import { areApart, type On, type Segment, together } from './segments.js';

/** A run of rows, as long as it can be, over which a rule's condition holds. What is missing within it says nothing against it. */
export interface Episode {
  readonly first: number;
  /** The last row that said so. */
  readonly last: number;
  /** The row that ended it; undefined: it goes on, or is a happening. */
  readonly closed: number | undefined;
  readonly rows: number;
  readonly value: number;
  readonly peak: number;
}

interface Run extends Omit<Episode, 'last' | 'rows' | 'value' | 'peak'> {
  readonly on: On;
  readonly boot: number;
  readonly heldMs: number;
}

/** Those that held for long enough, in order. */
export function episodesOf(segments: readonly Segment[], gauge: Gauge): readonly Episode[] {
  const runs: Run[] = [];
  for (const segment of segments) {
    const run = runs.at(-1);
    const isOpen = run !== undefined && run.closed === undefined;
    if (segment.sign === 'off' && isOpen) runs[runs.length - 1] = { ...run, closed: segment.first };
    if (!segment.on) continue;
    if (isOpen && goesOn(run, segment, gauge)) runs[runs.length - 1] = longer(run, segment, gauge);
    else runs.push(begun(segment, segment.on));
  }
  return runs
    .filter(({ on, heldMs }) => on.rows >= gauge.forRows && heldMs >= gauge.forMs)
    .map(({ first, closed, on }) => ({
      first,
      last: on.last,
      closed,
      rows: on.rows,
      value: on.value,
      peak: on.peak,
    }));
}

function begun({ first, boot }: Segment, on: On): Run {
  return { first, boot, closed: undefined, on, heldMs: on.untilMs - on.fromMs };
}

function goesOn(run: Run, next: Segment, gauge: Gauge): boolean {
  if (gauge.quietMs === undefined) return true;
  return run.boot === next.boot && !areApart(run.on, next.on!, gauge);
}

function longer(run: Run, { boot, on }: Segment, gauge: Gauge): Run {
  // Nobody knows how long a node was off between two boots.
  const since = boot === run.boot ? run.on.untilMs : on!.fromMs;
  return { ...run, boot, on: together(run.on, on!, gauge), heldMs: run.heldMs + on!.untilMs - since };
}

const MAX_SEGMENTS = 256;

/**
 * Keeps the newest segments: what is cut off stays as it was told. Rows up to `floor` that come later are judged by themselves. Never cuts within an
 * episode: there the holes between its parts are closed.
 */
export function trimmed(
  segments: readonly Segment[],
  gauge: Gauge,
): { readonly segments: readonly Segment[]; readonly floor: number } {
  const left = [...segments];
  let floor = -1;
  while (left.length > MAX_SEGMENTS) {
    const [oldest, next] = left as [Segment, Segment];
    const one = oldest.on && (next.sign === 'hold' || (next.on && !areApart(oldest.on, next.on, gauge)));
    if (one) {
      const on = next.on ? together(oldest.on, next.on, gauge) : oldest.on;
      left.splice(0, 2, {
        ...oldest,
        boot: next.boot,
        last: next.last,
        on,
        ...(next.tail ? { tail: next.tail } : {}),
      });
      floor = next.last;
    } else {
      left.shift();
      floor = oldest.last;
    }
  }
  return { segments: left, floor };
}
