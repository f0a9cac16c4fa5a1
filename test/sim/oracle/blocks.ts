import { native } from '../../../native/index.js';
import { decodeMeta, type Gap, META_STREAM } from '../../../wire/index.js';
import type { Entry } from '../disk/sorted.js';

export interface FoundBlock {
  readonly epoch: string;
  readonly stream: string;
  readonly first: number;
  readonly count: number;
  /** What a meta block says of others. */
  readonly gaps: readonly Gap[];
}

/** The blocks of a value of the store's, found as docs/store.md says: back to back from its beginning. */
export function blocksIn({ k, value }: Entry): readonly FoundBlock[] {
  const found: FoundBlock[] = [];
  if (!k.startsWith('V')) return found;
  for (let offset = 0; offset + 54 <= value.length; ) {
    if (value[offset] !== 0x43 || value[offset + 1] !== 0x52 || value[offset + 2] !== 0x4e) return found;
    const header = native.decodeHeader(value, offset);
    const { epoch, stream, first, count } = header;
    const bytes = value.subarray(offset, offset + header.byteLength);
    found.push({ epoch, stream, first, count, gaps: stream === META_STREAM ? gapsIn(bytes) : [] });
    offset += header.byteLength;
  }
  return found;
}

function gapsIn(block: Uint8Array): readonly Gap[] {
  const gaps: Gap[] = [];
  for (const text of native.decodeBlock(block).texts ?? []) {
    const record = decodeMeta(text as Uint8Array);
    if (record.kind === 'gap') gaps.push(record.value);
  }
  return gaps;
}
