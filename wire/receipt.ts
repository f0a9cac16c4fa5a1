import type { KeyObject } from 'node:crypto';
import { Encoder } from 'cbor-x/encode';
import { CoseError, openCose, signCose } from './cose.js';
import { FieldReader, wholeNumber } from './meta/fields.js';
import { ReceiptError } from './receipt/error.js';
import { type Epoch, type NodeId, STREAM_NAME } from './records.js';

export { ReceiptError, type ReceiptErrorKind } from './receipt/error.js';

/** A block that the fleet holds for good: this one, and no other of the same numbers. */
export interface HeldBlock {
  readonly epoch: Epoch;
  readonly stream: string;
  readonly first: number;
  /** Rows, 1 to 4096. */
  readonly count: number;
  /** The block's CRC-32C: its last four bytes. */
  readonly crc: number;
}

/** The fleet's word on blocks of one node. */
export interface Receipt {
  readonly node: NodeId;
  /** Grows with each receipt of a receiver; for people and logs. */
  readonly issue: number;
  readonly blocks: readonly HeldBlock[];
}

export const RECEIPT_MAX_BLOCKS = 256;
/** 256 blocks of as many epochs and streams of the longest name stay under it. */
export const RECEIPT_MAX_BYTES = 32 * 1024;

const VERSION = 1;
/** COSE's externally supplied data (RFC 9052 §4.3): the key may sign other things, and none of them is a receipt. */
const CONTEXT = 'cairn/1/receipt';

const cbor = new Encoder({ useRecords: false, tagUint8Array: false, mapsAsObjects: true });

/** One message for the receipt topic (docs/wire-format.md §4); the same receipt and key give the same bytes. Throws ReceiptError `tooLarge`. */
export function signReceipt(receipt: Receipt, kid: string, key: KeyObject): Uint8Array {
  if (receipt.blocks.length > RECEIPT_MAX_BLOCKS)
    throw new ReceiptError('tooLarge', `${receipt.blocks.length} blocks, at most ${RECEIPT_MAX_BLOCKS} fit`);
  const epochs = [...grouped(receipt.blocks, (block) => block.epoch)].map(([epoch, ofEpoch]) => [
    Buffer.from(epoch, 'hex'),
    [...grouped(ofEpoch, (block) => block.stream)].map(([stream, blocks]) => [stream, numbersOf(blocks)]),
  ]);
  const fields = [VERSION, Buffer.from(receipt.node, 'hex'), wholeNumber(receipt.issue), epochs];
  return signCose(cbor.encode(fields), CONTEXT, kid, key);
}

/** In the order of the keys' bytes. */
function grouped(
  blocks: readonly HeldBlock[],
  keyOf: (block: HeldBlock) => string,
): Map<string, HeldBlock[]> {
  const groups = new Map<string, HeldBlock[]>();
  for (const key of [...new Set(blocks.map(keyOf))].sort()) groups.set(key, []);
  for (const block of blocks) groups.get(keyOf(block))!.push(block);
  return groups;
}

function numbersOf(blocks: readonly HeldBlock[]): (number | bigint)[] {
  return [...blocks]
    .sort((a, b) => a.first - b.first || a.crc - b.crc)
    .flatMap(({ first, count, crc }) => [wholeNumber(first), count, crc]);
}

/** A receipt that one of the keys signed; `keyOf` finds a public key by its id. Throws ReceiptError. */
export function openReceipt(bytes: Uint8Array, keyOf: (kid: string) => KeyObject | undefined): Receipt {
  if (bytes.length > RECEIPT_MAX_BYTES)
    throw new ReceiptError('tooLarge', `${bytes.length} bytes, at most ${RECEIPT_MAX_BYTES} are a receipt`);
  try {
    return readReceipt(cbor.decode(openCose(bytes, CONTEXT, keyOf)));
  } catch (cause) {
    if (cause instanceof ReceiptError) throw cause;
    if (cause instanceof CoseError) throw new ReceiptError(cause.kind, cause.message, { cause });
    throw new ReceiptError('malformed', (cause as Error).message, { cause });
  }
}

/** Fields past the known ones are ignored: a later writer may append. */
function readReceipt(value: unknown): Receipt {
  const fields = new FieldReader('receipt', value);
  const version = fields.whole();
  if (version !== VERSION)
    throw new ReceiptError('unknownVersion', `version ${version}; known is ${VERSION}`);
  const node = hex(fields.bytes(8));
  const issue = fields.whole();
  const blocks = fields.list(RECEIPT_MAX_BLOCKS, (epoch) => blocksOfEpoch(epoch)).flat();
  if (blocks.length > RECEIPT_MAX_BLOCKS) fields.refuse(`at most ${RECEIPT_MAX_BLOCKS} blocks`);
  return { node, issue, blocks };
}

function blocksOfEpoch(value: unknown): HeldBlock[] {
  const fields = new FieldReader('receipt, an epoch', value);
  const epoch = hex(fields.bytes(8));
  return fields.list(RECEIPT_MAX_BLOCKS, (stream) => blocksOfStream(epoch, stream)).flat();
}

function blocksOfStream(epoch: Epoch, value: unknown): HeldBlock[] {
  const fields = new FieldReader('receipt, a stream', value);
  const stream = fields.textLike(STREAM_NAME);
  const numbers = fields.list(3 * RECEIPT_MAX_BLOCKS, (number) => number);
  if (numbers.length % 3 !== 0) fields.refuse('three numbers a block');
  const blocks: HeldBlock[] = [];
  for (let at = 0; at < numbers.length; at += 3) {
    const block = new FieldReader('receipt, a block', numbers.slice(at, at + 3));
    blocks.push({
      epoch,
      stream,
      first: block.whole(),
      count: block.whole(4096),
      crc: block.whole(0xffffffff),
    });
  }
  return blocks;
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
