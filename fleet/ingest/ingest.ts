import { mayPass } from '../db/index.js';
import type { Store } from '../store/index.js';
import { decodeMessage } from './decode.js';
import { Entry, NotHeldError, type Outcome } from './entry.js';
import { Keeper, type KeeperOptions } from './keeper.js';
import type { Spool } from './spool.js';
import type { Message, Notice, Rows, Status } from './types.js';
import { Waiting } from './waiting.js';

const BATCH_MS = 50;
const BATCH_MESSAGES = 1_024;
const MAX_WAITING = 32_768;
const MAX_WAITING_BYTES = 128 * 1024 * 1024;
const MAX_ALARMS_WAITING = 4_096;
const MAX_ALARMS_WAITING_BYTES = 16 * 1024 * 1024;
/** The newest of each node. */
const MAX_STATUSES = 16_384;
/** Each is a transaction of its own, and rows must not wait behind many. */
const STATUSES_AT_ONCE = 64;
const FIRST_RETRY_MS = 500;
const MAX_RETRY_MS = 15_000;

/** `spooling`: the store takes nothing; messages are acknowledged from the spool, and receipts wait. */
export interface IngestState {
  readonly kind: 'storing' | 'spooling';
  readonly why: string;
}

export interface IngestOptions extends KeeperOptions {
  readonly store: Pick<Store, 'take' | 'heard' | 'refused' | 'node'>;
  readonly spool: Spool;
  /** What is read back before all else. */
  readonly alarmSpool: Spool;
  readonly onState?: (state: IngestState) => void;
}

/** Messages that nothing of the next lane goes before: those that wait, and those on the disk. */
interface Lane {
  readonly waiting: Waiting;
  readonly spool: Spool;
}

type Settle = (outcome: Outcome) => void;
type Fail = (error: Error) => void;

/** From messages to the store, in batches; onto the disk while the store is away. */
export class Ingest {
  readonly #keeper: Keeper;
  readonly #alarms: Lane;
  readonly #rest: Lane;
  readonly #statuses = new Map<string, { readonly status: Status; readonly receivedMs: number }>();
  /** While the store is away: when it is tried again. */
  #retryAtMs: number | undefined;
  #retryMs = FIRST_RETRY_MS;
  /** What was too much for the store at once is halved. */
  #drainAtOnce = BATCH_MESSAGES;
  /** It isn't away: it fails on what it was given. */
  #isWrong = false;
  #isClosing = false;
  #isDue = false;
  #resume: () => void = () => undefined;
  #gathering: NodeJS.Timeout | undefined;
  readonly #running: Promise<void>;

  constructor(private readonly options: IngestOptions) {
    this.#keeper = new Keeper(options);
    const { spool, alarmSpool } = options;
    this.#alarms = {
      waiting: new Waiting(MAX_ALARMS_WAITING, MAX_ALARMS_WAITING_BYTES),
      spool: alarmSpool,
    };
    this.#rest = { waiting: new Waiting(MAX_WAITING, MAX_WAITING_BYTES), spool };
    this.#running = this.#run();
  }

  get isSpooling(): boolean {
    return this.#retryAtMs !== undefined;
  }

  /** What came lies in the spool still, in part at least. */
  get isBehind(): boolean {
    return this.isSpooling || this.#spooled !== undefined;
  }

  get #lanes(): readonly Lane[] {
    return [this.#alarms, this.#rest];
  }

  #laneOf({ isAlarm }: Entry): Lane {
    return isAlarm ? this.#alarms : this.#rest;
  }

  /**
   * Resolves once the message is held for good, in the store or the spool, or refused for good: then it may be acknowledged. Rejects with
   * NotHeldError.
   */
  take(topic: string, payload: Uint8Array): Promise<Outcome> {
    const message = { topic, payload, receivedMs: this.options.nowMs() };
    if (this.#isClosing) return Promise.reject(new NotHeldError('the fleet is ending: send it again'));
    return new Promise((settle, fail) => this.#begin(message, settle, fail));
  }

  #begin(message: Message, settle: Settle, fail: Fail): void {
    const decoded = decodeMessage(message);
    this.#gather();
    if (decoded.kind === 'rows' && decoded.damagedRecords)
      this.#keeper.count('meta.malformed', decoded.damagedRecords);
    if (decoded.kind === 'refusal') this.#keeper.refuse({ message, settle }, decoded.cause, decoded.text);
    else if (decoded.kind === 'nothing') settle({ kind: 'held' });
    else if (decoded.kind === 'status') this.#heard(decoded, message.receivedMs, settle, fail);
    else this.#enqueue(entryOf(message, decoded, settle, fail));
  }

  /** A status is a state, not a row: its node says it anew on each connect, so memory is enough. */
  #heard(status: Status, receivedMs: number, settle: Settle, fail: Fail): void {
    if (this.#statuses.size >= MAX_STATUSES && !this.#statuses.has(status.node)) {
      fail(new NotHeldError('too many statuses wait for the store'));
      return;
    }
    if (status.isHealthDamaged) this.#keeper.count('health', 1);
    this.#keeper.known.heard(status);
    const health = status.health ?? this.#statuses.get(status.node)?.status.health;
    this.#statuses.set(status.node, { status: { ...status, ...(health && { health }) }, receivedMs });
    settle({ kind: 'held' });
  }

  #enqueue(entry: Entry): void {
    const { waiting } = this.#laneOf(entry);
    if (!waiting.push(entry)) entry.fail(new NotHeldError('too much waits for the store: send it again'));
    else if (entry.isAlarm || waiting.length >= BATCH_MESSAGES) this.#wake();
  }

  #gather(): void {
    this.#gathering ??= setTimeout(() => this.#wake(), BATCH_MS);
  }

  #wake(): void {
    clearTimeout(this.#gathering);
    this.#gathering = undefined;
    this.#isDue = true;
    this.#resume();
  }

  /** Takes nothing new, finishes what waits; what the store doesn't take stays in the spool. */
  async close(): Promise<void> {
    this.#isClosing = true;
    this.#wake();
    await this.#running;
    clearTimeout(this.#gathering);
    for (const { spool } of this.#lanes) await spool.close();
    await this.options.deadLetters.close();
  }

  async #run(): Promise<void> {
    while (!this.#isClosing) {
      await this.#pause();
      await this.#round();
    }
    do await this.#round();
    while (this.#lanes.some(({ waiting }) => waiting.length > 0));
  }

  /** Until there is something to do: a batch, the spool's turn, or the next try. */
  async #pause(): Promise<void> {
    if (!this.#isDue && (this.isSpooling || this.#spooled === undefined)) {
      await new Promise<void>((resolve) => {
        const retry = this.isSpooling ? setTimeout(resolve, this.#untilRetryMs()) : undefined;
        this.#resume = () => {
          clearTimeout(retry);
          resolve();
        };
      });
    }
    this.#isDue = false;
  }

  /** The lane whose spool is to be read next. */
  get #spooled(): Lane | undefined {
    return this.#lanes.find(({ spool }) => !spool.isEmpty);
  }

  /** Where the clock was set back, the store is tried at once. */
  #untilRetryMs(): number {
    const leftMs = (this.#retryAtMs ?? 0) - this.options.nowMs();
    return leftMs > MAX_RETRY_MS ? 0 : Math.max(0, leftMs);
  }

  async #round(): Promise<void> {
    const batch = this.#batch();
    const isDue = this.#untilRetryMs() === 0;
    // What can't be taken at the spool's head must not hide that the store takes the rest.
    if (isDue || (this.#isWrong && batch.length > 0)) await this.#try(batch);
    await this.#spool(batch.filter((entry) => !entry.isSettled));
  }

  #batch(): readonly Entry[] {
    const batch: Entry[] = [];
    for (const { waiting } of this.#lanes) batch.push(...waiting.take(BATCH_MESSAGES - batch.length));
    if (this.#lanes.some(({ waiting }) => waiting.length > 0)) this.#isDue = true;
    return batch;
  }

  async #try(batch: readonly Entry[]): Promise<void> {
    try {
      await this.#keeper.keep(batch);
      if (batch.length > 0) this.#retryMs = FIRST_RETRY_MS;
      await this.#drain();
      await this.#saveStates();
    } catch (error) {
      return this.#goAway(error as Error);
    }
    if (this.isSpooling) this.options.onState?.({ kind: 'storing', why: 'the database takes rows again' });
    this.#retryAtMs = undefined;
    this.#retryMs = FIRST_RETRY_MS;
  }

  #goAway(error: Error): void {
    if (!this.isSpooling) this.options.onState?.({ kind: 'spooling', why: error.message });
    this.#isWrong = !mayPass(error);
    this.#retryAtMs = this.options.nowMs() + this.#retryMs;
    this.#retryMs = Math.min(2 * this.#retryMs, MAX_RETRY_MS);
  }

  /** What came while the store was away. New messages may go before it: a block's numbers say what it is in any order. */
  async #drain(): Promise<void> {
    const spool = this.#spooled?.spool;
    if (!spool) return;
    const entries = (await spool.oldest(this.#drainAtOnce)).map((message) => this.#entryAgain(message));
    try {
      await this.#keeper.keep(entries);
      this.#drainAtOnce = Math.min(2 * this.#drainAtOnce, BATCH_MESSAGES);
    } catch (error) {
      this.#drainAtOnce = Math.max(1, entries.length >> 1);
      throw error;
    } finally {
      const left = entries.findIndex((entry) => !entry.isSettled);
      await spool.done(left < 0 ? entries.length : left);
    }
  }

  /** A later version may refuse what an earlier one put there. */
  #entryAgain(message: Message): Entry {
    const decoded = decodeMessage(message);
    if (decoded.kind === 'rows' || decoded.kind === 'notice') return entryOf(message, decoded);
    const entry = new Entry(message, [], undefined, false);
    if (decoded.kind === 'refusal') this.#keeper.refuse(entry, decoded.cause, decoded.text);
    else entry.settle({ kind: 'held' });
    return entry;
  }

  async #saveStates(): Promise<void> {
    const { store } = this.options;
    // One that comes meanwhile waits for the next round: a node may say its status without end.
    for (const [node, { status, receivedMs }] of [...this.#statuses].slice(0, STATUSES_AT_ONCE)) {
      try {
        await store.heard(node, receivedMs, status.fields, status.health);
      } catch (error) {
        if (mayPass(error)) throw error;
        this.#keeper.count('status', 1);
      }
      if (this.#statuses.get(node)?.status === status) this.#statuses.delete(node);
    }
    if (this.#statuses.size > 0) this.#gather();
    const { counts } = this.#keeper;
    if (Object.keys(counts).length === 0) return;
    this.#keeper.counts = {};
    await store.refused(counts).catch((error: unknown) => {
      for (const [cause, times] of Object.entries(counts))
        this.#keeper.count(cause as keyof typeof counts, times);
      throw error;
    });
  }

  async #spool(entries: readonly Entry[]): Promise<void> {
    for (const lane of this.#lanes)
      await this.#append(
        lane.spool,
        entries.filter((entry) => this.#laneOf(entry) === lane),
      );
  }

  async #append(spool: Spool, entries: readonly Entry[]): Promise<void> {
    if (entries.length === 0) return;
    try {
      await spool.append(entries.map(({ message }) => message));
      for (const entry of entries) entry.settle({ kind: 'held' });
    } catch (cause) {
      const error = new NotHeldError(
        `neither the database nor the spool takes it: ${(cause as Error).message}`,
        { cause },
      );
      for (const entry of entries) entry.fail(error);
    }
  }
}

function entryOf(message: Message, decoded: Rows | Notice, settle?: Settle, fail?: Fail): Entry {
  if (decoded.kind === 'notice') return new Entry(message, [], decoded, true, settle, fail);
  const isAlarm = decoded.incoming.some(({ logClass }) => logClass === 'alarm');
  return new Entry(message, decoded.incoming, undefined, isAlarm, settle, fail);
}
