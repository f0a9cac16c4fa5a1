import { type Channel, QUALITY, type Rows, rowCount } from '../drivers/contract/index.js';
import { type Cell, rowCells } from '../wire/index.js';
import type { SamplerStream } from './sampler/index.js';
import { type Heard, Tap } from './tap.js';

/** Rows that wait for a listener on a slow line. */
const QUEUE_MAX = 256;

/** One row as a person looks at it. */
export interface SeenRow {
  readonly stream: string;
  readonly partId: string;
  readonly timeNs: bigint;
  readonly cells: readonly Cell[];
}

/** The newest row of a stream, and when each of its channels was last known. */
export interface LatestRow extends SeenRow {
  /** CLOCK_BOOTTIME ns by channel. */
  readonly goodNs: Readonly<Record<string, bigint>>;
}

interface Kept {
  readonly stream: SamplerStream;
  readonly goodNs: BigInt64Array;
  /** One row, copied: its arrays belong to whoever sampled it. */
  row: Pick<Rows, 'values' | 'quality' | 'texts'> & { readonly timeNs: bigint };
}

/** What the parts gave, for whoever asks at the console: the newest row of each stream, and rows as they come. */
export class SeenRows {
  readonly #streams = new Map<string, SamplerStream>();
  readonly #kept = new Map<string, Kept>();
  readonly #tap = new Tap<SeenRow>(QUEUE_MAX);
  readonly #raw = new Tap<SeenRow>(QUEUE_MAX);

  declare(stream: SamplerStream): void {
    this.#streams.set(stream.name, stream);
    this.#kept.delete(stream.name);
  }

  channelsOf(stream: string): readonly Channel[] {
    return this.#streams.get(stream)?.channels ?? [];
  }

  /** Those of its driver, as they are declared now; what fusion makes of them is not among them. */
  streamsOf(partId: string): readonly SamplerStream[] {
    return [...this.#streams.values()].filter(
      (stream) => stream.partId === partId && `${stream.name}.`.startsWith(`${partId}.`),
    );
  }

  take(rows: Rows): void {
    const stream = this.#streams.get(rows.stream);
    const count = rowCount(rows);
    if (!stream || count === 0) return;
    this.#keep(stream, rows, count - 1);
    pushRows(this.#tap, stream, rows);
  }

  /** Rows before they are calibrated: for whoever calibrates the part. */
  takeRaw(stream: SamplerStream, rows: Rows): void {
    pushRows(this.#raw, stream, rows);
  }

  latest(): readonly LatestRow[] {
    return [...this.#kept.values()].map(({ stream: { name, partId, channels }, row, goodNs }) => ({
      stream: name,
      partId,
      timeNs: row.timeNs,
      cells: rowCells(row, 0, channels.length, channels),
      goodNs: Object.fromEntries(
        channels.flatMap((channel, i) => (goodNs[i]! > 0n ? [[channel.name, goodNs[i]!]] : [])),
      ),
    }));
  }

  follow(isWanted?: (item: SeenRow) => boolean): AsyncIterableIterator<Heard<SeenRow>> {
    return this.#tap.follow(isWanted);
  }

  followRaw(isWanted?: (item: SeenRow) => boolean): AsyncIterableIterator<Heard<SeenRow>> {
    return this.#raw.follow(isWanted);
  }

  #keep(stream: SamplerStream, { timesNs, values, quality, texts }: Rows, at: number): void {
    const columns = stream.channels.length;
    const [from, to] = [at * columns, (at + 1) * columns];
    const goodNs = this.#kept.get(stream.name)?.goodNs ?? new BigInt64Array(columns);
    const timeNs = timesNs[at]!;
    for (let i = 0; i < columns; i++) if (quality[from + i] !== QUALITY.fault) goodNs[i] = timeNs;
    const row = { timeNs, values: values.slice(from, to), quality: quality.slice(from, to) };
    this.#kept.set(stream.name, {
      stream,
      goodNs,
      row: texts ? { ...row, texts: texts.slice(from, to) } : row,
    });
  }
}

function pushRows(tap: Tap<SeenRow>, { name, partId, channels }: SamplerStream, rows: Rows): void {
  if (!tap.isHeard) return;
  for (const [row, timeNs] of rows.timesNs.entries())
    tap.push({ stream: name, partId, timeNs, cells: rowCells(rows, row, channels.length, channels) });
}
