import { join } from 'node:path';
import {
  exportBlocks,
  openStore,
  type Store,
  type StoreDeps,
  type StoreOptions,
  storeDefaults,
  verifyStore,
} from '../../runtime/store/index.js';
import type { Gap } from '../../wire/index.js';
import { doubled, type Span, total, uncovered } from './numbers.js';
import { reservedLimits } from './reserve-file.js';
import type { Promised } from './witness.js';

/** Causes that an opening store gives to numbers whose rows it doesn't find. */
const FOUND_MISSING: readonly Gap['cause'][] = ['uncleanStop', 'epochEnd', 'rot'];
const ROWS_AFTER = 3;

/** What the disk was promised to hold, and whose store it is. */
export interface Expectation {
  readonly node: string;
  readonly machineId: string;
  readonly sizeBytes: number;
  readonly promised: readonly Promised[];
}

export interface StoreFinding {
  readonly opened: boolean;
  /** Promised rows that are nowhere, or in a gap that the opening made. */
  readonly lost: number;
  /** Numbers that nothing accounts for. */
  readonly holes: number;
  /** Numbers that were given twice. */
  readonly reused: number;
  /** What was wrong, for people. */
  readonly problems: readonly string[];
}

/** Opens the store as the next boot would, lets it go on, closes it and looks at every number. Changes it. */
export async function checkStore(path: string, expected: Expectation): Promise<StoreFinding> {
  const problems: string[] = [];
  const deps = storeDefaults((level, text) => {
    if (level === 'error') problems.push(text);
  });
  const limits = reservedLimits(join(path, 'reserve'), deps.native.crc32c);
  let store: Store;
  try {
    store = await openStore(optionsFor(path, expected, deps));
  } catch (error) {
    const lost = expected.promised.reduce((sum, { from, next }) => sum + next - from, 0);
    const problem = `it does not open: ${(error as Error).message}`;
    return { opened: false, lost, holes: 0, reused: 0, problems: [...problems, problem] };
  }
  const gaps = store.openGaps().filter(({ cause }) => FOUND_MISSING.includes(cause));
  const reused = reusedBy(store, expected.promised, limits);
  goOn(store, deps.nowNs());
  await store.flush();
  await store.close();
  return judge(path, deps, { expected, gaps, reused, problems });
}

function optionsFor(
  path: string,
  { node, machineId, sizeBytes }: Expectation,
  deps: StoreDeps,
): StoreOptions {
  return {
    path,
    node,
    machineId,
    sizeBytes,
    bootId: 'after-the-cut',
    software: 'power-cut oracle',
    quotaPercent: { alarm: 10, event: 10, telemetry: 40, bulk: 10, log: 5 },
    commitIntervalMs: 1000,
    reserveAheadMs: 1000,
    memoryBytes: 1024 * 1024,
    deps,
  };
}

/** Numbers below the next one to be given that were, or may have been, given: the store must be past them. */
function reusedBy(store: Store, promised: readonly Promised[], limits: ReadonlyMap<string, number>): number {
  let reused = 0;
  for (const { stream, next } of store.status().streams) {
    const said = promised.filter((one) => one.epoch === store.epoch && one.stream === stream);
    const given = Math.max(0, limits.get(`${store.epoch} ${stream}`) ?? 0, ...said.map((one) => one.next));
    reused += Math.max(0, given - next);
  }
  return reused;
}

/** Some rows more of each stream of numbers. */
function goOn(store: Store, nowNs: bigint): void {
  for (const { stream, class: logClass } of store.status().streams) {
    const { channels } = store.descriptor?.(stream, 1) ?? {};
    const isNumeric = channels?.every(({ type }) => type.kind !== 'utf8' && type.kind !== 'bytes');
    if (!channels || !isNumeric || logClass === 'meta') continue;
    const cells = ROWS_AFTER * channels.length;
    const timesNs = BigInt64Array.from({ length: ROWS_AFTER }, (_, row) => nowNs + BigInt(row));
    store.append({ stream, timesNs, values: new Float64Array(cells), quality: new Uint8Array(cells) });
  }
}

interface Case {
  readonly expected: Expectation;
  readonly gaps: readonly Gap[];
  readonly reused: number;
  readonly problems: readonly string[];
}

async function judge(path: string, deps: StoreDeps, found: Case): Promise<StoreFinding> {
  const { expected, gaps } = found;
  const verdict = await verifyStore(path, deps);
  const problems = [...found.problems, ...verdict.problems];
  const holes = verdict.streams.reduce((sum, { missing }) => sum + total(missing), 0);
  let lost = 0;
  for (const { epoch, stream, from, next } of expected.promised) {
    const its = verdict.streams.find((one) => one.epoch === epoch && one.stream === stream);
    const nowhere = uncovered([from, next], [...(its?.stored ?? []), ...(its?.settled ?? [])]);
    const inGaps = gaps
      .filter((gap) => gap.epoch === epoch && gap.stream === stream)
      .map((gap) => within(spanOf(gap), [from, next]));
    const rows = total(nowhere) + total(inGaps);
    if (rows > 0) problems.push(`${stream}: ${rows} of ${next - from} promised rows are lost`);
    lost += rows;
  }
  return { opened: true, lost, holes, reused: found.reused + (await storedTwice(path, deps)), problems };
}

async function storedTwice(path: string, deps: StoreDeps): Promise<number> {
  const spans = new Map<string, Span[]>();
  for await (const { bytes } of exportBlocks(path, deps)) {
    const { epoch, stream, first, count } = deps.native.decodeHeader(bytes);
    const key = `${epoch} ${stream}`;
    const its = spans.get(key) ?? [];
    its.push([first, first + count]);
    spans.set(key, its);
  }
  let twice = 0;
  for (const its of spans.values()) twice += doubled(its);
  return twice;
}

function spanOf({ first, last }: Gap): Span {
  return [first, last === undefined ? Number.POSITIVE_INFINITY : last + 1];
}

function within([from, to]: Span, [low, high]: Span): Span {
  const first = Math.max(from, low);
  return [first, Math.max(first, Math.min(to, high))];
}
