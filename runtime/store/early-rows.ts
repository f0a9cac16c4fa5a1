import { type Rows, STREAM_CLASSES, type StreamClass } from '../../drivers/contract/index.js';
import { bytesOf, fits } from './chunk.js';
import { StoreError } from './error.js';
import { Memory, type MemoryBound } from './memory-bound.js';
import { checkSpec } from './spec.js';
import type { OpenStore, StreamSpec } from './types.js';
import { lastRows, Unnumbered } from './unnumbered.js';

/** One stream before there is a store for it. */
interface EarlyStream {
  /** As it was declared, each time. */
  readonly specs: StreamSpec[];
  readonly waiting: Unnumbered;
  bytes: number;
  /** Rows that memory couldn't hold. */
  overflow: number;
}

/**
 * Rows that came before there is a store which could number them, a stream's in their order. Bounded: what memory can't hold goes from the
 * lowest class, oldest first, and is counted where it was, so that its numbers become a gap.
 */
export class EarlyRows {
  readonly #streams = new Map<string, EarlyStream>();
  readonly #memory = new Memory();

  constructor(private readonly bound: MemoryBound) {}

  declare(spec: StreamSpec): void {
    checkSpec(spec);
    const known = this.#streams.get(spec.name);
    if (known) known.specs.push(spec);
    else this.#streams.set(spec.name, { specs: [spec], waiting: new Unnumbered(), bytes: 0, overflow: 0 });
  }

  append(rows: Rows): void {
    const stream = this.#streams.get(rows.stream);
    if (!stream) throw new StoreError('invalid', rows.stream, 'rows of a stream that was not declared');
    const { channels } = newest(stream);
    const count = rows.timesNs.length;
    if (count === 0) return;
    if (!fits(rows, channels)) {
      stream.waiting.lose(count, 'rejected');
      return;
    }
    stream.waiting.push(rows, { version: stream.specs.length - 1, channels });
    const bytes = bytesOf(rows, channels.length);
    stream.bytes += bytes;
    this.#memory.take(bytes);
    this.#shed();
  }

  get specs(): readonly StreamSpec[] {
    return [...this.#streams.values()].map(newest);
  }

  /** Rows that wait, of all streams. */
  get count(): number {
    let rows = 0;
    for (const { waiting } of this.#streams.values()) rows += waiting.rows;
    return rows;
  }

  /** Rows of a stream, or of all, that memory couldn't hold. */
  overflow(name?: string): number {
    let rows = 0;
    for (const [known, stream] of this.#streams)
      if (name === undefined || name === known) rows += stream.overflow;
    return rows;
  }

  /** All of it goes into the store, each stream's in its order; what comes meanwhile (the log of it) too. */
  handOver(store: OpenStore): void {
    do {
      for (const stream of this.#streams.values()) handOverStream(stream, store);
    } while ([...this.#streams.values()].some(({ waiting }) => waiting.first));
    this.#streams.clear();
  }

  #shed(): void {
    const maxBytes = this.bound.now(this.#memory);
    while (this.#memory.bytes > maxBytes) {
      if (!STREAM_CLASSES.toReversed().some((name) => this.#dropOldest(name))) return;
    }
  }

  /** Of the class's stream that takes most. */
  #dropOldest(name: StreamClass): boolean {
    const [fullest] = [...this.#streams.values()]
      .filter((stream) => newest(stream).class === name && stream.bytes > 0)
      .sort((a, b) => b.bytes - a.bytes);
    const before = fullest?.waiting.rows ?? 0;
    const bytes = fullest?.waiting.dropOldest();
    if (!fullest || bytes === undefined) return false;
    fullest.overflow += before - fullest.waiting.rows;
    fullest.bytes -= bytes;
    this.#memory.give(bytes);
    return true;
  }
}

function newest({ specs }: EarlyStream): StreamSpec {
  return specs.at(-1)!;
}

function handOverStream(stream: EarlyStream, store: OpenStore): void {
  const { specs, waiting } = stream;
  let spec = specs[0]!;
  stream.bytes = 0;
  for (let run = waiting.first; run; run = waiting.first) {
    const { count } = run;
    if (run.columns) spec = specs[run.columns.version]!;
    store.declare(spec);
    if (run.columns) store.append({ stream: spec.name, ...lastRows(run.columns, count) });
    else store.lost(spec.name, count, run.cause);
    waiting.numbered(count);
  }
  store.declare(newest(stream));
}
