import { seeded } from '../random.js';
import type { Cut } from './crash-point.js';
import type { Witness } from './witness.js';
import type { WriteLog } from './write-log.js';

/** One cut in so many comes before the first promise: in the making of the store. */
const CREATION_SHARE = 4;

/**
 * `count` cuts by chance, in the order of the log. One in four lies before the first promise; of both kinds every second one lets
 * sectors survive that were never flushed, with a probability of its own.
 */
export function planCuts(
  log: WriteLog,
  said: readonly Witness[],
  count: number,
  seed: number,
): readonly Cut[] {
  const random = seeded(seed);
  const { entries } = log;
  const firstBytes = said.find(({ logBytes }) => logBytes > 0)?.logBytes ?? Number.POSITIVE_INFINITY;
  const promising = entries.findIndex(({ endBytes }) => endBytes >= firstBytes);
  const creation = promising < 0 ? entries.length : promising;
  const unflushed = afterWrites(log);
  const cuts = Array.from({ length: count }, (_, index) => {
    const [from, to] = index % CREATION_SHARE === 0 ? [0, creation] : [creation, entries.length];
    const torn = (index >> 2) % 2 === index % 2;
    const at = from + Math.floor(random() * (to - from + 1));
    return { index, entries: torn ? (unflushed[at] ?? at) : at, keep: torn ? 0.05 + 0.9 * random() : 0 };
  });
  return cuts.sort((a, b) => a.entries - b.entries || a.index - b.index);
}

/** By number of entries: the nearest number at or past it, or else before it, where something waits for a flush. */
function afterWrites({ entries }: WriteLog): readonly number[] {
  let waiting = 0;
  const waits = entries.map(({ flush, kind, fua }) => {
    if (flush) waiting = 0;
    if (kind === 'write' && !fua) waiting += 1;
    return waiting > 0;
  });
  const nearest: number[] = [];
  let next = waits.lastIndexOf(true) + 1;
  for (let at = entries.length; at >= 0; at -= 1) {
    if (at > 0 && waits[at - 1]) next = at;
    nearest[at] = next;
  }
  return nearest;
}
