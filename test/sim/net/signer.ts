import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import type { DecodedHeader } from '../../../native/index.js';
import {
  type HeldBlock,
  keyIdOf,
  RECEIPT_MAX_BLOCKS,
  receiptTopic,
  signReceipt,
} from '../../../wire/index.js';
import type { Kernel } from '../kernel/kernel.js';

/** PKCS #8 before an Ed25519 key's 32 bytes (RFC 8410). */
const PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');

function keyOf(byte: number): KeyObject {
  return createPrivateKey({
    key: Buffer.concat([PREFIX, Buffer.alloc(32, byte)]),
    format: 'der',
    type: 'pkcs8',
  });
}

const KEY = keyOf(0x42);
const STRANGER = keyOf(0x66);
export const FLEET_KEY = createPublicKey(KEY);
const KID = keyIdOf(FLEET_KEY);

/** The fleet's receipts: one for what came to be held within the batch time. */
export class Signer {
  #waiting: HeldBlock[] = [];
  #issue = 1;
  #isDue = false;

  constructor(
    readonly kernel: Kernel,
    readonly node: string,
    readonly batchMs: number,
    readonly send: (topic: string, payload: Uint8Array) => void,
  ) {}

  held(blocks: readonly DecodedHeader[]): void {
    for (const { epoch, stream, first, count, crc } of blocks)
      this.#waiting.push({ epoch, stream, first, count, crc });
    if (this.#isDue || this.#waiting.length === 0) return;
    this.#isDue = true;
    this.kernel.after(this.batchMs * 1e6, () => this.#sign());
  }

  /** The receiver ended: who waits for a receipt sends its block again. */
  forget(): void {
    this.#waiting = [];
  }

  #sign(): void {
    this.#isDue = false;
    while (this.#waiting.length > 0) {
      const blocks = this.#waiting.splice(0, RECEIPT_MAX_BLOCKS);
      this.send(
        receiptTopic(this.node),
        signReceipt({ node: this.node, issue: this.#issue, blocks }, KID, KEY),
      );
      this.#issue += 1;
    }
  }

  /** Receipts for blocks that nobody holds: of a stranger's key, for another node, of other bytes. */
  forge(block: HeldBlock): void {
    const topic = receiptTopic(this.node);
    const blocks = [block];
    this.send(topic, signReceipt({ node: this.node, issue: 9, blocks }, KID, STRANGER));
    this.send(
      topic,
      signReceipt({ node: this.node, issue: 9, blocks }, keyIdOf(createPublicKey(STRANGER)), STRANGER),
    );
    this.send(topic, signReceipt({ node: 'ffffffffffffffff', issue: 9, blocks }, KID, KEY));
    this.send(
      topic,
      signReceipt({ node: this.node, issue: 9, blocks: [{ ...block, crc: block.crc ^ 1 }] }, KID, KEY),
    );
    this.send(topic, Uint8Array.of(1, 2, 3));
  }
}
