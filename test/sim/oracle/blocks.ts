import { type DecodedHeader, native } from '../../../native/index.js';
import { decodeMeta, type Gap, META_STREAM } from '../../../wire/index.js';

export interface FoundBlock {
  readonly epoch: string;
  readonly stream: string;
  readonly first: number;
  readonly count: number;
  readonly byteLength: number;
  /** What a meta block says of others. */
  readonly gaps: readonly Gap[];
}

/** The blocks of a value of the store's, found as docs/store.md says: back to back from its beginning. */
export function blocksIn(value: Uint8Array): readonly FoundBlock[] {
  const found: FoundBlock[] = [];
  for (let offset = 0; offset + 54 <= value.length; ) {
    if (value[offset] !== 0x43 || value[offset + 1] !== 0x52 || value[offset + 2] !== 0x4e) return found;
    const header = headerAt(value, offset);
    if (!header) return found;
    const { epoch, stream, first, count } = header;
    const bytes = value.subarray(offset, offset + header.byteLength);
    found.push({
      epoch,
      stream,
      first,
      count,
      byteLength: header.byteLength,
      get gaps() {
        return stream === META_STREAM ? gapsIn(bytes) : [];
      },
    });
    offset += header.byteLength;
  }
  return found;
}

/** Undefined where the block is damaged: what lies behind can't be found this way. */
function headerAt(value: Uint8Array, offset: number): DecodedHeader | undefined {
  try {
    return native.decodeHeader(value, offset);
  } catch {
    return undefined;
  }
}

function gapsIn(block: Uint8Array): readonly Gap[] {
  const gaps: Gap[] = [];
  for (const text of native.decodeBlock(block).texts ?? []) {
    const record = decodeMeta(text as Uint8Array);
    if (record.kind === 'gap') gaps.push(record.value);
  }
  return gaps;
}
