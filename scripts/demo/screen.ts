import type { StreamSummary } from '../../fleet/store/index.js';
import { kb, linkText } from '../../runtime/console/status-lines.js';
import type { PipelineStatus } from '../../runtime/pipeline.js';

export interface DemoView {
  readonly brokerPort: number;
  readonly web: string;
  readonly linkUp: boolean;
  readonly nodeState: string;
  readonly status: PipelineStatus | undefined;
  /** What the fleet holds of the node. */
  readonly streams: readonly StreamSummary[];
  readonly nowMs: number;
}

const VALUES_SHOWN = 4;

/** The whole picture, a line each; the first is a title. */
export function viewLines(view: DemoView): readonly string[] {
  const { status, brokerPort: port, web } = view;
  const streams = view.streams.filter(({ stream }) => stream !== 'meta').toSorted(byName);
  return [
    `Cairn: a node on twins → broker on mqtt://127.0.0.1:${port} → the fleet, in your browser: ${web}`,
    `listen: mosquitto_sub -p ${port} -t 'cairn/1/+/senml/#' -v     (any MQTT client)`,
    '',
    ...nodeLines(view),
    '',
    'newest at the fleet',
    ...streams.map((stream) => latestText(stream, view.nowMs)),
    '',
    'ledger: every number is received, or in a gap that says why, or missing',
    ...streams.map(ledgerText),
    ...(status && status.store.health.state !== 'ok'
      ? [`store: NOT WRITING: ${status.store.health.reason}`]
      : []),
  ];
}

function byName(a: StreamSummary, b: StreamSummary): number {
  return a.stream < b.stream ? -1 : 1;
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

function latestText({ stream, channels, latest }: StreamSummary, nowMs: number): string {
  if (!latest) return `  ${stream}`;
  const age =
    latest.wallNs === undefined
      ? ''
      : `${Math.max(0, Math.round((nowMs - Number(latest.wallNs) / 1e6) / 1000))} s`;
  const cells = channels.slice(0, VALUES_SHOWN).map(({ name, type }, i) => {
    const value = latest.values[i];
    const text =
      type.kind === 'enum' && value != null ? type.labels[value] : (latest.texts?.[i] ?? value ?? '-');
    return `${name} ${text}`;
  });
  return `  ${stream.padEnd(14)} #${String(latest.sequence).padEnd(6)} ${age.padStart(5)}  ${cells.join('  ')}`;
}

function ledgerText({ stream, received, lost, missing }: StreamSummary): string {
  const gaps = Object.entries(lost).map(([cause, rows]) => `${cause} ${rows}`);
  const lostText = gaps.length > 0 ? `, gaps: ${gaps.join(', ')}` : '';
  return `  ${stream.padEnd(14)} ${String(received).padStart(7)} received${lostText}, ${missing} missing`;
}
