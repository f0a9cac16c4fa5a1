import { STREAM_CLASSES, type StreamClass } from '../../drivers/contract/index.js';
import type { StoreState } from './state.js';

/** Keeps memory bounded while the disk refuses: the oldest rows of the lowest class go first, each with a gap. Meta rows never go. */
export function shed(state: StoreState): void {
  const maxBytes = state.memoryBound.now(state.memory);
  while (state.memory.bytes > maxBytes) {
    if (!STREAM_CLASSES.toReversed().some((name) => dropOldest(state, name))) return;
  }
}

function dropOldest(state: StoreState, name: StreamClass): boolean {
  const block = state.backlog.dropOldest(name);
  if (block) {
    const { stream, first, count } = block;
    state.gap(stream, { first, last: first + count - 1, cause: 'overflow', atMost: false });
    return true;
  }
  const fullest = state.current
    .filter((stream) => stream.class === name && stream.bytes > 0)
    .reduce<StoreState['meta'] | undefined>(
      (most, one) => (most && most.bytes >= one.bytes ? most : one),
      undefined,
    );
  return fullest?.dropOldest() ?? false;
}
