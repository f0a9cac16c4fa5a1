import { constants, openSync, writeSync } from 'node:fs';
import type { Log } from './log.js';
import type { Store, StreamStatus } from './store/index.js';

/** The variable that names the commit log's file. */
export const COMMIT_LOG = 'CAIRN_COMMIT_LOG';
/** A write of so many bytes is taken whole or not at all (pipe(7): PIPE_BUF; a virtio port takes more). */
const MAX_WRITE_BYTES = 4096;

/** One line, JSON: the store's promise as somebody outside the machine may write it down. */
export interface CommitLine {
  readonly epoch: string;
  readonly stream: string;
  /** Where this process's numbers begin: what is below was given before it. */
  readonly from: number;
  /** All numbers below are on the disk, synced: in a committed row or in a gap. */
  readonly next: number;
  /** Lines that were told later than their commit so far, because nobody took them. */
  readonly dropped: number;
}

/** What a store's status says of its disk. */
export interface Committed {
  readonly epoch: string;
  readonly streams: readonly Pick<StreamStatus, 'stream' | 'committed'>[];
}

/** Takes bytes whole or throws: it must never wait. */
export type CommitPort = (bytes: Uint8Array) => number;

/**
 * For rigs: says after each synced commit how far each stream that it moved is on the disk, so that a power cut can be held against
 * it. A reader that doesn't keep up costs the node nothing: its lines are dropped, counted, and made up for by a later commit.
 */
export class CommitLog {
  /** By stream: the next number when the store was opened; streams that came since begin at 0. */
  readonly #opened: ReadonlyMap<string, number>;
  readonly #told: Map<string, number>;
  #dropped = 0;

  constructor(
    opened: Committed,
    private readonly port: CommitPort,
    private readonly log: Log,
  ) {
    this.#opened = new Map(opened.streams.map(({ stream, committed }) => [stream, committed]));
    this.#told = new Map(this.#opened);
  }

  /** Call it when a commit was synced. */
  committed({ epoch, streams }: Committed): void {
    let batch = new Map<string, number>();
    let text = '';
    for (const { stream, committed } of streams) {
      if (committed <= (this.#told.get(stream) ?? 0)) continue;
      const from = this.#opened.get(stream) ?? 0;
      const line: CommitLine = { epoch, stream, from, next: committed, dropped: this.#dropped };
      const said = `${JSON.stringify(line)}\n`;
      if (text.length + said.length > MAX_WRITE_BYTES) {
        this.#write(text, batch);
        text = '';
        batch = new Map();
      }
      text += said;
      batch.set(stream, committed);
    }
    if (text !== '') this.#write(text, batch);
  }

  #write(text: string, batch: ReadonlyMap<string, number>): void {
    const bytes = Buffer.from(text);
    try {
      if (this.port(bytes) !== bytes.length) throw new Error('a part of a line was taken');
      for (const [stream, next] of batch) this.#told.set(stream, next);
    } catch (error) {
      if (this.#dropped === 0) this.log('warn', 'commits', `lines are dropped: ${(error as Error).message}`);
      this.#dropped += batch.size;
    }
  }
}

/** Begins the commit log where the environment asks for one. A file that can't be opened is said, and is no reason to stop. */
export function startCommitLog(store: Store, log: Log, path = process.env[COMMIT_LOG]): void {
  if (!path) return;
  try {
    const file = openSync(path, constants.O_WRONLY | constants.O_APPEND | constants.O_NONBLOCK);
    const commits = new CommitLog(
      { epoch: store.epoch, streams: store.streams() },
      (bytes) => writeSync(file, bytes),
      log,
    );
    store.onCommit(() => commits.committed({ epoch: store.epoch, streams: store.streams() }));
    log('info', 'commits', `commits are told to ${path}`);
  } catch (error) {
    log('warn', 'commits', `${COMMIT_LOG}: ${(error as Error).message}; commits are not told`);
  }
}
