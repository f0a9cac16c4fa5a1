import * as v from 'valibot';
import { NodeHealth } from '../../store/index.js';
import { GroupName, Level, LogCursor, Moment, NodeName, Search, StateName, StreamId } from '../inputs.js';

const count = v.pipe(v.number(), v.integer(), v.minValue(0));
/** RFC 3339 in UTC, with up to nine digits of the second. */
const time = v.pipe(v.string(), v.description('RFC 3339, UTC'));
const maybeTime = v.nullable(
  v.pipe(v.string(), v.description('RFC 3339, UTC, to the nanosecond; null: not known yet')),
);
const number = (from: number, to: number, otherwise: string) =>
  v.optional(
    v.pipe(
      v.string(),
      v.digits(),
      v.maxLength(7),
      v.description(`${from} to ${to}`),
      v.transform(Number),
      v.number(),
      v.minValue(from),
      v.maxValue(to),
    ),
    otherwise,
  );

export const NodeParams = v.object({ node: NodeName });
export const StreamParams = v.object({ stream: StreamId });

export const NodesQuery = v.object({
  group: v.optional(GroupName),
  state: v.optional(StateName),
  search: v.optional(Search),
  page: number(1, 99_999, '1'),
  limit: number(1, 5_000, '1000'),
});

const window = { from: v.optional(Moment), to: v.optional(Moment) };

export const SeriesQuery = v.object({
  ...window,
  channel: number(0, 255, '0'),
  points: number(1, 2_000, '400'),
});

export const ReadingsQuery = v.object({
  ...window,
  format: v.optional(v.picklist(['json', 'csv', 'senml'])),
  limit: number(1, 10_000, '1000'),
  after: v.optional(
    v.pipe(
      v.string(),
      v.digits(),
      v.maxLength(16),
      v.transform((text) => BigInt(text)),
      v.bigint(),
    ),
  ),
});

export const LogsQuery = v.object({
  ...window,
  level: v.optional(Level),
  group: v.optional(GroupName),
  node: v.optional(NodeName),
  text: v.optional(Search),
  limit: number(1, 1_000, '200'),
  before: v.optional(LogCursor),
});

export const NodeAnswer = v.object({
  node: v.string(),
  name: v.string(),
  group: GroupName,
  state: StateName,
  heard: time,
  latest: maybeTime,
  position: v.nullable(v.object({ latitude: v.number(), longitude: v.number(), time: maybeTime })),
  openAlerts: count,
  lostRows: count,
  cause: v.nullable(
    v.pipe(
      v.string(),
      v.description('The rule of the first cause for what is not well, as `cairn why` has it'),
    ),
  ),
});

export const NodesAnswer = v.object({ total: count, nodes: v.array(NodeAnswer) });

export const ReadingAnswer = v.object({
  sequence: count,
  time: maybeTime,
  values: v.record(v.string(), v.nullable(v.union([v.number(), v.string()]))),
  quality: v.optional(
    v.pipe(v.string(), v.description('A letter a channel: good, suspect, sTale, fault; absent: all good')),
  ),
});

const ChannelAnswer = v.object({ name: v.string(), unit: v.string(), kind: v.string() });

export const StreamAnswer = v.object({
  id: count,
  epoch: v.string(),
  stream: v.string(),
  class: v.string(),
  title: v.string(),
  channels: v.array(ChannelAnswer),
  received: count,
  missing: count,
  conflicts: v.pipe(count, v.description('Blocks that said something else of numbers that were had')),
  contradictions: v.pipe(
    count,
    v.description('Rows that came though their node had said that they never could'),
  ),
  removed: v.pipe(
    v.nullable(v.object({ rows: count, from: maybeTime, to: maybeTime })),
    v.description('What retention took away of what was received; null: nothing'),
  ),
  lost: v.record(v.string(), count),
  latest: v.nullable(ReadingAnswer),
});

export const NodeDetailAnswer = v.object({
  ...NodeAnswer.entries,
  status: v.nullable(v.record(v.string(), v.unknown())),
  health: v.nullable(
    v.pipe(
      v.object({ at: time, ...NodeHealth.entries }),
      v.description('What the node last said of itself, and when that came (docs/wire-format.md, 6)'),
    ),
  ),
  streams: v.array(StreamAnswer),
});

export const SeriesAnswer = v.object({
  name: v.string(),
  unit: v.string(),
  buckets: v.array(
    v.object({ wallMs: v.number(), min: v.number(), max: v.number(), mean: v.number(), count }),
  ),
  holes: v.array(v.object({ fromMs: v.number(), toMs: v.number(), rows: count, cause: v.string() })),
  uncertainty: v.array(v.object({ fromMs: v.number(), toMs: v.number(), ms: v.number() })),
  timeless: count,
});
export type SeriesAnswer = v.InferOutput<typeof SeriesAnswer>;

export const ReadingsAnswer = v.object({
  node: v.string(),
  stream: v.string(),
  readings: v.array(ReadingAnswer),
  next: v.nullable(
    v.pipe(v.object({ from: maybeTime, after: count }), v.description('`from` and `after` of the next page')),
  ),
});

/** RFC 8428, 5. */
export const SenmlAnswer = v.array(v.record(v.string(), v.union([v.number(), v.string()])));

export const LogsAnswer = v.object({
  lines: v.array(
    v.object({
      node: v.string(),
      time: maybeTime,
      level: Level,
      module: v.string(),
      text: v.string(),
      sequence: count,
    }),
  ),
  next: v.nullable(v.pipe(v.string(), v.description('`before` of the next page'))),
});

export const HealthAnswer = v.object({
  status: v.picklist(['ok', 'degraded']),
  services: v.optional(
    v.array(
      v.object({
        name: v.string(),
        state: v.picklist(['waiting', 'healthy', 'unhealthy', 'maintenance', 'stopped']),
        since: time,
        why: v.optional(v.string()),
      }),
    ),
  ),
});

export const Failure = v.object({ statusCode: count, error: v.string(), message: v.string() });
