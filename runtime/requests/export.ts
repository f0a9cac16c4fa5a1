import * as v from 'valibot';
import { type EpochAnchor, type HeldBlock, heldBlocks, type Store } from '../store/index.js';

/** In one answer. */
const ANCHORS_AT_ONCE = 256;

/** `bytes` in base64. */
export type SentBlock = Omit<HeldBlock, 'bytes'> & { readonly bytes: string };
export type Sent =
  | { readonly anchors: readonly EpochAnchor[] }
  | { readonly block: SentBlock }
  | { readonly end: true };

const REQUEST = v.optional(v.strictObject({ stream: v.optional(v.pipe(v.string(), v.maxLength(128))) }), {});

/** The node's answer to the request `export`: its anchors, its blocks, and that these were all. Throws for a store that isn't open. */
export function answerExport(store: Store, params: unknown): AsyncIterable<Sent> {
  const { stream } = v.parse(REQUEST, params);
  if (store.epoch === '') throw new Error('the store is not open: its disk refuses');
  return sentOf(store, stream);
}

async function* sentOf(store: Store, stream: string | undefined): AsyncGenerator<Sent> {
  const anchors = store.anchors?.() ?? [];
  for (let i = 0; i < anchors.length; i += ANCHORS_AT_ONCE)
    yield { anchors: anchors.slice(i, i + ANCHORS_AT_ONCE) };
  for await (const { bytes, ...block } of heldBlocks(
    store,
    (name) => stream === undefined || name === stream,
  )) {
    const base64 = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
    yield { block: { ...block, bytes: base64 } };
  }
  yield { end: true };
}
