import type { ReceivedRows, SummaryLine } from '../../fleet/receive/index.js';
import { kb, linkText } from '../../runtime/console/status-lines.js';
import type { PipelineStatus } from '../../runtime/pipeline.js';
import { rowCells } from '../../wire/index.js';

/** The last row of a stream as it arrived, for people. */
export interface LastRow {
  readonly sequence: number;
  readonly text: string;
  readonly atMs: number;
}

export interface DemoView {
  readonly port: number;
  readonly linkUp: boolean;
  readonly nodeState: string;
  readonly status: PipelineStatus | undefined;
  readonly last: ReadonlyMap<string, LastRow>;
  readonly ledger: readonly SummaryLine[];
  readonly nowMs: number;
}

const QUALITY_MARKS = { good: '', suspect: '?', stale: '~', fault: '' };
const VALUES_SHOWN = 4;

export function lastRowOf({ header, block, descriptor }: ReceivedRows, atMs: number): LastRow {
  const row = header.count - 1;
  const cells = rowCells(block, row, block.columns.length, descriptor?.channels);
  const texts = cells
    .slice(0, VALUES_SHOWN)
    .map(({ channel, value, unit, quality }) =>
      `${channel} ${value ?? '-'}${QUALITY_MARKS[quality]} ${unit}`.trimEnd(),
    );
  return { sequence: header.first + row, text: texts.join('  '), atMs };
}

/** The whole picture, a line each; the first is a title. */
export function viewLines(view: DemoView): readonly string[] {
  const { status, port } = view;
  return [
    `Cairn: a node on twins → broker on mqtt://127.0.0.1:${port} → receiver`,
    `listen: mosquitto_sub -p ${port} -t 'cairn/1/+/senml/#' -v     (any MQTT client)`,
    '',
    ...nodeLines(view),
    '',
    'arrived at the receiver',
    ...[...view.last].sort().map(([stream, row]) => rowText(stream, row, view.nowMs)),
    '',
    'ledger: every number is received, or in a gap that says why, or missing',
    ...ledgerLines(view.ledger),
    ...(status && status.store.health.state !== 'ok'
      ? [`store: NOT WRITING: ${status.store.health.reason}`]
      : []),
  ];
}

function nodeLines({ status, nodeState, linkUp }: DemoView): readonly string[] {
  if (!status) return [`node: ${nodeState}`, `link: ${linkUp ? 'up' : 'CUT'}`];
  const { store, uplink } = status;
  const waiting = store.classes.reduce((sum, entry) => sum + entry.blocks, 0);
  const waitingBytes = store.classes.reduce((sum, entry) => sum + entry.bytes, 0);
  return [
    `node: ${nodeState}, ${kb(status.residentBytes)} resident, boot ${store.boot}; ${store.committedRows} rows acknowledged by its store`,
    `link: ${linkUp ? 'up' : 'CUT'}; uplink ${uplink ? linkText(uplink.link) : 'none'}, ${uplink?.receipts ?? 0} receipts`,
    `store depth: ${String(waiting).padStart(5)} blocks, ${kb(waitingBytes)} ${'#'.repeat(Math.min(40, Math.ceil(Math.sqrt(waiting))))}`,
  ];
}

function rowText(stream: string, row: LastRow, nowMs: number): string {
  const age = Math.max(0, Math.round((nowMs - row.atMs) / 1000));
  return `  ${stream.padEnd(14)} #${String(row.sequence).padEnd(6)} ${`${age} s`.padStart(5)}  ${row.text}`;
}

export function ledgerLines(ledger: readonly SummaryLine[]): readonly string[] {
  return ledger.map((line) => {
    const gaps = Object.entries(line.gaps).map(([cause, rows]) => `${cause} ${rows}`);
    return (
      `  ${line.stream.padEnd(14)} ${String(line.received).padStart(7)} received` +
      `${gaps.length > 0 ? `, gaps: ${gaps.join(', ')}` : ''}, ${line.missing} missing` +
      `${line.duplicates > 0 ? `, ${line.duplicates} duplicate blocks dropped` : ''}`
    );
  });
}
