import type { Facts } from '../../health/index.js';
import type { PipelineStatus } from '../../pipeline.js';
import type { LatestRow } from '../../seen-rows.js';
import type { Caller, Found } from '../command.js';
import type { Entry } from '../journal/index.js';
import { linkText } from '../status-lines.js';
import type { Report, ReportedCause, ReportedPart, ReportedStore, ReportedUplink } from './types.js';

const TEXT_MAX = 300;
const CAUSES_MAX = 32;
const COMMANDS_MAX = 200;
/** Commands that change the node, by how their line begins. */
const CHANGES = /^(cairn )?(config (apply|confirm|revert)|calibrate|time set|grants accept|reboot|wipe)\b/;

/** What the report is made of. */
export interface Sources {
  readonly node: string;
  readonly name: string;
  readonly software: string;
  readonly bootId: string;
  readonly caller: Caller;
  readonly facts: Facts;
  /** What the session came to, and what is wrong now. */
  readonly found: Found;
  readonly wrong: Found;
  /** Of this session, oldest first. */
  readonly entries: readonly Entry[];
  readonly journal: Report['journal'];
  readonly note: string;
}

export function contentOf(sources: Sources): Report {
  const { facts, caller, entries } = sources;
  const { node: status, nowNs } = facts;
  return {
    version: 1,
    node: sources.node,
    name: sources.name,
    software: sources.software,
    boot: { id: sources.bootId, number: status?.store.boot ?? null },
    at: { bootMs: msOf(nowNs), ...wallOf(status) },
    by: { role: caller.role, name: caller.name },
    found: { bootMs: msOf(sources.found.bootNs), causes: causesOf(sources.found) },
    done: { ...commandsOf(entries), ...configurationOf(status) },
    ...(status ? { proven: provenOf(status, facts) } : {}),
    wrong: causesOf(sources.wrong),
    note: cut(sources.note, 2000),
    journal: sources.journal,
  };
}

/** The same with fewer commands: the oldest half of them is left out. Undefined where there is none. */
export function withFewerCommands(report: Report): Report | undefined {
  const { commands, leftOut, changes } = report.done;
  if (commands.length === 0) return undefined;
  const from = Math.ceil(commands.length / 2);
  const done = { ...report.done, commands: commands.slice(from), leftOut: leftOut + from, changes };
  return { ...report, done };
}

function causesOf({ bootNs, causes }: Found): readonly ReportedCause[] {
  return causes.slice(0, CAUSES_MAX).map(({ kind, about, what, sinceNs, evidence, todo, breaks }) => ({
    kind,
    about: cut(about),
    what: cut(what),
    forMs: sinceNs === undefined ? null : msOf(bootNs - sinceNs),
    seen: evidence.slice(0, 4).map((text) => cut(text)),
    breaks: breaks.slice(0, 4).map((finding) => cut(finding.what)),
    do: cut(todo),
  }));
}

function commandsOf(entries: readonly Entry[]): Report['done'] {
  const all = entries.flatMap((entry) =>
    entry.e === 'command' ? [{ line: cut(entry.line), exit: entry.exit, ms: entry.ms }] : [],
  );
  const changes = all.filter(({ line, exit }) => exit === 0 && CHANGES.test(line)).map(({ line }) => line);
  const commands = all.slice(-COMMANDS_MAX);
  return { commands, leftOut: all.length - commands.length, changes: changes.slice(-COMMANDS_MAX / 4) };
}

function configurationOf(status: PipelineStatus | undefined): Partial<Report['done']> {
  const config = status?.config;
  if (!config) return {};
  const { state, sha256, lastOutcome } = config;
  const last = lastOutcome ? { lastOutcome: cut(lastOutcome.text) } : {};
  return { configuration: { state, sha256, ...last } };
}

function provenOf(status: PipelineStatus, { latest, nowNs }: Facts): NonNullable<Report['proven']> {
  return {
    parts: status.parts.map((part) => partOf(part, latest, nowNs)),
    store: storeOf(status),
    uplink: uplinkOf(status, nowNs),
  };
}

function partOf(
  { id, state, where }: PipelineStatus['parts'][number],
  latest: readonly LatestRow[],
  nowNs: bigint,
): ReportedPart {
  const rows = latest.filter(({ partId }) => partId === id);
  const good = rows.flatMap(({ goodNs }) => Object.values(goodNs));
  const newestNs = good.reduce((max, ns) => (ns > max ? ns : max), 0n);
  const reading = rows
    .flatMap(({ cells }) => cells)
    .filter(({ quality, value }) => quality === 'good' && value !== undefined)
    .map(({ channel, value, unit }) => `${channel} ${value} ${unit}`.trim())
    .join(', ');
  const ageMs = newestNs === 0n ? null : msOf(nowNs - newestNs);
  return { id, state, where: cut(where), reading: cut(reading, 120), ageMs };
}

function storeOf({ store }: PipelineStatus): ReportedStore {
  const { epoch, health, committedRows, pendingRows, diskBytes, classes, streams } = store;
  const lost: Record<string, number> = {};
  for (const [cause, rows] of streams.flatMap(({ gaps }) => Object.entries(gaps)))
    lost[cause] = (lost[cause] ?? 0) + rows;
  return {
    ...{ epoch, state: health.state, committedRows, pendingRows, diskBytes, lost },
    classes: classes.map(({ class: name, blocks, bytes, quotaBytes }) => ({
      ...{ class: name, blocks, bytes },
      quotaBytes: Math.round(quotaBytes),
    })),
  };
}

function uplinkOf({ uplink }: PipelineStatus, nowNs: bigint): ReportedUplink | null {
  if (!uplink) return null;
  const { link, custody, receipts, waiting, lastReceiptNs } = uplink;
  const lastReceiptMs = lastReceiptNs === undefined ? null : msOf(nowNs - BigInt(lastReceiptNs));
  return { link: cut(linkText(link)), custody, receipts, waiting, lastReceiptMs };
}

function wallOf(status: PipelineStatus | undefined): Partial<Report['at']> {
  const { wallNs, uncertaintyNs } = status?.time ?? {};
  if (wallNs === undefined || uncertaintyNs === undefined) return {};
  return { wall: new Date(msOf(BigInt(wallNs))).toISOString(), withinMs: msOf(BigInt(uncertaintyNs)) + 1 };
}

function msOf(ns: bigint): number {
  return Number(ns / 1_000_000n);
}

function cut(text: string, max = TEXT_MAX): string {
  const chars = [...text];
  return chars.length <= max ? text : `${chars.slice(0, max - 1).join('')}…`;
}
