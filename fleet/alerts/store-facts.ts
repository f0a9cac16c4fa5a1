import type { Channel } from '../../drivers/contract/index.js';
import {
  believedMs,
  channelsOf,
  lockNodes,
  nodeFacts,
  removedTo,
  rowNotAfter,
  rowTimes,
} from '../store/index.js';
import type { Facts } from './types.js';

const MAX_KEPT = 20_000;

/** Of the store on the same database. A version of a stream never changes its channels: they are asked for once. */
export function storeFacts(): Facts {
  const kept = new Map<string, readonly Channel[]>();
  return {
    async nodes(on, nodes) {
      const known = await nodeFacts(on, [...new Set(nodes.flatMap((node) => [node, ownerOf(node)]))]);
      return new Map(
        nodes.flatMap((node) => {
          const facts = known.get(ownerOf(node)) ?? known.get(node);
          return facts ? [[node, facts]] : [];
        }),
      );
    },
    lock: lockNodes,
    times: rowTimes,
    removedTo,
    notAfter: rowNotAfter,
    believedMs,
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

/** What a node says of itself beside its blocks is under a name of its own (`notice:0011223344556677`): it is the node's all the same. */
function ownerOf(node: string): string {
  return node.replace(/^notice:/, '');
}
