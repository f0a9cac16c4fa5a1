import type { NativeApi } from '../../native/api.js';
import type { Chunk } from './chunk.js';
import { reasonOf } from './error.js';
import { shed } from './shed.js';
import type { StoreState } from './state.js';

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

/** Makes blocks of all numbered rows; each chunk is garbage once it is sealed, so that memory need not hold all of them twice. */
export function sealAll(state: StoreState): void {
  const { native, log } = state.options.deps;
  const { node, boot } = state.identity;
  for (const stream of state.current) {
    const header = { node, epoch: state.epoch, stream: stream.name, boot };
    for (let chunk = stream.takeChunk(); chunk; chunk = stream.takeChunk()) {
      const { blocks, refusal } = seal(chunk, header, native);
      if (refusal)
        log('error', `${stream.name}: rows can't be stored, they become gaps: ${reasonOf(refusal)}`);
      for (const { first, count, bytes } of blocks) {
        if (bytes) state.backlog.push({ stream, first, count, bytes });
        else {
          const at = first - chunk.first;
          const content = textOf(chunk.rows(at, at + count));
          state.reject(stream, { first, count }, reasonOf(refusal), 'rows', content);
        }
      }
      shed(state);
    }
  }
}

/** Rows as people can read them; NaN and infinities as texts, bytes in base64. */
function textOf({ timesNs, values, quality, texts }: ReturnType<Chunk['rows']>): Uint8Array {
  const rows = {
    timesNs: [...timesNs].map(String),
    values: [...values].map((value) => (Number.isFinite(value) ? value : String(value))),
    quality: [...quality],
    texts: texts?.map((text) => (text instanceof Uint8Array ? Buffer.from(text).toString('base64') : text)),
  };
  return new TextEncoder().encode(JSON.stringify(rows));
}
