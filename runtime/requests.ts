import type { KeyObject } from 'node:crypto';
import * as v from 'valibot';
import type { RuntimeClock } from './clock/index.js';
import type { ConfigStatus } from './config/index.js';
import type { Answer } from './control-server.js';
import { EVENT_MAX_BYTES, recordEvent } from './events.js';
import { answerSign } from './head-signature.js';
import type { LogTail } from './log-tail.js';
import type { Pipeline } from './pipeline.js';
import { deadLetterTexts, type Store } from './store/index.js';

export interface RequestParts {
  readonly pipeline: Pipeline;
  readonly store: Store;
  readonly clock: RuntimeClock;
  readonly logTail: LogTail;
  /** The node's own, for what it vouches for. */
  readonly key: KeyObject;
  /** Absent where nobody knows of trials. */
  readonly configStatus: (() => ConfigStatus) | undefined;
  /** Writes the flight record down now, and says where; absent on a node that keeps none. */
  readonly dump: (() => string) | undefined;
}

type Handler = (params: unknown) => unknown;

/** What a running node answers on its control socket. */
export function nodeRequests(parts: RequestParts): Answer {
  const { pipeline, store, logTail, key, configStatus, dump } = parts;
  const handlers: Readonly<Record<string, Handler>> = {
    status: () => ({ ...pipeline.status(), config: configStatus?.() }),
    latest: () => pipeline.seen.latest(),
    rows: (params) => rowsOf(pipeline, params, false),
    read: (params) => rowsOf(pipeline, params, true),
    sample: (params) => sampleNow(pipeline, params),
    tellTime: (params) => tellTime(pipeline, params),
    log: () => logTail.follow(),
    recentLog: () => logTail.recent(),
    dead: () => deadLetterTexts(store.deadLetters?.() ?? []),
    event: (params) => recordEvent(store, parts.clock, v.parse(EVENT, params)),
    sign: (params) => answerSign(params, key),
    dump: () => {
      if (!dump) throw new Error('this node keeps no record');
      return { file: dump() };
    },
  };
  return (name, params) => {
    const handler = Object.hasOwn(handlers, name) ? handlers[name] : undefined;
    if (!handler) throw new Error('no such request');
    return handler(params);
  };
}

/** Nothing is waited for: the row comes where rows are followed. */
function sampleNow(pipeline: Pipeline, params: unknown): { readonly isAsked: true } {
  pipeline.sampleNow(partOf(params) ?? '');
  return { isAsked: true };
}

/** Of one part, or of all; `isNow`: its next sample is taken at once. */
function rowsOf({ seen, sampleNow }: Pipeline, params: unknown, isNow: boolean) {
  const part = partOf(params);
  const rows = seen.follow(({ partId }) => part === undefined || partId === part);
  if (isNow && part !== undefined) sampleNow(part);
  return rows;
}

const TIME = v.strictObject({
  wallMs: v.pipe(v.number(), v.integer()),
  uncertaintyMs: v.pipe(v.number(), v.minValue(1), v.maxValue(86_400_000)),
});

const EVENT = v.strictObject({
  kind: v.pipe(v.string(), v.regex(/^[a-z][a-zA-Z]{0,31}$/)),
  by: v.pipe(v.string(), v.maxBytes(64)),
  text: v.pipe(v.string(), v.maxBytes(EVENT_MAX_BYTES)),
});

function tellTime({ tellTime }: Pipeline, params: unknown): { readonly isTaken: boolean } {
  const { wallMs, uncertaintyMs } = v.parse(TIME, params);
  const ns = (ms: number) => BigInt(Math.round(ms)) * 1_000_000n;
  return { isTaken: tellTime(ns(wallMs), ns(uncertaintyMs)) };
}

function partOf(params: unknown): string | undefined {
  const part = typeof params === 'object' && params !== null && 'part' in params ? params.part : undefined;
  if (part !== undefined && typeof part !== 'string') throw new Error('part: the id of a part is wanted');
  return part;
}
