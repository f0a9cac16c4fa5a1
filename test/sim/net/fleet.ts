import {
  createReceiver,
  type Fact,
  heldBy,
  type Receiver,
  type TakeResult,
} from '../../../fleet/receive/index.js';
import type { DecodedHeader } from '../../../native/index.js';
import type { MqttMessage } from '../../../runtime/uplink/index.js';
import type { Kernel } from '../kernel/kernel.js';
import type { Trace } from '../kernel/trace.js';

/** Journal lines after which it is written anew, as the product's does after more. */
const COMPACT_LINES = 400;
const JOURNAL_NS = 2e6;

/** The receiver behind the broker: the product's, with a journal of its own on a simulated disk. */
export class Fleet {
  receiver: Receiver = createReceiver();
  isUp = true;
  crashes = 0;
  /** What the broker keeps until the receiver has acknowledged it. */
  readonly #queue: MqttMessage[] = [];
  #journal: Fact[] = [];
  /** Messages taken, whose facts are on their way to the disk. */
  #taken = 0;
  #life = 0;

  constructor(
    readonly kernel: Kernel,
    readonly trace: Trace,
    readonly onResult: (result: TakeResult, message: MqttMessage) => void,
    /** Blocks that the journal holds now. */
    readonly onHeld: (blocks: readonly DecodedHeader[]) => void,
  ) {}

  enqueue(message: MqttMessage): void {
    this.#queue.push(message);
    if (this.#queue.length === 1) this.#wake();
  }

  get backlog(): number {
    return this.#queue.length;
  }

  #wake(): void {
    const life = this.#life;
    this.kernel.after(JOURNAL_NS, () => {
      if (life === this.#life && this.isUp && this.#taken === 0 && this.#queue.length > 0) this.#takeAll();
    });
  }

  #takeAll(): void {
    const facts: Fact[] = [];
    const held: DecodedHeader[] = [];
    for (const message of this.#queue) {
      const result = this.receiver.take(message.topic, message.payload);
      this.onResult(result, message);
      facts.push(...result.facts);
      const header = heldBy(result);
      if (header) held.push(header);
    }
    this.#taken = this.#queue.length;
    const life = this.#life;
    this.kernel.after(JOURNAL_NS, () => {
      if (life !== this.#life || !this.isUp) return;
      this.#journal.push(...facts);
      if (this.#journal.length > COMPACT_LINES) this.#journal = [...this.receiver.facts()];
      this.onHeld(held);
      this.#queue.splice(0, this.#taken);
      this.#taken = 0;
      if (this.#queue.length > 0) this.#wake();
    });
  }

  /** The broker has lost what it kept for us. */
  queueLost(): void {
    this.trace.note('queue.lost', this.#queue.length);
    this.#queue.length = 0;
    this.#taken = 0;
    this.#life += 1;
  }

  /** What wasn't journaled is gone with the process; the broker has it still. */
  crash(downNs: number): void {
    this.isUp = false;
    this.crashes += 1;
    this.#life += 1;
    this.#taken = 0;
    this.trace.note('receiver.crash');
    this.kernel.after(downNs, () => this.#start());
  }

  #start(): void {
    this.receiver = createReceiver();
    this.receiver.restore(JSON.parse(JSON.stringify(this.#journal)) as Fact[]);
    this.isUp = true;
    if (this.#queue.length > 0) this.#wake();
  }
}
