import { native } from '../../../native/index.js';
import { blockTopic, encodeMeta, type LogClass, type MetaRecord } from '../../../wire/index.js';

export const NODE = '0123456789abcdef';
export const EPOCH = 'fedcba9876543210';

export interface Sent {
  readonly topic: string;
  readonly payload: Uint8Array;
}

/** A block of one number a row. */
export function block(
  first: number,
  values: readonly number[],
  stream = 'climate',
  node = NODE,
  logClass: LogClass = 'telemetry',
): Sent {
  const header = { node, epoch: EPOCH, stream, first, boot: 1, descriptorVersion: 1 };
  const payload = native.encodeBlock(header, [{ kind: 'f64' }], {
    timesNs: BigInt64Array.from(values, (_, i) => BigInt(i + 1) * 1_000_000_000n),
    values: Float64Array.from(values),
    quality: new Uint8Array(values.length),
  });
  return { topic: blockTopic(node, logClass, stream), payload };
}

export function metaBlock(first: number, records: readonly (MetaRecord | Uint8Array)[], node = NODE): Sent {
  const texts = records.map((one) => (one instanceof Uint8Array ? one : encodeMeta(one)));
  const header = { node, epoch: EPOCH, stream: 'meta', first, boot: 1, descriptorVersion: 1 };
  const payload = native.encodeBlock(header, [{ kind: 'bytes' }], {
    timesNs: new BigInt64Array(texts.length),
    values: new Float64Array(texts.length).fill(Number.NaN),
    quality: new Uint8Array(texts.length),
    texts,
  });
  return { topic: blockTopic(node, 'meta', 'meta'), payload };
}

export function senml(sender: string, records: unknown): Sent {
  return { topic: `senml/${sender}`, payload: Buffer.from(JSON.stringify(records)) };
}
