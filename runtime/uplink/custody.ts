import type { KeyObject } from 'node:crypto';
import {
  keyIdOf,
  type LogClass,
  type NodeId,
  openReceipt,
  ReceiptError,
  receiptTopic,
} from '../../wire/index.js';
import type { RuntimeClock } from '../clock/types.js';
import type { Store, StoredBlock } from '../store/types.js';
import { Resends, type Waiting } from './resends.js';
import type { Say } from './say.js';
import type { ReceivedBlock } from './types.js';

/** Blocks of a class that may be under way or without a receipt; then the class pauses, and no other. Some 300 bytes each. */
export const MAX_WAITING = 1024;

export interface CustodyOptions {
  readonly node: NodeId;
  /** Whose receipts are believed; several while one takes over from another. */
  readonly keys: readonly KeyObject[];
  readonly store: Pick<Store, 'read'>;
  readonly clock: RuntimeClock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** How long a block waits for its receipt before it is sent again; doubled each time, to an hour. */
  readonly receiptDeadlineMs: number;
  /** Whether a budget lets a class go now. */
  readonly affords: (logClass: LogClass) => boolean;
  /** The fleet holds these for good. */
  readonly onFreed: (blocks: readonly ReceivedBlock[]) => void;
  /** A block is ready to be sent again. */
  readonly onDue: () => void;
  readonly say: Say;
}

/**
 * Custody `fleet` (docs/wire-format.md §4.2): a block that the broker took stays in the store until a signed receipt names it. What
 * waits is bounded; what has waited too long is sent again.
 */
export class Custody {
  readonly topic: string;
  readonly #keys: ReadonlyMap<string, KeyObject>;
  readonly #waiting = new Map<string, Waiting>();
  readonly #counts = new Map<LogClass, number>();
  readonly #resends: Resends;
  /** Receipts that freed nothing because they can't be believed, or name another block, by cause. */
  readonly bad: Record<string, number> = {};

  constructor(private readonly options: CustodyOptions) {
    this.topic = receiptTopic(options.node);
    this.#keys = new Map(options.keys.map((key) => [keyIdOf(key), key]));
    this.#resends = new Resends({
      ...options,
      waiting: () => this.#waiting.values(),
      // A quota took it while it waited, and wrote its gap.
      lost: (waiting) => this.#forget(waiting),
      onSilence: () => this.#saySilence(),
    });
  }

  /** Blocks that the broker has and the fleet hasn't confirmed. */
  get waiting(): number {
    let count = 0;
    for (const { state } of this.#waiting.values()) if (state === 'waiting' || state === 'due') count++;
    return count;
  }

  get resends(): number {
    return this.#resends.count;
  }

  /**
   * The link is gone. What the broker hadn't answered for is to be sent again, and so are alarms: a broker that fell may have lost them,
   * and they don't wait for a deadline. All else that it has goes on waiting.
   */
  cut(): void {
    for (const one of this.#waiting.values()) {
      if (one.state === 'due') one.state = 'waiting';
      if (one.state !== 'waiting' || one.position.class === 'alarm') this.#forget(one);
    }
    this.#resends.cut();
  }

  /** A new link. */
  resume(): void {
    this.#resends.resume();
  }

  hasRoom(logClass: LogClass): boolean {
    return (this.#counts.get(logClass) ?? 0) < MAX_WAITING;
  }

  /** It is under way or waits for its receipt: not to be sent now. */
  holds(block: StoredBlock): boolean {
    return this.#waiting.has(keyOf(block));
  }

  /** A block that is to be sent again, and is begun by that. */
  takeResend(): StoredBlock | undefined {
    return this.#resends.take();
  }

  /** It goes on its way. */
  begin(block: StoredBlock): void {
    const known = this.#waiting.get(keyOf(block));
    if (known) {
      known.state = 'sending';
      return;
    }
    const { position, header, bytes } = block;
    const crc = new DataView(bytes.buffer, bytes.byteOffset).getUint32(bytes.length - 4, true);
    const [key, { stream, first, count }] = [keyOf(block), header];
    const one: Waiting = {
      ...{ key, position, stream, first, count, crc },
      ...{ state: 'sending', dueNs: 0n, tries: 0 },
    };
    this.#waiting.set(key, one);
    this.#counts.set(position.class, (this.#counts.get(position.class) ?? 0) + 1);
  }

  /** The broker took it. True: its receipt is there already, and it may be freed. */
  taken(block: StoredBlock): boolean {
    const waiting = this.#waiting.get(keyOf(block));
    if (!waiting) return false;
    if (waiting.state === 'receipted') {
      this.#forget(waiting);
      return true;
    }
    this.#resends.waits(waiting);
    return false;
  }

  /** The broker refused it: whoever refused it decides when it goes again. */
  refused(block: StoredBlock): void {
    const waiting = this.#waiting.get(keyOf(block));
    if (waiting) this.#forget(waiting);
  }

  #forget({ key, position }: Waiting): void {
    if (!this.#waiting.delete(key)) return;
    this.#counts.set(position.class, (this.#counts.get(position.class) ?? 1) - 1);
  }

  /** What came on the receipt topic. One verification a message; whatever it is, it frees nothing but what it names. */
  receipt(topic: string, payload: Uint8Array): void {
    try {
      if (topic !== this.topic) throw new ReceiptError('malformed', `it came on ${topic}`);
      const { node, blocks } = openReceipt(payload, (kid) => this.#keys.get(kid));
      if (node !== this.options.node) this.#bad('otherNode', `it is for node ${node}`);
      else this.#free(blocks);
    } catch (error) {
      if (!(error instanceof ReceiptError)) throw error;
      this.#bad(error.kind, error.message);
    }
  }

  #free(blocks: ReturnType<typeof openReceipt>['blocks']): void {
    const freed: ReceivedBlock[] = [];
    let heard = false;
    for (const { epoch, stream, first, count, crc } of blocks) {
      const waiting = this.#waiting.get(`${epoch}/${stream}/${first}`);
      if (!waiting) continue;
      heard = true;
      if (waiting.count !== count || waiting.crc !== crc) {
        this.#bad('otherBlock', `the fleet holds another block as ${stream} ${first}`);
      } else if (waiting.state === 'sending') waiting.state = 'receipted';
      else if (waiting.state !== 'receipted') {
        this.#forget(waiting);
        // Its block may be in memory, about to be sent again.
        waiting.state = 'receipted';
        freed.push(waiting);
      }
    }
    if (heard) this.#resends.heard();
    if (freed.length > 0) this.options.onFreed(freed);
  }

  /** No receipt can come on this link. */
  refusedTopic(why: string): void {
    this.bad.subscription = (this.bad.subscription ?? 0) + 1;
    this.options.say('receipt.subscription', 'error', `uplink: no receipt can come: ${why}`);
  }

  #bad(cause: string, text: string): void {
    this.bad[cause] = (this.bad[cause] ?? 0) + 1;
    this.options.say(
      `receipt.${cause}`,
      'error',
      `uplink: what came as a receipt frees nothing (${cause}): ${text}`,
    );
  }

  #saySilence(): void {
    const advice = `is a receiver there that signs, with a key of uplink.fleetKeys, and may this node read ${this.topic}?`;
    this.options.say(
      'noReceipt',
      'warn',
      `uplink: ${this.waiting} blocks wait for a receipt of the fleet: ${advice}`,
    );
  }
}

function keyOf({ header }: StoredBlock): string {
  return `${header.epoch}/${header.stream}/${header.first}`;
}
