import type { NativeApi } from '../../native/api.js';
import type { Chunk } from './chunk.js';

export interface SealHeader {
  readonly node: string;
  readonly epoch: string;
  readonly stream: string;
  readonly boot: number;
}

/** Rows [from, to) of a chunk, sealed, or refused by the codec: then `bytes` is absent. */
export interface Sealed {
  readonly first: number;
  readonly count: number;
  readonly bytes?: Uint8Array;
}

/**
 * Seals a chunk into blocks. Rows that the codec refuses are found by halving, so that they cost nobody else; `refusal` is its first word
 * on them.
 */
export function seal(
  chunk: Chunk,
  header: SealHeader,
  native: Pick<NativeApi, 'encodeBlock'>,
): { readonly blocks: readonly Sealed[]; readonly refusal: unknown } {
  const blocks: Sealed[] = [];
  let refusal: unknown;
  const halve = (from: number, to: number): void => {
    const first = chunk.first + from;
    try {
      const identity = { ...header, first, descriptorVersion: chunk.version };
      const bytes = native.encodeBlock(identity, chunk.columns, chunk.rows(from, to));
      blocks.push({ first, count: to - from, bytes });
    } catch (error) {
      refusal ??= error;
      if (to - from === 1) {
        blocks.push({ first, count: 1 });
        return;
      }
      const middle = (from + to) >>> 1;
      halve(from, middle);
      halve(middle, to);
    }
  };
  halve(0, chunk.count);
  return { blocks, refusal };
}
