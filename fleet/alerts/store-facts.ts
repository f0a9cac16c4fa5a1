import type { Channel } from '../../drivers/contract/index.js';
import { channelsOf, lockNodes, nodeFacts, rowNotAfter, rowTimes } from '../store/index.js';
import type { Facts } from './types.js';

const MAX_KEPT = 20_000;

/** Of the store on the same database. A version of a stream never changes its channels: they are asked for once. */
export function storeFacts(): Facts {
  const kept = new Map<string, readonly Channel[]>();
  return {
    nodes: nodeFacts,
    lock: lockNodes,
    times: rowTimes,
    notAfter: rowNotAfter,
    async channels(on, streamId, version) {
      const key = `${streamId}/${version}`;
      const known = kept.get(key);
      if (known) return known;
      const channels = await channelsOf(on, streamId, version);
      if (!channels) return undefined;
      if (kept.size >= MAX_KEPT) kept.clear();
      kept.set(key, channels);
      return channels;
    },
  };
}
