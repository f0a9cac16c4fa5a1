import * as v from 'valibot';
import type { Grant } from './grant.js';
import { type Notice, REVOKED_MAX } from './notice.js';
import { OwnerTextError } from './owner-text.js';

/** What a node has learnt of the owner's signatures; it only grows. */
export interface Seen {
  /** The highest in any grant or notice: a grant of a lower one is expired. */
  readonly epoch: number;
  /** That of the notice whose list this is. */
  readonly noticeEpoch: number;
  /** Ids of keys. */
  readonly revoked: readonly string[];
}

export const NOTHING_SEEN: Seen = { epoch: 0, noticeEpoch: 0, revoked: [] };

const SEEN = v.object({
  epoch: v.number(),
  noticeEpoch: v.number(),
  revoked: v.pipe(v.array(v.string()), v.maxLength(REVOKED_MAX)),
});

export function withGrant(seen: Seen, { epoch }: Grant): Seen {
  return epoch > seen.epoch ? { ...seen, epoch } : seen;
}

/**
 * A notice of a higher epoch replaces the list, one of the same epoch adds to it, an older one says nothing new; so it doesn't matter in
 * what order they come. Throws OwnerTextError `tooMany` where the list would grow past its bound.
 */
export function withNotice(seen: Seen, notice: Notice): Seen {
  if (notice.epoch < seen.noticeEpoch) return seen;
  const before = notice.epoch === seen.noticeEpoch ? seen.revoked : [];
  const revoked = [...new Set([...before, ...notice.revoked])].sort();
  if (revoked.length > REVOKED_MAX) {
    const what = `with it ${revoked.length} keys would be revoked in epoch ${notice.epoch}, and ${REVOKED_MAX} fit`;
    throw new OwnerTextError('tooMany', `${what}; make a notice of a higher epoch, and new grants`);
  }
  return { epoch: Math.max(seen.epoch, notice.epoch), noticeEpoch: notice.epoch, revoked };
}

export function seenFromJson(text: string): Seen | undefined {
  const result = v.safeParse(v.pipe(v.string(), v.parseJson(), SEEN), text);
  return result.success ? result.output : undefined;
}
