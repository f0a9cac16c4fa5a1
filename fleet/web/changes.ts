import type { Taken } from '../store/types.js';
import type { Change } from './types.js';

/** What pages should know of a batch: each stream that has new readings, once. */
export function changesOf(taken: readonly Taken[]): readonly Change[] {
  const streams = new Map(
    taken.flatMap(({ stream, readings }) =>
      stream && readings.length > 0 ? [[stream.streamId, stream] as const] : [],
    ),
  );
  return [...streams.values()].flatMap(({ node, streamId, logClass }): Change[] => {
    const change: Change = { kind: 'node', node, streamId };
    return logClass === 'log' ? [change, { kind: 'log', node }] : [change];
  });
}
