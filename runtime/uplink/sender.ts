import type { LogClass } from '../../wire/index.js';
import type { RuntimeClock, Timer } from '../clock/types.js';
import type { BlockOrder, Disposition, StoreCommit, StoredBlock } from '../store/types.js';
import { answerOf } from './answers.js';
import type { Custody } from './custody.js';
import { Deadline } from './deadline.js';
import type { HealthNews } from './health-news.js';
import { type Choice, Lanes, type LanesOptions } from './lanes.js';
import type { MqttLink, MqttMessage, ServerLimits } from './mqtt-port.js';
import { AGAIN_MS, type Notice, type Notices } from './notices.js';
import { type BlockMessage, type PayloadOptions, payloadsOf } from './payloads.js';
import type { Say } from './say.js';
import type { ReceivedBlock, StatusHealth } from './types.js';
import { type InFlight, type Sending, Window } from './window.js';

/** What may be in the network's hands at once. */
const WINDOW_BYTES = 4 * 1024 * 1024;
/** Fixed header, topic length, packet id and properties of a PUBLISH, at most. */
const PUBLISH_OVERHEAD_BYTES = 16;
/** Live comes before what is sent again: at most every fourth block is one, while there is other work. */
const RESEND_EVERY = 4;

export interface SenderOptions extends PayloadOptions {
  readonly clock: RuntimeClock;
  readonly random: () => number;
  readonly window: number;
  readonly backlog: BlockOrder;
  readonly affords: LanesOptions['affords'];
  readonly pubackDeadlineMs: number;
  readonly backoffMinMs: number;
  readonly backoffMaxMs: number;
  readonly say: Say;
  /** Absent: custody `broker`, a PUBACK of success frees the block. */
  readonly custody: Custody | undefined;
  readonly notices: Notices;
  /** Absent: the status says nothing of how the node is. */
  readonly healthNews: HealthNews | undefined;
  readonly healthMessage: (health: StatusHealth) => MqttMessage;
  /** The oldest publish has been unanswered for too long. */
  readonly onDeadline: (waitedMs: number) => void;
  /** The broker took something. */
  readonly onTaken: () => void;
  /** They have their receipt. */
  readonly onReceived: (blocks: readonly ReceivedBlock[]) => void;
}

interface Outgoing {
  readonly message: MqttMessage;
  readonly kind: InFlight['kind'];
  readonly sending: Sending | undefined;
  readonly notice?: Notice;
}

/** Moves blocks from the store to a link, and what the other end says of them back. */
export class Sender {
  readonly window: Window;
  readonly #lanes: Lanes;
  #link: MqttLink | undefined;
  #maxPacketBytes = 0;
  /** Messages of the block at hand, and statuses: they go before the next block. */
  #outbox: Outgoing[] = [];
  readonly #deadline: Deadline;
  #wake: Timer | undefined;
  #noticeWake: Timer | undefined;
  #draining = false;
  readonly refusals: Record<string, number> = {};
  readonly #say: Say;
  #sinceResend = 0;
  receipts = 0;
  rejected = 0;
  bytesSent = 0;
  lastReceiptNs: bigint | undefined;

  constructor(private readonly options: SenderOptions) {
    this.window = new Window(options.window, WINDOW_BYTES);
    this.#say = options.say;
    this.#deadline = new Deadline({
      clock: options.clock,
      window: this.window,
      deadlineMs: options.pubackDeadlineMs,
      onDeadline: (waitedMs) => {
        this.#count('deadline');
        options.onDeadline(waitedMs);
      },
    });
    this.#lanes = new Lanes(options);
  }

  online(link: MqttLink, server: ServerLimits, birth: MqttMessage): void {
    this.#link = link;
    this.#maxPacketBytes = server.maximumPacketBytes;
    this.window.open(server.receiveMaximum);
    this.#lanes.reset();
    this.options.custody?.resume();
    this.#outbox = [{ message: birth, kind: 'status', sending: undefined }];
    this.pump();
  }

  /** All that was in flight is to be sent again, on another link. */
  offline(): void {
    this.#link = undefined;
    this.#outbox = [];
    this.window.open(0);
    this.#deadline.stop();
    this.#wake?.cancel();
    this.options.custody?.cut();
    this.options.notices.cut();
    this.#noticeWake?.cancel();
  }

  committed(commit: StoreCommit): void {
    this.#lanes.committed(commit);
    this.pump();
  }

  isUnderWay(block: StoredBlock): boolean {
    return this.#lanes.isUnderWay(block) || (this.options.custody?.holds(block) ?? false);
  }

  /** Some blocks of the class are gone. */
  rewind(logClass: LogClass): void {
    this.#lanes.rewind(logClass);
    this.pump();
  }

  /** No further block is begun; what is on its way is finished, then `last` is sent. */
  finish(last: MqttMessage): void {
    this.#draining = true;
    if (this.#link) this.#outbox.push({ message: last, kind: 'status', sending: undefined });
    this.pump();
  }

  get isIdle(): boolean {
    return this.#outbox.length === 0 && this.window.used === 0;
  }

  pump(): void {
    while (this.#link) {
      const next = this.#outbox[0];
      if (next) {
        if (!this.window.hasRoom(next.message.payload.length)) return;
        this.#outbox.shift();
        this.#publish(this.#link, next);
      } else if (!this.#sayNotice() && !this.#begin()) return;
    }
  }

  /** What no disk holds goes before all that one does: it is an alarm, and this may be its only way. */
  #sayNotice(): boolean {
    const { notices } = this.options;
    const notice = !this.#draining && this.window.hasRoom(0) ? notices.begin() : undefined;
    if (!notice) return false;
    const message = notices.message(notice);
    if (this.#fits(message)) this.#outbox.push({ message, kind: 'notice', sending: undefined, notice });
    else {
      this.#count('packetTooLarge');
      notices.taken(notice);
    }
    return true;
  }

  #answeredNotice(notice: Notice, reasonCode: number): void {
    const { notices, clock, onTaken } = this.options;
    if (reasonCode === 0) {
      notices.taken(notice);
      onTaken();
      return;
    }
    this.#count('notice');
    notices.refused(notice);
    this.#noticeWake?.cancel();
    this.#noticeWake = clock.after(AGAIN_MS, () => this.pump());
  }

  /** Takes the next block. False: there is none now, or no room for it. */
  #begin(): boolean {
    if (this.#draining || !this.window.hasRoom(0)) return false;
    // A lane that is empty for want of reading must not lose its turn.
    const nowNs = this.options.clock.nowNs();
    if (this.#lanes.wantsFill(nowNs)) this.#fill();
    const { custody } = this.options;
    const isResendsTurn = this.#sinceResend >= RESEND_EVERY - 1;
    const choice = this.#lanes.choose(nowNs);
    const resend = isResendsTurn || !choice ? custody?.takeResend() : undefined;
    if (!resend && !isAhead(choice) && this.#sayHealth()) return true;
    const block = resend ?? choice?.block;
    if (!block) this.#sleep();
    if (!block || !(resend || this.window.hasRoom(block.bytes.length))) return false;
    if (!resend) this.#lanes.take(choice!);
    this.#sinceResend = resend ? 0 : this.#sinceResend + 1;
    this.#start(block);
    return true;
  }

  /** How the node is: behind all that is new, and before what is old, of which there may be days. False: there is no room, or nothing to say. */
  #sayHealth(): boolean {
    const health = this.options.healthNews?.due;
    if (!health || this.#lanes.isReading) return false;
    const message = this.options.healthMessage(health);
    if (!this.window.hasRoom(message.payload.length)) return false;
    this.options.healthNews?.sent();
    if (this.#fits(message)) this.#outbox.push({ message, kind: 'status', sending: undefined });
    else this.#count('packetTooLarge');
    return true;
  }

  #start(block: StoredBlock): void {
    const payloads = payloadsOf(block, this.options);
    this.options.custody?.begin(block);
    if (payloads.kind === 'messages') this.#outbox.push(...this.#outgoing(block, payloads.messages));
    else if (payloads.kind === 'broken') this.#reject(block, `broken: ${payloads.reason}`);
    else this.#hold(block, payloads.reason);
  }

  #fill(): void {
    this.#lanes.fill().then(
      () => this.pump(),
      (error: Error) => {
        this.#say('readFailed', 'error', `uplink: the store can't be read: ${error.message}`);
        this.#sleep(this.options.backoffMinMs);
        // Nothing else may leave, and this says why.
        if (this.#sayHealth()) this.pump();
      },
    );
  }

  /** Until a refused class may be tried again; a commit or an answer wakes it too. */
  #sleep(leastMs = 0): void {
    const dueNs = this.#lanes.nextDueNs();
    if (dueNs === undefined && leastMs === 0) return;
    const ms = dueNs === undefined ? leastMs : Number((dueNs - this.options.clock.nowNs()) / 1_000_000n) + 1;
    this.#wake?.cancel();
    this.#wake = this.options.clock.after(Math.max(ms, leastMs), () => this.pump());
  }

  #outgoing(block: StoredBlock, messages: readonly BlockMessage[]): Outgoing[] {
    const fits = messages.filter((message) => this.#fits(message));
    for (let missing = messages.length - fits.length; missing > 0; missing--) this.#count('packetTooLarge');
    if (fits[0] !== messages[0]) {
      this.#reject(block, `larger than the ${this.#maxPacketBytes} bytes that the broker takes`);
      return [];
    }
    const sending = { block, unanswered: fits.length, refusedWith: 0, packetTaken: false };
    return fits.map(({ topic, payload, kind }) => {
      return { message: { topic, payload, retain: false }, kind, sending };
    });
  }

  #fits({ topic, payload }: Pick<BlockMessage, 'topic' | 'payload'>): boolean {
    return payload.length + topic.length + PUBLISH_OVERHEAD_BYTES <= this.#maxPacketBytes;
  }

  #publish(link: MqttLink, { message, kind, sending, notice }: Outgoing): void {
    const bytes = message.payload.length;
    const id = link.publish(message);
    this.window.add(id, { sending, notice, kind, bytes, sentNs: this.options.clock.nowNs() });
    this.bytesSent += bytes + message.topic.length + PUBLISH_OVERHEAD_BYTES;
    // Behind others it isn't what is waited for.
    if (this.window.used === 1) this.#deadline.watch();
  }

  answered(id: number, reasonCode: number): void {
    const nowNs = this.options.clock.nowNs();
    this.#deadline.beforeAnswer(id, nowNs);
    const message = this.window.take(id, nowNs);
    if (!message) this.strayAnswer();
    else if (message.sending) this.#answeredBlock(message.sending, message, reasonCode);
    else if (message.notice) this.#answeredNotice(message.notice, reasonCode);
    else if (reasonCode >= 0x80) this.#count('status');
    this.#deadline.watch();
    this.pump();
  }

  strayAnswer(): void {
    this.#count('unknownId');
  }

  #answeredBlock(sending: Sending, message: InFlight, reasonCode: number): void {
    sending.unanswered--;
    if (reasonCode === 0 && message.kind === 'packet') sending.packetTaken = true;
    if (reasonCode !== 0) sending.refusedWith = Math.max(sending.refusedWith, reasonCode);
    if (sending.unanswered === 0) this.#settle(sending);
  }

  #settle({ block, refusedWith, packetTaken }: Sending): void {
    const answer = answerOf(refusedWith);
    if (answer.kind !== 'receipt') this.#count(answer.cause);
    // The packet is with the broker: what becomes of its SenML for good is no gap.
    if (answer.kind === 'receipt' || (answer.kind === 'rejected' && packetTaken)) this.#taken(block);
    else if (answer.kind === 'rejected') this.#reject(block, answer.cause);
    else if (answer.kind === 'later') {
      const waitMs = this.#lanes.later(block.position);
      this.options.custody?.refused(block);
      this.#say(
        answer.cause,
        'warn',
        `uplink: ${block.position.class} refused: ${answer.advice}; again in ${waitMs} ms`,
      );
    } else {
      this.#lanes.aside(block.position);
      this.options.custody?.refused(block);
      this.#say(
        answer.cause,
        'warn',
        `uplink: a block of ${block.header.stream} refused with ${answer.cause}; kept`,
      );
    }
  }

  /** The broker has it. By custody that is the receipt, or it waits for the fleet's. */
  #taken(block: StoredBlock): void {
    this.#lanes.settled(block.position, true);
    this.options.onTaken();
    const { custody } = this.options;
    if (!custody || custody.taken(block)) this.freed([receivedOf(block)]);
  }

  /** They have their receipt. */
  freed(blocks: readonly ReceivedBlock[]): void {
    const positions = blocks.map(({ position }) => position);
    this.receipts += positions.length;
    this.lastReceiptNs = this.options.clock.nowNs();
    // A read that runs may still bring them.
    for (const position of positions) this.#lanes.settled(position, true);
    this.options.store.dispose(positions.map((position) => ({ position, kind: 'receipt' })));
    this.options.onReceived(blocks);
    this.pump();
  }

  /** A dead letter: the store writes a gap, and the head of the line is free. */
  #reject(block: StoredBlock, reason: string): void {
    this.rejected++;
    const { stream, first, count } = block.header;
    const range = `${stream} ${first} to ${first + count - 1}`;
    this.#say('rejected', 'error', `uplink: ${range} will never be taken: ${reason}`);
    this.#lanes.settled(block.position, false);
    this.options.custody?.refused(block);
    this.#dispose({ position: block.position, kind: 'rejected', reason });
  }

  #hold(block: StoredBlock, reason: string): void {
    this.#count('held');
    this.#lanes.settled(block.position, false);
    this.options.custody?.refused(block);
    this.#say('held', 'warn', `uplink: ${block.header.stream} ${block.header.first} is held: ${reason}`);
  }

  #dispose(disposition: Disposition): void {
    this.options.store.dispose([disposition]);
  }

  #count(cause: string): void {
    this.refusals[cause] = (this.refusals[cause] ?? 0) + 1;
  }
}

/** Of how the node is: an alarm, what blocks are understood by, and what was just read. */
function isAhead(choice: Choice | undefined): boolean {
  if (!choice) return false;
  const { class: logClass } = choice.block.position;
  return choice.kind === 'live' || logClass === 'alarm' || logClass === 'meta';
}

function receivedOf({ position, header: { stream, first, count } }: StoredBlock): ReceivedBlock {
  return { position, stream, first, count };
}
