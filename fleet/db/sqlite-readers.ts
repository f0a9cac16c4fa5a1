import { Worker } from 'node:worker_threads';
import { DatabaseError, type DatabaseErrorKind, type SqlRow, type SqlValue } from './types.js';

/** One that takes long holds up half of the others. */
const THREADS = 2;
/** Asked and not answered, of a thread; the next is `busy`. */
const MAX_WAITING = 1_024;
/** As PostgreSQL's statements are given. */
const ANSWER_MS = 30_000;

export interface Question {
  readonly id: number;
  readonly sql: string;
  readonly values: readonly SqlValue[];
}

export type Answer = { readonly id: number } & (
  | { readonly rows: readonly SqlRow[] }
  | { readonly failure: { readonly kind: DatabaseErrorKind; readonly message: string } }
);

/** Reads a file of SQLite in threads of its own, what is committed; made with the first question. Rejects with DatabaseError. */
export class SqliteReaders {
  readonly #threads: Thread[] = [];
  #isClosed = false;

  constructor(
    private readonly path: string,
    private readonly answerMs = ANSWER_MS,
  ) {}

  async read<Row extends SqlRow>(sql: string, values: readonly SqlValue[]): Promise<readonly Row[]> {
    if (this.#isClosed) throw new DatabaseError('down', 'SQLite: the database is closed');
    return this.#thread().ask<Row>(sql, values);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all(this.#threads.map((thread) => thread.end()));
  }

  /** The one with the least to do, of those that have started. */
  #thread(): Thread {
    // The next when the last one works: none of the first questions waits for one that starts slowly while others are answered.
    const last = this.#threads.at(-1);
    if (!last || (last.isReady && this.#threads.length < THREADS)) {
      const made = new Thread(this.path, this.answerMs, () =>
        this.#threads.splice(this.#threads.indexOf(made), 1),
      );
      this.#threads.push(made);
    }
    return this.#threads
      .filter(({ isReady }) => isReady)
      .reduce((one, other) => (other.owed < one.owed ? other : one), this.#threads[0]!);
  }
}

interface Waiting {
  readonly settle: (rows: readonly SqlRow[]) => void;
  readonly fail: (error: Error) => void;
  readonly deadline: NodeJS.Timeout;
}

class Thread {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  #asked = 0;
  /** Questions that it works on or has before it, those too that nobody waits for any more. */
  owed = 0;
  isReady = false;

  constructor(
    path: string,
    private readonly answerMs: number,
    onEnd: () => void,
  ) {
    this.#worker = new Worker(new URL('./sqlite-reader.js', import.meta.url), { workerData: path });
    this.#worker.unref();
    this.#worker.once('message', () => {
      this.isReady = true;
      this.#worker.on('message', (answer: Answer) => this.#answered(answer));
    });
    this.#worker.on('error', (error) => this.#failAll(`the reading thread ended: ${error.message}`));
    this.#worker.on('exit', () => {
      onEnd();
      this.#failAll('the reading thread ended');
    });
  }

  ask<Row extends SqlRow>(sql: string, values: readonly SqlValue[]): Promise<readonly Row[]> {
    if (this.owed >= MAX_WAITING)
      return Promise.reject(new DatabaseError('busy', `SQLite: ${MAX_WAITING} questions wait`));
    const id = this.#asked++;
    // Whoever waits for an answer keeps the process; a thread at rest doesn't.
    if (this.#waiting.size === 0) this.#worker.ref();
    return new Promise((settle, fail) => {
      const deadline = setTimeout(() => {
        const where = sql.slice(0, 200);
        this.#take(id)?.fail(
          new DatabaseError('busy', `SQLite: no answer in ${this.answerMs / 1_000} s to: ${where}`),
        );
      }, this.answerMs);
      this.#waiting.set(id, { settle: settle as Waiting['settle'], fail, deadline });
      this.#worker.postMessage({ id, sql, values } satisfies Question);
      this.owed++;
    });
  }

  async end(): Promise<void> {
    await this.#worker.terminate();
  }

  #answered(answer: Answer): void {
    this.owed--;
    const one = this.#take(answer.id);
    if ('rows' in answer) one?.settle(answer.rows);
    else one?.fail(new DatabaseError(answer.failure.kind, answer.failure.message));
  }

  #take(id: number): Waiting | undefined {
    const one = this.#waiting.get(id);
    if (!one) return undefined;
    this.#waiting.delete(id);
    clearTimeout(one.deadline);
    if (this.#waiting.size === 0) this.#worker.unref();
    return one;
  }

  #failAll(why: string): void {
    for (const id of [...this.#waiting.keys()])
      this.#take(id)?.fail(new DatabaseError('down', `SQLite: ${why}`));
  }
}
