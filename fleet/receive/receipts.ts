import type { KeyObject } from 'node:crypto';
import type { DecodedHeader } from '../../native/index.js';
import { type HeldBlock, RECEIPT_MAX_BLOCKS, receiptTopic, signReceipt } from '../../wire/index.js';

/** How long a block waits for others to share its receipt, ms. */
export const BATCH_MS = 200;
/** Blocks that wait for their receipt while the broker is away. What is past it gets none: its node sends it again. */
const MAX_WAITING = 65_536;

export interface ReceiptKey {
  /** What nodes know it by. */
  readonly kid: string;
  readonly privateKey: KeyObject;
}

export interface ReceiptsOptions {
  readonly key: ReceiptKey;
  /** Where issue numbers begin; the wall clock in ms, so that they grow over restarts. */
  readonly firstIssue: number;
  /** QoS 1. False: there is no connection now, and nothing was taken. */
  readonly publish: (topic: string, payload: Uint8Array) => boolean;
}

/** Signs what is held for good, in batches: one receipt a node for what came within BATCH_MS, of at most RECEIPT_MAX_BLOCKS. */
export class Receipts {
  readonly #waiting = new Map<string, HeldBlock[]>();
  #count = 0;
  #issue: number;
  #timer: NodeJS.Timeout | undefined;
  /** Blocks; those that found no room are counted in `dropped`. */
  signed = 0;
  dropped = 0;

  constructor(private readonly options: ReceiptsOptions) {
    this.#issue = options.firstIssue;
  }

  /** This block, these very bytes, will survive any end of this process. */
  held({ node, epoch, stream, first, count, crc }: DecodedHeader): void {
    if (this.#count >= MAX_WAITING) {
      this.dropped++;
      return;
    }
    const blocks = this.#waiting.get(node) ?? [];
    this.#waiting.set(node, blocks);
    blocks.push({ epoch, stream, first, count, crc });
    this.#count++;
    // Once a batch: while the broker is away each further block would sign the first batch again, for nothing.
    if (blocks.length % RECEIPT_MAX_BLOCKS === 0) this.#sign(node, blocks);
    this.#timer ??= setTimeout(() => this.flush(), BATCH_MS);
  }

  /** Signs all that waits; also for a connection that has come back. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const [node, blocks] of this.#waiting) {
      while (blocks.length > 0) if (!this.#sign(node, blocks)) return;
      this.#waiting.delete(node);
    }
  }

  #sign(node: string, blocks: HeldBlock[]): boolean {
    const { key, publish } = this.options;
    const batch = blocks.slice(0, RECEIPT_MAX_BLOCKS);
    const receipt = signReceipt({ node, issue: this.#issue, blocks: batch }, key.kid, key.privateKey);
    if (!publish(receiptTopic(node), receipt)) return false;
    this.#issue++;
    this.signed += batch.length;
    this.#count -= batch.length;
    blocks.splice(0, batch.length);
    return true;
  }
}
