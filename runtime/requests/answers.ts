import type { KeyObject } from 'node:crypto';
import * as v from 'valibot';
import { type Surveyed, surveyParts } from '../board/index.js';
import type { Calibrations } from '../calibrations.js';
import type { RuntimeClock } from '../clock/index.js';
import type { ConfigStatus, UplinkConfig } from '../config/index.js';
import type { Answer } from '../control-server.js';
import { EVENT_BY_MAX_BYTES, EVENT_MAX_BYTES, recordEvent } from '../events.js';
import { answerSign } from '../head-signature.js';
import type { LogTail } from '../log-tail.js';
import type { Pipeline } from '../pipeline.js';
import { deadLetterTexts, type Store } from '../store/index.js';
import type { ProbePorts, Uplink } from '../uplink/index.js';
import { calibrationRequests } from './calibration.js';
import { followEvent } from './event-receipt.js';
import { answerExport } from './export.js';
import { type TestedPart, type TestedParts, testParts } from './test-parts.js';
import { testUplink } from './uplink-test.js';
import { wiringRequests } from './wiring.js';
import { workStream } from './work-stream.js';

export interface RequestParts {
  readonly pipeline: Pipeline;
  readonly store: Store;
  readonly clock: RuntimeClock;
  readonly calibrations: Calibrations;
  readonly logTail: LogTail;
  /** The node's own hardware, for who looks at the wiring. */
  readonly surveyed: Surveyed;
  /** Absent on a node without one. */
  readonly link: NodeLink | undefined;
  /** The node's own, for what it vouches for. */
  readonly key: KeyObject;
  /** Absent where nobody knows of trials. */
  readonly configStatus: (() => ConfigStatus) | undefined;
  /** Writes the flight record down now, and says where; absent on a node that keeps none. */
  readonly dump: (() => string) | undefined;
}

/** The uplink, and what a test of it needs. */
export interface NodeLink {
  readonly uplink: Uplink;
  readonly config: UplinkConfig;
  readonly probe: ProbePorts;
}

type Handler = (params: unknown) => unknown;

/** What a running node answers on its control socket. */
export function nodeRequests(parts: RequestParts): Answer {
  const { pipeline, store, clock, link, logTail, key, configStatus, dump } = parts;
  const handlers: Readonly<Record<string, Handler>> = {
    status: () => ({ ...pipeline.status(), config: configStatus?.() }),
    latest: () => pipeline.seen.latest(),
    rows: (params) => rowsOf(pipeline, params, false),
    read: (params) => rowsOf(pipeline, params, true),
    raw: (params) => rawOf(pipeline, params),
    ...calibrationRequests(parts),
    sample: (params) => sampleNow(pipeline, params),
    tellTime: (params) => tellTime(pipeline, params),
    log: () => logTail.follow(),
    ...wiringRequests({ ...parts.surveyed, lend: pipeline.lend, isAlone: false }),
    testParts: () => workStream<TestedPart>((say, signal) => testParts(testedOf(parts), say, signal)),
    recentLog: () => logTail.recent(),
    dead: () => deadLetterTexts(store.deadLetters?.() ?? []),
    export: (params) => answerExport(store, params),
    event: (params) => recordEvent(store, clock, v.parse(EVENT, params)),
    followEvent: (params) => followEvent({ store, clock, uplink: link?.uplink }, v.parse(EVENT, params)),
    testUplink: (params) => testLink(parts, v.parse(BY, params).by),
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

function testedOf({ pipeline, clock, surveyed }: RequestParts): TestedParts {
  const { seen, sampleNow } = pipeline;
  return {
    ...{ config: surveyed.config, clock, seen, sampleNow },
    status: () => pipeline.status().parts,
    survey: (asked) => surveyParts(asked, surveyed),
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

/** Before they are calibrated. */
function rawOf({ seen }: Pipeline, params: unknown) {
  const part = partOf(params);
  return seen.followRaw(({ partId }) => partId === part);
}

/** One at a time: it is a person who asks, and a link may be a thin one. */
const testing = new WeakSet<NodeLink>();

async function* testLink({ store, clock, link }: RequestParts, by: string) {
  if (!link) throw new Error('this node has no uplink');
  if (testing.has(link)) throw new Error('the uplink is being tested already');
  const { uplink, config, probe: ports } = link;
  testing.add(link);
  try {
    yield* testUplink({ config, node: store.node, ports, path: { store, clock, uplink }, by });
  } finally {
    testing.delete(link);
  }
}

const TIME = v.strictObject({
  wallMs: v.pipe(v.number(), v.integer()),
  uncertaintyMs: v.pipe(v.number(), v.minValue(1), v.maxValue(86_400_000)),
});

const BY = v.strictObject({ by: v.pipe(v.string(), v.maxBytes(EVENT_BY_MAX_BYTES)) });

const EVENT = v.strictObject({
  ...BY.entries,
  kind: v.pipe(v.string(), v.regex(/^[a-z][a-zA-Z]{0,31}$/)),
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
