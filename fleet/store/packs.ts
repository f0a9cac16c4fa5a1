import type { Queries } from '../db/index.js';
import { duplicate, type Judged, refused } from './judged.js';
import type { StreamState } from './stream-state.js';
import type { IncomingPack } from './types.js';

export async function judgePack(
  _tx: Queries,
  stream: StreamState,
  pack: IncomingPack,
  _nowMs: number,
): Promise<Judged> {
  return pack.device ? duplicate(pack, stream) : refused(pack, 'not yet', stream);
}
