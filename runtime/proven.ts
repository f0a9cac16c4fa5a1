import type { Store } from './store/index.js';
import type { UplinkStatus } from './uplink/index.js';

/**
 * Whether a reading that was committed from now on got its receipt. Commits are numbered as they come: one from before, and one of what no part
 * gave, proves nothing of this run.
 */
export function provenBy(
  store: Pick<Store, 'onCommit'>,
  uplink: { status(): Pick<UplinkStatus, 'lastReadingCommit'> } | undefined,
): () => boolean {
  let firstCommit = Number.POSITIVE_INFINITY;
  const forget = store.onCommit(({ firsts }) => {
    const [first] = firsts ?? [];
    if (!first) return;
    firstCommit = first.commit;
    forget();
  });
  return () => (uplink?.status().lastReadingCommit ?? -1) >= firstCommit;
}
