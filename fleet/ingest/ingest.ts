import type { Store } from '../store/index.js';
import { decodeMessage } from './decode.js';
import { Entry, NotHeldError, type Outcome } from './entry.js';
import { isAway, Keeper, type KeeperOptions } from './keeper.js';
import type { Spool } from './spool.js';
import type { Message, Notice, Rows, Status } from './types.js';

const BATCH_MS = 50;
const BATCH_MESSAGES = 1_024;
/** What waits to be taken; past it nothing is acknowledged. */
const MAX_WAITING = 32_768;
const MAX_WAITING_BYTES = 64 * 1024 * 1024;
/** The newest of each node. */
const MAX_STATUSES = 16_384;
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
  readonly onState?: (state: IngestState) => void;
}

type Settle = (outcome: Outcome) => void;
type Fail = (error: Error) => void;

/** From messages to the store, in batches; onto the disk while the store is away. */
export class Ingest {
  readonly #keeper: Keeper;
  readonly #queue: Entry[] = [];
  #queuedBytes = 0;
  readonly #statuses = new Map<string, { readonly status: Status; readonly receivedMs: number }>();
  /** While the store is away: when it is tried again. */
  #retryAtMs: number | undefined;
  #retryMs = FIRST_RETRY_MS;
  /** It isn't away: it fails on what it was given. */
  #isWrong = false;
  #isClosing = false;
  #isDue = false;
  #resume: () => void = () => undefined;
  #gathering: NodeJS.Timeout | undefined;
  readonly #running: Promise<void>;

  constructor(private readonly options: IngestOptions) {
    this.#keeper = new Keeper(options);
    this.#running = this.#run();
  }

  get isSpooling(): boolean {
    return this.#retryAtMs !== undefined;
  }

  /**
   * Resolves once the message is held for good, in the store or the spool, or refused for good: then it may be acknowledged. Rejects with
   * NotHeldError.
   */
  take(topic: string, payload: Uint8Array): Promise<Outcome> {
    const message = { topic, payload, receivedMs: this.options.nowMs() };
    const isFull =
      this.#queue.length >= MAX_WAITING || this.#queuedBytes + payload.length > MAX_WAITING_BYTES;
    if (isFull || this.#isClosing) return Promise.reject(new NotHeldError('not taken now: send it again'));
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
    this.#queue.push(entry);
    this.#queuedBytes += entry.message.payload.length;
    if (this.#queue.length >= BATCH_MESSAGES || entry.notice) this.#wake();
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
    await this.options.spool.close();
    await this.options.deadLetters.close();
  }

  async #run(): Promise<void> {
    while (!this.#isClosing) {
      await this.#pause();
      await this.#round();
    }
    do await this.#round();
    while (this.#queue.length > 0);
  }

  /** Until there is something to do: a batch, the spool's turn, or the next try. */
  async #pause(): Promise<void> {
    const isDraining = this.#retryAtMs === undefined && !this.options.spool.isEmpty;
    if (!this.#isDue && !isDraining) {
      await new Promise<void>((resolve) => {
        const waitMs = this.#retryAtMs === undefined ? undefined : this.#retryAtMs - this.options.nowMs();
        const retry = waitMs === undefined ? undefined : setTimeout(resolve, Math.max(0, waitMs));
        this.#resume = () => {
          clearTimeout(retry);
          resolve();
        };
      });
    }
    this.#isDue = false;
  }

  async #round(): Promise<void> {
    const batch = this.#batch();
    const isDue = this.#retryAtMs === undefined || this.options.nowMs() >= this.#retryAtMs;
    // What can't be taken at the spool's head must not hide that the store takes the rest.
    if (isDue || (this.#isWrong && batch.length > 0)) await this.#try(batch);
    await this.#spool(batch.filter((entry) => !entry.isSettled));
  }

  #batch(): readonly Entry[] {
    const batch = this.#queue.splice(0, BATCH_MESSAGES);
    for (const { message } of batch) this.#queuedBytes -= message.payload.length;
    if (this.#queue.length > 0) this.#isDue = true;
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
    this.#isWrong = !isAway(error);
    this.#retryAtMs = this.options.nowMs() + this.#retryMs;
    this.#retryMs = Math.min(2 * this.#retryMs, MAX_RETRY_MS);
  }

  /** What came while the store was away. New messages may go before it: a block's numbers say what it is in any order. */
  async #drain(): Promise<void> {
    const { spool } = this.options;
    if (spool.isEmpty) return;
    const entries = (await spool.oldest(BATCH_MESSAGES)).map((message) => this.#entryAgain(message));
    try {
      await this.#keeper.keep(entries);
    } finally {
      const left = entries.findIndex((entry) => !entry.isSettled);
      await spool.done(left < 0 ? entries.length : left);
    }
  }

  /** A later version may refuse what an earlier one put there. */
  #entryAgain(message: Message): Entry {
    const decoded = decodeMessage(message);
    if (decoded.kind === 'rows' || decoded.kind === 'notice') return entryOf(message, decoded);
    const entry = new Entry(message, [], undefined);
    if (decoded.kind === 'refusal') this.#keeper.refuse(entry, decoded.cause, decoded.text);
    else entry.settle({ kind: 'held' });
    return entry;
  }

  async #saveStates(): Promise<void> {
    const { store } = this.options;
    for (const [node, { status, receivedMs }] of this.#statuses) {
      try {
        await store.heard(node, receivedMs, status.fields, status.health);
      } catch (error) {
        if (isAway(error)) throw error;
        this.#keeper.count('status', 1);
      }
      if (this.#statuses.get(node)?.status === status) this.#statuses.delete(node);
    }
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
    if (entries.length === 0) return;
    try {
      await this.options.spool.append(entries.map(({ message }) => message));
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
  if (decoded.kind === 'notice') return new Entry(message, [], decoded, settle, fail);
  return new Entry(message, decoded.incoming, undefined, settle, fail);
}
