import { native } from '../../native/index.js';
import { blockTopic, META_STREAM, type SenmlTime, senmlPack, senmlTopic } from '../../wire/index.js';
import type { UplinkConfig } from '../config/types.js';
import type { Store, StoredBlock } from '../store/types.js';

/** At the end of a block (docs/wire-format.md §1). */
const CRC_BYTES = 4;

export type PayloadKind = UplinkConfig['payloads'][number];

export interface BlockMessage {
  readonly kind: PayloadKind;
  readonly topic: string;
  readonly payload: Uint8Array;
}

export interface PayloadOptions {
  readonly store: Store;
  readonly payloads: readonly PayloadKind[];
  readonly nowNs: () => bigint;
}

/**
 * `messages`: all must be answered. `held`: it can be said in no configured format yet (SenML only: no time, or a descriptor that isn't
 * known); it stays in the store. `broken`: its bytes can't be decoded. `held` is never said of a block that goes as a packet too.
 */
export type Payloads =
  | { readonly kind: 'messages'; readonly messages: readonly BlockMessage[] }
  | { readonly kind: 'held'; readonly reason: string }
  | { readonly kind: 'broken'; readonly reason: string };

export function payloadsOf(block: StoredBlock, options: PayloadOptions): Payloads {
  const damage = damageOf(block.bytes);
  if (damage) return { kind: 'broken', reason: damage };
  const messages: BlockMessage[] = [];
  const { node, stream } = block.header;
  const logClass = block.position.class;
  if (options.payloads.includes('packet') || stream === META_STREAM) {
    messages.push({ kind: 'packet', topic: blockTopic(node, logClass, stream), payload: block.bytes });
  }
  if (!options.payloads.includes('senml+json') || stream === META_STREAM)
    return { kind: 'messages', messages };
  const senml = senmlOf(block, options);
  if (senml instanceof Uint8Array) {
    messages.push({ kind: 'senml+json', topic: senmlTopic(node, logClass, stream), payload: senml });
    return { kind: 'messages', messages };
  }
  return messages.length > 0 ? { kind: 'messages', messages } : senml;
}

type NoSenml = Exclude<Payloads, { kind: 'messages' }>;

function senmlOf(block: StoredBlock, options: PayloadOptions): Uint8Array | NoSenml {
  const { stream, descriptorVersion, epoch } = block.header;
  const descriptor = options.store.descriptor?.(stream, descriptorVersion, epoch);
  if (!descriptor)
    return { kind: 'held', reason: `the descriptor ${stream}/${descriptorVersion} isn't known` };
  const rows = native.decodeBlock(block.bytes);
  const time = timeOf(block, rows.timesNs, options);
  const pack = time && senmlPack(block.header.node, descriptor, rows, time);
  if (!pack) return { kind: 'held', reason: `no anchor for boot ${block.header.boot}` };
  // A pack of faults only is empty, and is sent: its receipt frees the block.
  return new TextEncoder().encode(JSON.stringify(pack));
}

/**
 * What no receiver could decode must not be sent: it would be taken, and be lost. The store has decoded it when it read it; since then it
 * may have waited in memory for days, and its CRC, the last four bytes, says whether it is still the same.
 */
function damageOf(bytes: Uint8Array): string | undefined {
  const end = bytes.length - CRC_BYTES;
  const isWhole =
    end > 0 &&
    new DataView(bytes.buffer, bytes.byteOffset).getUint32(end, true) ===
      native.crc32c(bytes.subarray(0, end));
  return isWhole ? undefined : "the block's CRC-32C doesn't match its bytes";
}

/** Anchored boots go with wall time, this boot's unanchored rows relative to now; those of an earlier boot are held. */
function timeOf(block: StoredBlock, timesNs: BigInt64Array, options: PayloadOptions): SenmlTime | undefined {
  const { epoch, boot } = block.header;
  const { store } = options;
  const wallNs = (timeNs: bigint): bigint => {
    const time = store.timeOf(epoch, boot, timeNs);
    return time.kind === 'known' ? time.wallNs : 0n;
  };
  if (timesNs[0] !== undefined && wallNs(timesNs[0]) !== 0n) return { kind: 'absolute', wallNs };
  const isRunning = boot === store.boot && epoch === store.epoch;
  return isRunning ? { kind: 'relative', nowNs: options.nowNs() } : undefined;
}
