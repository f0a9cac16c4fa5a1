import { type Condition, inScope, type Rule } from './rule.js';
import type { Firing, Histories } from './types.js';

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
const POINTS = 96;
/** Less of a day says nothing of the next one: the sun may just have set. */
const MIN_SPAN_MS = DAY_MS / 4;
/** An open one ends when there is a quarter more time than the limit. */
const LEAVES_AT = 1.25;

interface Sample {
  readonly wallMs: number;
  readonly mean: number;
}

/** When a straight line through the samples (least squares) reaches `empty`; undefined: it doesn't, or they are too few. */
export function emptyAtMs(samples: readonly Sample[], empty: number): number | undefined {
  const [first, last] = [samples[0], samples.at(-1)];
  if (!first || !last || samples.length < 3 || last.wallMs - first.wallMs < MIN_SPAN_MS) return undefined;
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [atMs, level] = [
    mean(samples.map(({ wallMs }) => wallMs)),
    mean(samples.map((sample) => sample.mean)),
  ];
  const covariance = mean(samples.map((sample) => (sample.wallMs - atMs) * (sample.mean - level)));
  const slope = covariance / mean(samples.map(({ wallMs }) => (wallMs - atMs) ** 2));
  if (!(slope < 0)) return undefined;
  return atMs + (empty - level) / slope;
}

/** The nodes in scope whose channel runs empty in time. */
export async function forecastFiring(
  rule: Rule,
  { channel, empty, hoursLeft }: Extract<Condition, { kind: 'batteryForecast' }>,
  nowMs: number,
  open: ReadonlySet<string>,
  histories: Histories,
): Promise<readonly Firing[]> {
  const firing: Firing[] = [];
  for (const { node, group } of await histories.nodes(nowMs)) {
    if (!inScope(rule.spec, { node, group })) continue;
    const streams = (await histories.node(node, nowMs))?.streams ?? [];
    const stream = streams.find(
      (one) => inScope(rule.spec, { ...one, group }) && one.channels.some(({ name }) => name === channel),
    );
    if (!stream) continue;
    const at = stream.channels.findIndex(({ name }) => name === channel);
    const span = { fromNs: BigInt(nowMs - DAY_MS) * 1_000_000n, toNs: BigInt(nowMs) * 1_000_000n };
    const series = await histories.series(stream.streamId, at, span, POINTS);
    const emptyMs = emptyAtMs(series?.buckets ?? [], empty);
    const withinMs = hoursLeft * HOUR_MS * (open.has(node) ? LEAVES_AT : 1);
    if (emptyMs === undefined || emptyMs - nowMs > withinMs) continue;
    const hours = Math.max(0, (emptyMs - nowMs) / HOUR_MS).toFixed(1);
    const detail = `${channel} reaches ${empty} in ${hours} h, by a line through the last day`;
    firing.push({ subject: node, node, stream: stream.stream, sinceMs: nowMs, detail });
  }
  return firing;
}
