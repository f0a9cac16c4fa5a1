import type { PipelineStatus } from '../pipeline.js';
import type { FlashStatus } from '../store/index.js';
import type { UplinkStatus } from '../uplink/index.js';
import { type Cause, type Facts, type FindingKind, why } from './why/index.js';

/** With the rest of the status it fits into one TCP segment (1,400 bytes). */
export const HEALTH_MAX_BYTES = 1_100;
const TEXT_MAX_BYTES = 110;
const NAME_MAX_BYTES = 40;
/** Hex digits of a configuration's hash: as many as the console shows. */
const HASH_DIGITS = 12;
/** An hour that fades, after 30 minutes: before, the rate is the start's. */
const RATED_S = 1_800;

type PartWords = Readonly<Record<string, PipelineStatus['parts'][number]['state']>>;
interface CauseWords {
  readonly rule: FindingKind;
  readonly about: string;
  readonly what: string;
  readonly sinceS?: number;
  readonly todo?: string;
}

/**
 * How a node is, for its status (docs/wire-format.md §6): JSON of HEALTH_MAX_BYTES at most, ages instead of times. What has no room is left out,
 * first of all names of parts that are well, then the third cause, then names of parts that are not.
 */
export function healthWords(facts: Facts): Readonly<Record<string, unknown>> {
  const parts = facts.node?.parts ?? [];
  const causes = causesOverLink(facts);
  const [first, second, third] = causes.map((cause) => causeWords(cause, facts.nowNs));
  const words = {
    ...{ causes: [], causeCount: causes.length, parts: {}, partCount: parts.length },
    ...figures(facts),
  };
  addCauses(words, [first, second]);
  addParts(
    words,
    parts.filter(({ state }) => state !== 'ok'),
  );
  addCauses(words, [third]);
  addParts(
    words,
    parts.filter(({ state }) => state === 'ok'),
  );
  return words;
}

/** Where one has no room, it goes without what to do. */
function addCauses(words: { causes: CauseWords[] }, causes: readonly (CauseWords | undefined)[]): void {
  for (const cause of causes) {
    if (!cause) return;
    const { todo: _, ...bare } = cause;
    const before = words.causes;
    const [fitting] = [cause, bare].filter((one) => fits({ ...words, causes: [...before, one] }));
    if (fitting) words.causes = [...before, fitting];
  }
}

function addParts(words: { parts: PartWords }, parts: PipelineStatus['parts']): void {
  for (const { id, state } of parts) {
    const more = { ...words.parts, [id]: state };
    if (fits({ ...words, parts: more })) words.parts = more;
  }
}

function fits(words: object): boolean {
  return Buffer.byteLength(JSON.stringify(words)) <= HEALTH_MAX_BYTES;
}

/** Why the link was away is no trouble any more once this is told by it; that it can't hear receipts still is. */
function causesOverLink(facts: Facts): readonly Cause[] {
  const { node } = facts;
  if (node?.uplink?.link.state !== 'online' || node.uplink.trouble?.kind === 'subscription')
    return why(facts);
  return why({ ...facts, node: { ...node, uplink: { ...node.uplink, trouble: undefined } } });
}

function causeWords({ kind, about, what, todo, sinceNs }: Cause, nowNs: bigint): CauseWords {
  return {
    rule: kind,
    about: shortened(about, NAME_MAX_BYTES),
    what: shortened(what, TEXT_MAX_BYTES),
    ...(sinceNs === undefined ? {} : { sinceS: Number((nowNs - sinceNs) / 1_000_000_000n) }),
    todo: shortened(todo, TEXT_MAX_BYTES),
  };
}

function figures({ nowNs, node, machine, disk, life }: Facts) {
  return {
    machine: {
      uptimeS: Number(nowNs / 1_000_000_000n),
      temperatureC: machine.temperatureC,
      memoryAvailableBytes: machine.memoryAvailableBytes,
    },
    ...(node && {
      store: { ...storeWords(node.store), diskFreeBytes: disk?.freeBytes },
      flash: flashWords(node.store.flash),
      uplink: node.uplink && uplinkWords(node.uplink),
      clock: clockWords(node.time),
    }),
    config: life.config && {
      state: life.config.state,
      sha256: life.config.sha256.slice(0, HASH_DIGITS),
      minutesLeft: life.config.minutesLeft,
    },
    lastEnd: life.lastEnd && shortened(life.lastEnd, NAME_MAX_BYTES),
  };
}

function storeWords({ health, classes, diskBytes }: PipelineStatus['store']) {
  return {
    state: health.state,
    waitingRows: health.state === 'notWriting' ? health.waitingRows : undefined,
    backlogBlocks: classes.reduce((sum, { blocks }) => sum + blocks, 0),
    backlogBytes: classes.reduce((sum, { bytes }) => sum + bytes, 0),
    diskBytes,
  };
}

/** Nothing while nobody knows how long it lasts. */
function flashWords(flash: FlashStatus | undefined) {
  if (flash?.daysLeft === undefined || (flash.lookedS < RATED_S && flash.daysLeft > 0)) return undefined;
  return { bytesPerDay: Math.round(flash.bytesPerDay), daysLeft: Math.floor(flash.daysLeft) };
}

function uplinkWords({ connects, waiting, budgets }: UplinkStatus) {
  const budget = budgets.find(({ isCurrent }) => isCurrent);
  return {
    connects,
    waitingBlocks: waiting,
    link: budget && shortened(budget.link, NAME_MAX_BYTES),
    budgetLeftBytes: budget?.leftBytes,
  };
}

function clockWords({ wallNs, uncertaintyNs }: PipelineStatus['time']) {
  return {
    state: wallNs === undefined ? 'unset' : 'set',
    uncertaintyMs: uncertaintyNs === undefined ? undefined : Math.ceil(Number(uncertaintyNs) / 1e6),
  };
}

/** One line of so many bytes at most, whole characters, `…` where something is missing. */
function shortened(text: string, maxBytes: number): string {
  const line = text.replace(/\p{Cc}+/gu, ' ');
  if (Buffer.byteLength(line) <= maxBytes) return line;
  const kept = [...line];
  while (Buffer.byteLength(kept.join('')) > maxBytes - Buffer.byteLength('…')) kept.pop();
  return `${kept.join('').trimEnd()}…`;
}
