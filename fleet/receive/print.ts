import { type RowTime, rowCells } from '../../wire/index.js';
import type { SummaryLine } from './ledger.js';
import type { ReceivedRows } from './receiver.js';

/** One row, flat: what `--json` prints, a line each. */
export interface PrintedRow {
  readonly node: string;
  readonly stream: string;
  readonly sequence: number;
  readonly boot: number;
  readonly timeNs: string;
  /** ISO 8601; `null` where no anchor says it. */
  readonly wall: string | null;
  readonly uncertaintyMs: number | null;
  /** Its anchors contradict each other: a clock was moved, or one of them lied. */
  readonly contradicted?: true;
  /** ISO 8601: of a boot without an anchor, what the boots around it say; `null` where they say nothing. */
  readonly notBefore?: string | null;
  readonly notAfter?: string | null;
  readonly values: Readonly<Record<string, number | string | null>>;
}

export function* printedRows(rows: ReceivedRows): Generator<PrintedRow> {
  const { header, block } = rows;
  for (const [row, timeNs] of block.timesNs.entries()) {
    const time = rows.timeOf(timeNs);
    yield {
      node: header.node,
      stream: header.stream,
      sequence: header.first + row,
      boot: header.boot,
      timeNs: String(timeNs),
      ...timeFields(time),
      values: valuesOf(rows, row),
    };
  }
}

function timeFields(
  time: RowTime,
): Pick<PrintedRow, 'wall' | 'uncertaintyMs' | 'contradicted' | 'notBefore' | 'notAfter'> {
  if (time.kind === 'known') {
    const { wallNs, uncertaintyNs, contradicted } = time;
    const mark = contradicted ? { contradicted } : {};
    return { wall: iso(wallNs), uncertaintyMs: Number(uncertaintyNs) / 1e6, ...mark };
  }
  const none = { wall: null, uncertaintyMs: null };
  if (time.kind === 'unknown') return none;
  const side = (ns: bigint | undefined) => (ns === undefined ? null : iso(ns));
  return { ...none, notBefore: side(time.notBeforeNs), notAfter: side(time.notAfterNs) };
}

function valuesOf({ block, descriptor }: ReceivedRows, row: number): Record<string, number | string | null> {
  const cells = rowCells(block, row, block.columns.length, descriptor?.channels);
  return Object.fromEntries(cells.map(({ channel, value }) => [channel, value]));
}

/** For people: `0123… climate #12 2026-…Z ±3 ms  temperature 21.4 Cel  pressure 99012 Pa` */
export function rowLine(rows: ReceivedRows, row: PrintedRow): string {
  const { header, block, descriptor } = rows;
  const cells = rowCells(block, row.sequence - header.first, block.columns.length, descriptor?.channels);
  const values = cells.map(({ channel, value, unit }) => `${channel} ${value ?? '-'} ${unit}`.trimEnd());
  const time = rows.timeOf(BigInt(row.timeNs));
  return `${row.node.slice(0, 6)} ${row.stream} #${row.sequence} ${timeText(time, row)}  ${values.join('  ')}`;
}

function timeText(time: RowTime, row: PrintedRow): string {
  if (time.kind === 'known') {
    const mark = time.contradicted ? ' (its anchors contradict each other)' : '';
    return `${iso(time.wallNs)} ±${Math.ceil(Number(time.uncertaintyNs) / 1e6)} ms${mark}`;
  }
  const boot = `boot ${row.boot} +${(Number(row.timeNs) / 1e9).toFixed(3)} s`;
  if (time.kind === 'unknown') return boot;
  const side = (ns: bigint | undefined) => (ns === undefined ? '?' : iso(ns));
  return `${boot} (${side(time.notBeforeNs)} .. ${side(time.notAfterNs)})`;
}

function iso(wallNs: bigint): string {
  return new Date(Number(wallNs / 1_000_000n)).toISOString();
}

export function summaryText(lines: readonly SummaryLine[]): string {
  const head = ['node', 'epoch', 'stream', 'next', 'received', 'gaps', 'missing', 'duplicates', 'conflicts'];
  const body = lines.map((line) => [
    line.node.slice(0, 6),
    line.epoch.slice(0, 6),
    line.stream,
    line.next,
    line.received,
    gapsText(line),
    line.missing,
    line.duplicates,
    line.conflicts,
  ]);
  return [head, ...body].map((row) => row.join('\t')).join('\n');
}

function gapsText({ gaps, openFrom }: SummaryLine): string {
  const parts = Object.entries(gaps).map(([cause, count]) => `${cause} ${count}`);
  if (openFrom !== undefined) parts.push(`open from ${openFrom}`);
  return parts.join(', ') || '0';
}
