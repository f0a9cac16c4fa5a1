import type { DecodedBlock } from '../../native/types.js';
import { type Descriptor, META_STREAM, type RowTime, rowCells, senmlPack } from '../../wire/index.js';
import type { ExportedBlock } from '../store/index.js';

const CSV_HEADER =
  'node,epoch,boot,stream,sequence,boot_time_ns,wall,uncertainty_ms,channel,value,unit,quality';

export interface RowWriterOptions {
  readonly isCsv: boolean;
  /** Rows before it are left out, and those whose time nobody knows; ms since 1970. */
  readonly sinceMs: number | undefined;
  /** What could not be exported, for people. */
  readonly warn: (text: string) => void;
}

/** Blocks as lines of SenML (RFC 8428) or CSV, and a count of them. */
export class RowWriter {
  #rows = 0;
  #undated = 0;
  #leftOut = 0;
  #firstMs = Number.POSITIVE_INFINITY;
  #lastMs = Number.NEGATIVE_INFINITY;

  constructor(private readonly options: RowWriterOptions) {}

  /** `undated`: of the rows, those without a wall time (CSV); `leftOut`: those that were not written for want of one. Times in ms since 1970. */
  get count() {
    const isDated = this.#firstMs <= this.#lastMs;
    return {
      ...{ rows: this.#rows, undated: this.#undated, leftOut: this.#leftOut },
      firstMs: isDated ? this.#firstMs : undefined,
      lastMs: isDated ? this.#lastMs : undefined,
    };
  }

  /** What stands above the rows. */
  head(): readonly string[] {
    return this.options.isCsv ? [CSV_HEADER] : [];
  }

  linesOf(block: DecodedBlock, { descriptor, timeOf }: ExportedBlock): readonly string[] {
    const { stream, first } = block.header;
    if (stream === META_STREAM) return [];
    if (!descriptor) {
      this.options.warn(`${stream} #${first}: its descriptor is lost; decode it with: cairn decode`);
      return [];
    }
    const times = Array.from(block.timesNs, (timeNs) => timeOf(timeNs));
    const wanted = [...times.keys()].filter((row) => this.#isWanted(times[row]!));
    if (this.options.isCsv) return wanted.flatMap((row) => this.#csvRow(block, row, descriptor, times[row]!));
    return wanted.length === 0 ? [] : this.#senml(picked(block, wanted), wanted, descriptor, times);
  }

  #isWanted(time: RowTime): boolean {
    const { sinceMs } = this.options;
    if (sinceMs === undefined) return true;
    if (time.kind === 'known') return msOf(time.wallNs) >= sinceMs;
    this.#leftOut++;
    return false;
  }

  /** Rows that no anchor dates are left out and said so: SenML would have them read as now. */
  #senml(
    block: DecodedBlock,
    wanted: readonly number[],
    descriptor: Descriptor,
    times: readonly RowTime[],
  ): readonly string[] {
    const { header } = block;
    const walls = wanted.map((row) => times[row]!).map((time) => (time.kind === 'known' ? time.wallNs : 0n));
    const byTime = new Map(walls.map((wallNs, i) => [block.timesNs[i]!, wallNs]));
    const pack = senmlPack(header.node, descriptor, block, {
      kind: 'absolute',
      wallNs: (timeNs) => byTime.get(timeNs)!,
    });
    if (pack) {
      for (const row of wanted) this.#counted(times[row]!);
      return [JSON.stringify(pack)];
    }
    this.#leftOut += wanted.length;
    const last = header.first + header.count - 1;
    this.options.warn(
      `${header.stream} #${header.first} to #${last}: boot ${header.boot} has no anchor; SenML can't tell such times, CSV can`,
    );
    return [];
  }

  #csvRow(block: DecodedBlock, row: number, { channels }: Descriptor, time: RowTime): readonly string[] {
    const { node, epoch, boot, stream, first } = block.header;
    this.#counted(time);
    const wall = time.kind === 'known' ? new Date(msOf(time.wallNs)).toISOString() : '';
    const unsure = time.kind === 'known' ? (Number(time.uncertaintyNs) / 1e6).toFixed(3) : '';
    const head = [node, epoch, boot, stream, first + row, block.timesNs[row], wall, unsure];
    return rowCells(block, row, block.columns.length, channels).map(({ channel, value, unit, quality }) =>
      [...head, channel, quoted(String(value ?? '')), unit, quality].join(','),
    );
  }

  #counted(time: RowTime): void {
    this.#rows++;
    if (time.kind !== 'known') this.#undated++;
    else {
      this.#firstMs = Math.min(this.#firstMs, msOf(time.wallNs));
      this.#lastMs = Math.max(this.#lastMs, msOf(time.wallNs));
    }
  }
}

/** The block as if it had these rows only. */
function picked(block: DecodedBlock, rows: readonly number[]): DecodedBlock {
  if (rows.length === block.timesNs.length) return block;
  const width = block.columns.length;
  const cells = rows.flatMap((row) => Array.from({ length: width }, (_, column) => row * width + column));
  return {
    ...block,
    timesNs: BigInt64Array.from(rows, (row) => block.timesNs[row]!),
    values: Float64Array.from(cells, (cell) => block.values[cell]!),
    quality: Uint8Array.from(cells, (cell) => block.quality[cell]!),
    ...(block.texts && { texts: cells.map((cell) => block.texts![cell]) }),
  };
}

function msOf(ns: bigint): number {
  return Number(ns / 1_000_000n);
}

/** RFC 4180 §2: a field with a comma, quote or line break is quoted, its quotes doubled. */
function quoted(field: string): string {
  return /[",\r\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field;
}
