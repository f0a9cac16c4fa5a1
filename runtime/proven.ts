import { EVENT_STREAM } from './events.js';
import type { Store } from './store/index.js';
import type { ReceivedBlock, Uplink } from './uplink/index.js';

/**
 * Whether a reading that was committed from now on got its receipt. Commits are numbered as they come: one from before proves nothing of this
 * run, and neither does what no part gave: the log, meta rows, and what somebody did by hand.
 */
export function provenBy(
  store: Pick<Store, 'onCommit'>,
  uplink: Pick<Uplink, 'onReceived'> | undefined,
): () => boolean {
  let firstCommit = Number.POSITIVE_INFINITY;
  let isProven = false;
  const forget = store.onCommit(({ firsts }) => {
    const [first] = firsts ?? [];
    if (!first) return;
    firstCommit = first.commit;
    forget();
  });
  const stop = uplink?.onReceived((blocks) => {
    isProven ||= blocks.some((block) => isReading(block) && block.position.commit >= firstCommit);
    if (isProven) stop?.();
  });
  return () => isProven;
}

function isReading({ stream, position }: ReceivedBlock): boolean {
  return position.class !== 'meta' && position.class !== 'log' && stream !== EVENT_STREAM.name;
}
