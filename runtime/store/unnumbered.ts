import type { NativeRows } from '../../native/types.js';
import type { GapCause } from '../../wire/index.js';
import { bytesOf, Columns, type Shape } from './chunk.js';

/** The most rows that are lost at once. */
const MAX_ROWS_PER_RUN = 256;

/** The last `count` of `columns` wait. */
interface RowRun {
  count: number;
  readonly columns: Columns;
}

/** So many were lost before they had numbers. */
interface LostRun {
  count: number;
  readonly columns?: undefined;
  readonly cause: GapCause;
}

/** What waits for numbers, in order: rows, copied so that they take what rowBytes says, and the losses between them. */
export class Unnumbered {
  /** Numbers that are still to be given. */
  count = 0;
  readonly #runs: (RowRun | LostRun)[] = [];

  get first(): RowRun | LostRun | undefined {
    return this.#runs[0];
  }

  /** Without those that were lost. */
  get rows(): number {
    return this.#runs.reduce((sum, { columns, count }) => sum + (columns ? count : 0), 0);
  }

  push(rows: NativeRows, shape: Shape): void {
    const count = rows.timesNs.length;
    this.count += count;
    for (let from = 0; from < count; ) {
      const run = this.#openRun(shape);
      const most = Math.min(count - from, MAX_ROWS_PER_RUN - run.columns.count);
      const taken = run.columns.take(rows, from, most);
      run.count += taken;
      from += taken;
    }
  }

  lose(count: number, cause: GapCause): void {
    this.count += count;
    this.#runs.push({ count, cause });
  }

  /** So many of the first run have their numbers now. */
  numbered(count: number): void {
    const [first] = this.#runs;
    this.count -= count;
    first!.count -= count;
    if (first!.count === 0) this.#runs.shift();
  }

  /** Loses the first run of rows; returns what it took in memory, bytes, `undefined` when there is none. */
  dropOldest(): number | undefined {
    const at = this.#runs.findIndex(({ columns }) => columns);
    const run = this.#runs[at];
    if (!run?.columns) return undefined;
    const { count, columns } = run;
    const before = this.#runs[at - 1];
    if (before && !before.columns && before.cause === 'overflow') {
      before.count += count;
      this.#runs.splice(at, 1);
    } else this.#runs[at] = { count, cause: 'overflow' };
    return bytesOf(lastRows(columns, count), columns.channels.length);
  }

  #openRun({ version, channels }: Shape): RowRun {
    const last = this.#runs.at(-1);
    const isOpen = last?.columns && !last.columns.full && last.columns.count < MAX_ROWS_PER_RUN;
    if (isOpen && last.columns.version === version) return last;
    const run = { count: 0, columns: new Columns(version, channels) };
    this.#runs.push(run);
    return run;
  }
}

/** The last `count` rows of the columns. */
export function lastRows(columns: Columns, count: number): NativeRows {
  return columns.rows(columns.count - count, columns.count);
}
