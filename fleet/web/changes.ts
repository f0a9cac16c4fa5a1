import type { Taken } from '../store/types.js';
import type { Change } from './types.js';

/** What pages should know of a batch: each stream that has new readings, once; and nodes that said something about their streams. */
export function changesOf(taken: readonly Taken[]): readonly Change[] {
  const told = new Set(
    taken.flatMap(({ incoming, stream, verdict }) =>
      stream && verdict === 'new' && incoming.kind === 'block' && incoming.meta ? [stream.node] : [],
    ),
  );
  const streams = new Map(
    taken.flatMap(({ stream, readings }) =>
      stream && readings.length > 0 ? [[stream.streamId, stream] as const] : [],
    ),
  );
  return [
    ...[...told].map((node): Change => ({ kind: 'node', node })),
    ...[...streams.values()].flatMap(({ node, streamId, logClass }): Change[] => {
      const change: Change = { kind: 'node', node, streamId };
      return logClass === 'log' ? [change, { kind: 'log', node }] : [change];
    }),
  ];
}

/** What pages should know when a late anchor moved rows of a node: alerts and lines have the times of their rows. */
export function changesOfMoved(node: string): readonly Change[] {
  return [{ kind: 'node', node }, { kind: 'log', node }, { kind: 'alert' }];
}
