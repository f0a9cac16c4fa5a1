import type { Channel } from '../../drivers/contract/index.js';
import type { Queries } from '../db/index.js';
import type { Reading, Taken } from '../store/types.js';
import { unitText } from '../words.js';
import { episodesOf, trimmed } from './episodes.js';
import { type Gauge, gaugeOf, isOfRows, needsChannels, numberOf } from './gauge.js';
import { inScope, isJudgedByRow, type Rule } from './rule.js';
import type { RuleBook } from './rule-book.js';
import { type Judged, merged, segmentsOf } from './segments.js';
import { type SyncContext, syncAlerts, syncLate } from './sync.js';
import type { TellOptions } from './tell.js';
import { type Track, Tracks } from './tracks.js';
import type { Facts, NodeFacts } from './types.js';
import { type Batch, batchesOf, keepUnjudged, takeUnjudged } from './unjudged.js';

export interface JudgeOptions {
  readonly rules: RuleBook;
  readonly facts: Facts;
  readonly tell: TellOptions;
}

interface Judging {
  readonly tx: Queries;
  readonly tracks: Tracks;
  readonly rules: readonly Rule[];
  readonly nodes: ReadonlyMap<string, NodeFacts>;
  readonly nowMs: number;
}

/** Judges what the store took, in its transaction: a row and its alert are one commit. */
export async function judge(
  tx: Queries,
  taken: readonly Taken[],
  nowMs: number,
  options: JudgeOptions,
): Promise<void> {
  await judgeBatches(tx, batchesOf(taken), nowMs, options);
}

/** Rows whose descriptor had not come with them; those that have none still stay. */
export async function judgeLate(tx: Queries, nowMs: number, options: JudgeOptions): Promise<void> {
  const ready = await takeUnjudged(tx, options.facts);
  await judgeBatches(tx, ready, nowMs, options);
}

async function judgeBatches(
  tx: Queries,
  batches: readonly Batch[],
  nowMs: number,
  options: JudgeOptions,
): Promise<void> {
  if (batches.length === 0) return;
  const rules = await options.rules.inForce(tx);
  const nodes = await options.facts.nodes(tx, [...new Set(batches.map(({ ref }) => ref.node))]);
  const tracks = await Tracks.load(tx, [...new Set(batches.map(({ ref }) => ref.streamId))]);
  for (const batch of batches) await judgeBatch(batch, { tx, tracks, rules, nodes, nowMs }, options);
  await tracks.save(tx);
}

async function judgeBatch(batch: Batch, judging: Judging, options: JudgeOptions): Promise<void> {
  const { ref, version } = batch;
  const group = judging.nodes.get(ref.node)?.group;
  const mine = judging.rules.filter(
    ({ spec }) => isJudgedByRow(spec) && inScope(spec, { ...ref, group: group ?? '' }),
  );
  const needs = mine.filter(({ spec }) => needsChannels(spec.condition));
  if (mine.length === 0) return;
  const channels = batch.channels ?? (await options.facts.channels(judging.tx, ref.streamId, version));
  // Those that need no channels have judged it when it came.
  const now = batch.isLate ? needs : channels ? mine : mine.filter((rule) => !needs.includes(rule));
  if (!channels && needs.length > 0) await keepUnjudged(judging.tx, batch, judging.nowMs);
  for (const rule of now) await judgeRule(rule, batch, channels ?? [], judging, options);
}

async function judgeRule(
  rule: Rule,
  batch: Batch,
  channels: readonly Channel[],
  { tx, tracks, nodes, nowMs }: Judging,
  options: JudgeOptions,
): Promise<void> {
  const { condition } = rule.spec;
  const { ref } = batch;
  const track = tracks.get(rule.id, ref);
  if (condition.kind === 'noMotion') {
    const measure = numberOf(channels, condition.channel);
    const moves = (row: Reading) => (measure?.(row) ?? Number.NEGATIVE_INFINITY) > condition.above;
    if (measure) tracks.set(rule.id, ref, moved(track, batch.rows, moves, condition.afterS));
    return;
  }
  if (condition.kind === 'silence')
    tracks.set(rule.id, ref, { ...track, movedNs: BigInt(nowMs) * 1_000_000n });
  if (!isOfRows(condition)) return;
  const gauge = gaugeOf(condition, channels);
  if (!gauge) return;
  const group = nodes.get(ref.node)?.group;
  const detailOf = (sequence: number) => detail(batch, channels, sequence);
  const context = { rule, ref, group, nowMs, floor: track.floor, detailOf };
  tracks.set(
    rule.id,
    ref,
    await judgeRows(tx, track, judgedRows(batch, gauge), gauge, context, options.tell),
  );
}

async function judgeRows(
  tx: Queries,
  track: Track,
  rows: readonly Judged[],
  gauge: Gauge,
  context: SyncContext,
  tell: TellOptions,
): Promise<Track> {
  const old = rows.filter(({ sequence }) => sequence <= track.floor);
  await syncLate(tx, episodesOf(segmentsOf(old, gauge), gauge), context, tell);
  const fresh = rows.filter(({ sequence }) => sequence > track.floor);
  const segments = merged(track.segments, segmentsOf(fresh, gauge), gauge);
  await syncAlerts(tx, episodesOf(track.segments, gauge), episodesOf(segments, gauge), context, tell);
  const kept = trimmed(segments, gauge);
  return { ...track, segments: kept.segments, floor: Math.max(track.floor, kept.floor) };
}

function judgedRows({ rows, boot, ms }: Batch, gauge: Gauge): readonly Judged[] {
  return rows.map((row, i) => ({
    sequence: Number(row.sequence),
    boot,
    ms: ms[i]!,
    measure: gauge.measure(row),
  }));
}

/**
 * Between two rows further apart than the rule waits nobody knows: from the later one on it is counted anew. A row that moved at an unknown time is kept by
 * its number.
 */
function moved(
  track: Track,
  rows: readonly Reading[],
  moves: (row: Reading) => boolean,
  afterS: number,
): Track {
  const afterNs = BigInt(Math.round(afterS * 1e9));
  let { sinceNs, movedNs, newestNs, unplaced } = track;
  for (const row of rows) {
    const { wallNs, sequence } = row;
    const isMove = moves(row);
    if (wallNs === undefined) {
      if (isMove && (unplaced === undefined || sequence > unplaced)) unplaced = sequence;
      continue;
    }
    if (sinceNs === undefined || wallNs < sinceNs) sinceNs = wallNs;
    const isApart = newestNs !== undefined && wallNs - newestNs > afterNs;
    if ((isApart || isMove) && (movedNs === undefined || wallNs > movedNs)) movedNs = wallNs;
    if (isMove && unplaced !== undefined && sequence > unplaced) unplaced = undefined;
    if (newestNs === undefined || wallNs > newestNs) newestNs = wallNs;
  }
  return { ...track, sinceNs, movedNs, newestNs, unplaced };
}

const MAX_DETAIL = 300;

/** `event shock, peak 31.2 m/s2`. */
function detail({ rows }: Batch, channels: readonly Channel[], sequence: number): string | undefined {
  const row = rows.find((one) => one.sequence === BigInt(sequence));
  if (!row) return undefined;
  const parts = channels.map(({ name, quantity, type }, at) => {
    const value = row.values[at] ?? null;
    const shown =
      type.kind === 'enum' && value !== null ? (type.labels[value] ?? value) : (value ?? row.texts?.[at]);
    return `${name} ${shown ?? 'absent'} ${value === null ? '' : unitText(quantity)}`.trim();
  });
  // PostgreSQL keeps no NUL, and a node may send one.
  return parts.join(', ').slice(0, MAX_DETAIL).replaceAll('\0', '\ufffd') || undefined;
}
