/** One measured thing, ours beside a peer's from the same run. */
export interface Figure {
  readonly what: string;
  readonly unit: string;
  readonly better: 'less' | 'more';
  readonly ours: number;
  /** Absent: there is nothing to hold it against. */
  readonly peer?: { readonly name: string; readonly value: number };
}

export interface Report {
  readonly figures: readonly Figure[];
  /** What was held against what, and what to know before comparing. */
  readonly notes: readonly string[];
}

export interface Bench {
  readonly name: string;
  readonly title: string;
  /** Minutes: it runs only when it is named. */
  readonly isLong?: boolean;
  run(): Promise<Report>;
}

/** How many times better ours is; below 1: worse. */
export function ratio({ better, ours, peer }: Figure): number | undefined {
  if (!peer) return undefined;
  return better === 'less' ? peer.value / ours : ours / peer.value;
}

const COLUMNS = ['', 'unit', 'cairn', 'peer', 'times better', 'peer is'];

/** The figures as lines of a table, notes below. */
export function table(title: string, { figures, notes }: Report): readonly string[] {
  const cells = [COLUMNS, ...figures.map(row)];
  const widths = COLUMNS.map((_, i) => Math.max(...cells.map((line) => line[i]!.length)));
  const lines = cells.map((line) => line.map((cell, i) => pad(cell, widths[i]!, i)).join('  '));
  return ['', title, ...lines.map((line) => `  ${line.trimEnd()}`), ...notes.map((note) => `  * ${note}`)];
}

function row(figure: Figure): string[] {
  const times = ratio(figure);
  const shown = times === undefined ? '' : times.toFixed(times < 10 ? 2 : 0);
  const { what, unit, ours, peer } = figure;
  return [what, unit, number(ours), peer ? number(peer.value) : '', shown, peer?.name ?? ''];
}

const isNumber = (column: number) => column >= 2 && column <= 4;

function pad(cell: string, width: number, column: number): string {
  return isNumber(column) ? cell.padStart(width) : cell.padEnd(width);
}

function number(value: number): string {
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return value.toLocaleString('en-US', { maximumFractionDigits: digits, minimumFractionDigits: digits });
}
