import { LOG_CLASSES } from '../../wire/index.js';
import type { Committer } from './committer.js';
import { streamName } from './keys.js';
import type { Reserver } from './reserver.js';
import type { StoreState } from './state.js';
import type { AuditStatus, StoreHealth, StoreStatus, StreamStatus } from './types.js';
import type { Wear } from './wear.js';

export function statusOf(
  state: StoreState,
  committer: Committer,
  reserver: Reserver,
  wear: Wear,
  diskBytes: number,
  audit: AuditStatus,
): StoreStatus {
  const { sizeBytes, quotaPercent, node } = state.options;
  return {
    node,
    epoch: state.epoch,
    boot: state.identity.boot,
    health: healthOf(state, committer, reserver),
    classes: LOG_CLASSES.map((name) => {
      const { values, blocks, bytes } = state.classes[name];
      const percent = name === 'meta' ? 0 : quotaPercent[name];
      return {
        class: name,
        commits: values,
        blocks,
        bytes,
        quotaBytes: Math.floor((sizeBytes * percent) / 100),
      };
    }),
    streams: streamsOf(state),
    committedRows: committer.committedRows,
    committedBlocks: committer.committedBlocks,
    commits: committer.commits,
    pendingRows: state.pendingRows,
    bytesWritten: committer.bytesWritten + reserver.bytesWritten,
    diskBytes,
    // Rates of a dozen things: worked out for whoever looks at them.
    get flash() {
      return wear.status();
    },
    audit,
  };
}

export function streamsOf(state: StoreState): readonly StreamStatus[] {
  return state.current.map((stream) => ({
    stream: stream.name,
    class: stream.class,
    next: stream.next,
    limit: stream.limit,
    committed: state.durableNext[stream.id] ?? 0,
    gaps: Object.fromEntries(state.gapCounts.get(streamName(stream)) ?? []),
  }));
}

function healthOf(state: StoreState, committer: Committer, reserver: Reserver): StoreHealth {
  const failure = committer.failure ?? reserver.failure;
  return failure ? { state: 'notWriting', ...failure, waitingRows: state.pendingRows } : { state: 'ok' };
}
