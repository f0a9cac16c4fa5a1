import type { GapCause } from '../../wire/index.js';
import type { ConfigStatus } from '../config/index.js';
import type { Cause } from '../health/index.js';
import type { PipelineStatus } from '../pipeline.js';
import type { PartStatus } from '../sampler/index.js';
import { daysText, kb, linkText } from './status-lines.js';
import { agoText, spanText } from './text.js';

/** 80×24 without the last column, where some terminals wrap, and with room for the prompt; at 9600 baud 1,600 bytes take 1.7 s. */
const COLUMNS = 79;
const LINES = 20;
const PARTS = 8;

/** The status on one screen: at most 20 lines of 79 characters, nothing but ASCII. */
export function statusScreen(status: PipelineStatus, causes: readonly Cause[]): readonly string[] {
  const { store, uplink } = status;
  return [
    `${status.name} (${store.node})  ${bootText(status)}`,
    `time  ${timeText(status)}`,
    ...(status.config ? configLines(status.config) : []),
    `why   ${whyText(causes)}`,
    ...partLines(status.parts),
    ...storeLines(status),
    ...(uplink ? linkLines(uplink, status.time.bootNs) : ['link  none: this node has no uplink']),
  ]
    .map((line) => ascii(line).slice(0, COLUMNS).trimEnd())
    .slice(0, LINES);
}

function bootText({ store, time }: PipelineStatus): string {
  const up = `up ${spanText(BigInt(time.bootNs))}`;
  return store.epoch === '' ? `${up}  STORE NOT OPEN YET` : `boot ${store.boot}  ${up}`;
}

function timeText({ time }: PipelineStatus): string {
  if (time.wallNs === undefined) return 'not known yet: rows carry boot time and are repaired later';
  const wall = new Date(Number(BigInt(time.wallNs) / 1_000_000n)).toISOString();
  return `${wall} +- ${(Number(time.uncertaintyNs) / 1e6).toFixed(1)} ms`;
}

function whyText(causes: readonly Cause[]): string {
  const [first] = causes;
  if (!first) return 'nothing is wrong';
  return `${causes.length === 1 ? '' : `${causes.length} causes, first: `}${first.what}`;
}

/** Nothing where the node file runs, as it does on most nodes for ever. */
function configLines({ state, sha256, minutesLeft }: ConfigStatus): readonly string[] {
  const name = sha256.slice(0, 12);
  if (state === 'trial')
    return [`conf  ${name} ON TRIAL  ${minutesLeft ?? 0} min left  keep it with: config confirm`];
  if (state === 'good') return [`conf  ${name} applied and confirmed`];
  return state === 'safe' ? [`conf  ${name} SAFE MODE: no part is read`] : [];
}

/** What is wrong first, and of the rest as many as there is room for. */
function partLines(parts: readonly PartStatus[]): readonly string[] {
  const isBad = ({ state }: PartStatus) => state === 'failing' || state === 'missing';
  const ordered = [...parts.filter(isBad), ...parts.filter((part) => !isBad(part))];
  const shown = ordered.slice(0, parts.length > PARTS ? PARTS - 1 : PARTS);
  const left = ordered.slice(shown.length);
  const leftBad = left.filter(isBad).length;
  const rest =
    left.length === 0 ? [] : [`part  and ${left.length} more, ${leftBad} of them bad: cairn parts`];
  return [...shown.map(partLine), ...rest];
}

/** Of one that is bad, what the last error was. */
function partLine({ id, state, where, samples, failures, lastErrorKind, lastError }: PartStatus): string {
  const head = `part  ${id.padEnd(12)} ${state.padEnd(8)}`;
  if (state === 'failing' || state === 'missing')
    return `${head} ${failures} times ${lastErrorKind ?? 'io'}: ${lastError ?? where}`;
  return `${head} ${String(samples).padStart(9)} rows  ${String(failures).padStart(5)} failed  ${where}`;
}

function storeLines({ store }: PipelineStatus): readonly string[] {
  const { health, diskBytes, committedRows, pendingRows, classes, streams, flash } = store;
  const state = health.state === 'ok' ? 'ok' : `NOT WRITING (${health.waitingRows} rows wait in memory)`;
  const waiting = classes
    .filter(({ blocks }) => blocks > 0)
    .map(({ class: name, blocks }) => `${name} ${blocks}`);
  const gaps = gapCounts(streams);
  return [
    `store ${state}  ${kb(diskBytes)}  ${committedRows} rows kept  ${pendingRows} in memory`,
    `      to send: ${waiting.length === 0 ? 'nothing' : `${waiting.join(', ')} blocks`}`,
    ...(gaps === '' ? [] : [`lost  ${gaps}`]),
    ...(flash ? [`flash ${lifeText(flash.daysLeft)}  a commit each ${flash.commitIntervalMs / 1000} s`] : []),
  ];
}

function lifeText(daysLeft: number | undefined): string {
  return daysLeft === undefined ? 'no wear yet' : `lasts ${daysText(daysLeft)}`;
}

function gapCounts(streams: PipelineStatus['store']['streams']): string {
  const counts = new Map<string, number>();
  for (const { gaps } of streams) {
    for (const [cause, rows] of Object.entries(gaps) as [GapCause, number][]) {
      if (rows > 0) counts.set(cause, (counts.get(cause) ?? 0) + rows);
    }
  }
  return [...counts].map(([cause, rows]) => `${cause} ${rows}`).join(', ');
}

function linkLines(uplink: NonNullable<PipelineStatus['uplink']>, bootNs: bigint): readonly string[] {
  const { link, receipts, inFlight, window, custody, waiting, budgets, trouble } = uplink;
  const since =
    link.state === 'disabled'
      ? ''
      : `, since ${agoText(BigInt(bootNs) - BigInt((trouble ?? { sinceNs: link.since }).sinceNs))}`;
  const used = budgets
    .filter(({ isCurrent }) => isCurrent)
    .map(({ link: name, leftBytes }) => `${name} ${kb(leftBytes)} left`);
  return [
    `link  ${linkText(link)}${since}`,
    `      ${receipts} blocks received there  ${inFlight}/${window} under way${custody === 'fleet' ? `  ${waiting} wait for a receipt` : ''}${used.map((text) => `  ${text}`).join('')}`,
  ];
}

/** A terminal that knows no UTF-8 would show three characters for one. */
function ascii(text: string): string {
  return text
    .replace(/[’‘]/g, "'")
    .replace(/…/g, '...')
    .replace(/[^\x20-\x7e]/g, '?');
}
