import { agoText, spanText, wrapped } from '../text.js';
import type { Report, ReportedCause, ReportedPart } from './types.js';

const INDENT = 8;
/** More than these are in the JSON. */
const COMMANDS_SHOWN = 20;

/** The report for people, a screen or two. */
export function reportLines(report: Report, columns: number): readonly string[] {
  const { by, found, done, proven, wrong, note, journal } = report;
  const facets: (readonly [string, string])[] = [
    ['node', `${report.name} (${report.node}), ${report.software}`],
    ['when', whenText(report)],
    ['by', `${by.role} ${by.name}`],
    ...causeFacets('found', found.causes),
    ...doneFacets(done),
    ...(proven ? provenFacets(proven) : [['proven', 'nothing: no node runs'] as const]),
    ...causeFacets('wrong', wrong),
    ...(note === '' ? [] : [['note', note] as const]),
    ...(journal ? [['journal', journalText(journal)] as const] : []),
  ];
  return facets.flatMap(([name, text]) => wrapped(name.padEnd(INDENT) + text, columns, INDENT));
}

function whenText({ at, boot }: Report): string {
  const wall = at.wall === undefined ? 'time of day not known' : `${at.wall} +- ${at.withinMs} ms`;
  return `${wall}; boot ${boot.number ?? boot.id.slice(0, 8)}, up ${span(at.bootMs)}`;
}

function causeFacets(name: 'found' | 'wrong', causes: readonly ReportedCause[]): [string, string][] {
  if (causes.length === 0) return [[name, 'nothing']];
  return causes.map(({ what, about, forMs }, i) => {
    const since = forMs === null ? '' : `, for ${span(forMs)}`;
    return [i === 0 ? name : '', `${about}: ${what}${since}`];
  });
}

function doneFacets({ commands, leftOut, changes, configuration }: Report['done']): [string, string][] {
  const shown = commands.slice(-COMMANDS_SHOWN);
  const more = leftOut + commands.length - shown.length;
  const lines = [
    ...(more > 0 ? [`${more} commands before these`] : []),
    ...shown.map(({ line, exit }) => `${line}  (${exit === null ? 'left behind' : `exit ${exit}`})`),
    ...(changes.length > 0 ? [`changed by: ${changes.join('; ')}`] : []),
    ...(configuration ? [`configuration ${configuration.sha256.slice(0, 12)} (${configuration.state})`] : []),
  ];
  if (lines.length === 0) return [['done', 'no command is on record']];
  return lines.map((line, i) => [i === 0 ? 'done' : '', line]);
}

function provenFacets({ parts, store, uplink }: NonNullable<Report['proven']>): [string, string][] {
  const lost = Object.entries(store.lost).map(([cause, rows]) => `${cause} ${rows}`);
  const lines = [
    ...parts.map(partText),
    `store ${store.state}: ${store.committedRows} rows kept, ${store.pendingRows} in memory; lost in this run: ${lost.join(', ') || 'none'}`,
    uplink
      ? `uplink ${uplink.link}: ${uplink.receipts} receipts, the last ${ago(uplink.lastReceiptMs)}`
      : 'uplink: none',
  ];
  return lines.map((line, i) => [i === 0 ? 'proven' : '', line]);
}

function partText({ id, state, reading, ageMs }: ReportedPart): string {
  return reading === '' ? `${id} ${state}: no good reading` : `${id} ${state}: ${reading}, ${ago(ageMs)}`;
}

function journalText({ line, number, hash, signedTo }: NonNullable<Report['journal']>): string {
  return `${line} up to entry ${number} (${hash.slice(0, 16)}…), signed by the node up to ${signedTo}`;
}

function ago(ms: number | null): string {
  return ms === null ? 'never' : agoText(BigInt(ms) * 1_000_000n);
}

function span(ms: number): string {
  return spanText(BigInt(ms) * 1_000_000n);
}
