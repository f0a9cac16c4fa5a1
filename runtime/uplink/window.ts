import type { StoredBlock } from '../store/types.js';
import type { Notice } from './notices.js';
import { Pace, type SentMark } from './pace.js';
import type { PayloadKind } from './payloads.js';

/** A block on its way, with what is still to be answered of it. */
export interface Sending {
  readonly block: StoredBlock;
  unanswered: number;
  /** The worst that was said of it. */
  refusedWith: number;
  /** A packet of it was taken: the data is there, whatever becomes of its SenML. */
  packetTaken: boolean;
}

export interface InFlight {
  /** Absent: a status message, or a notice. */
  readonly sending: Sending | undefined;
  readonly notice?: Notice | undefined;
  readonly kind: PayloadKind | 'status' | 'notice';
  readonly bytes: number;
  readonly sentNs: bigint;
}

interface Sent extends InFlight {
  readonly mark: SentMark;
}

/** The message that waits the longest. */
export interface Waiting {
  readonly id: number;
  readonly bytes: number;
  /**
   * Since when the other end is silent on it: since it was sent, or since the last answer where that is later; a slow link that still
   * moves is not a dead one.
   */
  readonly sinceNs: bigint;
  /** A later one was answered before it: its answer is lost. */
  readonly isOvertaken: boolean;
}

/** Messages sent and unanswered: bounded in number, and in bytes by what the link carries in a second or two (but one message). */
export class Window {
  readonly #inFlight = new Map<number, Sent>();
  #oldestId: number | undefined;
  #bytes = 0;
  #pace: Pace;
  #lastAnswerNs = 0n;
  /** A later message was answered before the oldest one: brokers answer in order (MQTT 5 §4.6), so its answer is lost. */
  #overtaken = false;
  #size: number;

  constructor(
    private readonly maxMessages: number,
    private readonly maxBytes: number,
  ) {
    this.#size = maxMessages;
    this.#pace = new Pace(maxBytes);
  }

  get size(): number {
    return this.#size;
  }

  get used(): number {
    return this.#inFlight.size;
  }

  /** A new link, with what its server takes at once. */
  open(receiveMaximum: number): void {
    this.#inFlight.clear();
    this.#oldestId = undefined;
    this.#bytes = 0;
    this.#pace = new Pace(this.maxBytes);
    this.#overtaken = false;
    this.#size = Math.min(this.maxMessages, receiveMaximum);
  }

  hasRoom(bytes: number): boolean {
    if (this.#inFlight.size === 0) return true;
    return this.#inFlight.size < this.#size && this.#bytes + bytes <= this.#pace.limitBytes;
  }

  add(id: number, { sending, notice, kind, bytes, sentNs }: InFlight): void {
    this.#bytes += bytes;
    this.#oldestId ??= id;
    const mark = this.#pace.sent(msOf(sentNs), this.#bytes);
    this.#inFlight.set(id, { sending, notice, kind, bytes, sentNs, mark });
  }

  take(id: number, nowNs: bigint): InFlight | undefined {
    const message = this.#inFlight.get(id);
    if (!message) return undefined;
    this.#overtaken = id !== this.#oldestId;
    this.#lastAnswerNs = nowNs;
    this.#inFlight.delete(id);
    // Maps keep the order of insertion.
    if (!this.#overtaken) this.#oldestId = this.#inFlight.keys().next().value;
    this.#bytes -= message.bytes;
    this.#pace.answered(message.mark, message.bytes, msOf(nowNs));
    return message;
  }

  /** `undefined`: nothing is unanswered. */
  oldest(): Waiting | undefined {
    const id = this.#oldestId;
    if (id === undefined) return undefined;
    const { bytes, sentNs } = this.#inFlight.get(id)!;
    const isOvertaken = this.#overtaken;
    const sinceNs = isOvertaken || sentNs > this.#lastAnswerNs ? sentNs : this.#lastAnswerNs;
    return { id, bytes, sinceNs, isOvertaken };
  }
}

function msOf(ns: bigint): number {
  return Number(ns) / 1e6;
}
