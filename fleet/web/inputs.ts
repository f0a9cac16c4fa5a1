import * as v from 'valibot';
import { LOG_LEVELS } from '../../wire/index.js';
import type { LogLine } from '../store/types.js';

export const GROUPS = ['prod', 'stage', 'dev'] as const;
export const STATES = ['live', 'backlog', 'late', 'silent'] as const;

export const Search = v.pipe(v.string(), v.trim(), v.maxLength(100));
export const Page = v.optional(
  v.pipe(v.string(), v.digits(), v.maxLength(5), v.transform(Number), v.number()),
  '1',
);
export const NodeName = v.pipe(v.string(), v.minLength(1), v.maxLength(128));
export const StreamId = v.pipe(
  v.string(),
  v.digits(),
  v.maxLength(15),
  v.transform((text) => BigInt(text)),
  v.bigint(),
);

/** `south,west,north,east`, degrees. */
export const Box = v.pipe(
  v.string(),
  v.regex(
    /^-?\d{1,3}(\.\d{1,20})?(,-?\d{1,3}(\.\d{1,20})?){3}$/,
    'south,west,north,east in degrees are wanted',
  ),
  v.transform((text) => text.split(',').map(Number) as [number, number, number, number]),
);

/** What a column of ns holds, and the span between any two of them. */
const MAX_NS = 2n ** 63n - 1n;
const MOMENT = /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d(?::\d\d)?)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)?$/;

/** RFC 3339, or what a form's `datetime-local` gives: then it is UTC. As ns since 1970. */
export const Moment = v.pipe(
  v.string(),
  v.regex(MOMENT, 'a time like 2026-11-23T01:48:58Z is wanted'),
  v.transform((text) => {
    const [, day, clock, fraction = '', zone = 'Z'] = MOMENT.exec(text)!;
    const ms = Date.parse(`${day}T${clock}${zone}`);
    return Number.isNaN(ms) ? undefined : BigInt(ms) * 1_000_000n + BigInt(fraction.padEnd(9, '0'));
  }),
  v.bigint('there is no such time'),
  v.minValue(0n, 'a time from 1970 to 2261 is wanted'),
  v.maxValue(MAX_NS, 'a time from 1970 to 2261 is wanted'),
);

export const Level = v.picklist(LOG_LEVELS);
export const GroupName = v.picklist(GROUPS);
export const StateName = v.picklist(STATES);

/** Where a page of lines goes on: after the last line of the one before. */
export const LogCursor = v.pipe(
  v.string(),
  v.regex(/^\d{1,19}-\d{1,16}-\d{1,16}$/, '`next` of the page before is wanted'),
  v.transform((text) => {
    const [wallNs, sequence, streamId] = text.split('-').map(BigInt) as [bigint, bigint, bigint];
    return { wallNs, sequence, streamId };
  }),
  v.check(({ wallNs }) => wallNs <= MAX_NS, '`next` of the page before is wanted'),
);

export function cursorOf({ atNs, sequence, streamId }: LogLine): string {
  return `${atNs}-${sequence}-${streamId}`;
}
