import { type DecodedBlock, native } from '../../native/index.js';
import { LOG_CLASSES, type LogClass } from '../../wire/index.js';

/** MQTT's bound is 256 MiB; a block of 4096 rows × 64 columns is far below this. */
export const MAX_PAYLOAD_BYTES = 8 * 1024 * 1024;

/** A block that isn't what its topic says. */
export class MismatchError extends Error {
  override readonly name = 'MismatchError';
  readonly kind = 'topicMismatch';
}

export interface ArrivedBlock {
  readonly logClass: LogClass;
  readonly block: DecodedBlock;
}

/**
 * The block of one message. The broker's access list vouches for the topic; a block under another node's topic is not believed. Throws
 * DecodeError and MismatchError.
 */
export function arrivedBlock(topic: string, payload: Uint8Array): ArrivedBlock {
  const block = native.decodeBlock(payload);
  const { header } = block;
  const [root, version, node, name, stream, ...more] = topic.split('/');
  const logClass = LOG_CLASSES.find((one) => one === name);
  if (root !== 'cairn' || version !== '1' || more.length > 0 || !logClass)
    throw new MismatchError(`topic ${topic}`);
  if (node !== header.node) throw new MismatchError(`a block of node ${header.node} under ${topic}`);
  if (stream !== header.stream) throw new MismatchError(`a block of stream ${header.stream} under ${topic}`);
  const beyond = payload.length - header.byteLength;
  if (beyond !== 0) throw new MismatchError(`${beyond} bytes after the block`);
  return { logClass, block };
}
