import type { RuntimeClock } from '../clock/index.js';
import { EVENT_STREAM, type NodeEvent, type RecordedEvent, recordEvent } from '../events.js';
import type { Store } from '../store/index.js';
import type { ReceivedBlock, Uplink } from '../uplink/index.js';

/** Whoever waits is told then that there is none yet: the event leaves with the next link. */
const RECEIPT_WITHIN_MS = 30_000;

export interface EventPath {
  readonly store: Parameters<typeof recordEvent>[0] & Pick<Store, 'epoch'>;
  readonly clock: Pick<RuntimeClock, 'nowNs' | 'after'>;
  /** Absent on a node without an uplink. */
  readonly uplink: Pick<Uplink, 'onReceived'> | undefined;
}

/** What becomes of an event: first where it is, committed; then, on a node with an uplink, whether these very rows got their receipt in time. */
export type EventNews = RecordedEvent | { readonly isReceived: boolean };

/** Keeps an event and follows it; rejects as `recordEvent` does. Left alone, it ends within 30 s of the commit. */
export async function* followEvent(
  { store, clock, uplink }: EventPath,
  event: NodeEvent,
  withinMs = RECEIPT_WITHIN_MS,
): AsyncGenerator<EventNews> {
  const received: ReceivedBlock[] = [];
  let look: () => void = () => undefined;
  // From before the commit: on a short way the receipt is there before the commit is told.
  const forget = uplink?.onReceived((blocks) => {
    received.push(...blocks.filter(({ stream }) => stream === EVENT_STREAM.name));
    look();
  });
  try {
    const recorded = await recordEvent(store, clock, event);
    yield recorded;
    if (!forget) return;
    const isReceived = await new Promise<boolean>((resolve) => {
      const timer = clock.after(withinMs, () => resolve(false));
      look = () => {
        if (!isCovered(recorded, received)) return;
        timer.cancel();
        resolve(true);
      };
      look();
    });
    yield { isReceived };
  } finally {
    forget?.();
  }
}

/** Each of its rows lies in one of the blocks. */
function isCovered({ first, last }: RecordedEvent, blocks: readonly ReceivedBlock[]): boolean {
  for (let row = first; row <= last; row++)
    if (!blocks.some((block) => block.first <= row && row < block.first + block.count)) return false;
  return true;
}
