import { createHash } from 'node:crypto';
import * as v from 'valibot';
import { ROLES } from '../command.js';

const count = v.pipe(v.number(), v.integer(), v.minValue(0));
const who = { role: v.picklist(ROLES), name: v.string() };

/** What the journal's callers tell it. */
const happenings = [
  /** Somebody is in. */
  v.object({ e: v.literal('begin'), ...who }),
  /** Nobody is; `why` is one of the login's kinds. */
  v.object({ e: v.literal('refused'), why: v.string() }),
  /** `exit` is its exit code, null where it was left behind unended; `ms` how long it took. */
  v.object({ e: v.literal('command'), ...who, line: v.string(), exit: v.nullable(count), ms: count }),
  v.object({ e: v.literal('end'), ...who, why: v.string() }),
] as const;

/** What it notes itself. */
const notes = [
  /** The node's signature (base64) of the hash of the entry before. */
  v.object({ e: v.literal('signed'), signature: v.string() }),
  /** Bytes of an entry that was never whole, after a power cut or a full disk; they were dropped. */
  v.object({ e: v.literal('torn'), bytes: count }),
  /** So many entries could not be written. */
  v.object({ e: v.literal('lost'), entries: count }),
  /** Those before `first` made room. */
  v.object({ e: v.literal('trimmed'), first: count }),
] as const;

const place = v.object({
  /** From 1, without holes. */
  n: v.pipe(count, v.minValue(1)),
  /** SHA-256 of the entry before, 64 hexadecimal digits; zeros before the first. */
  before: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
  /** The kernel's id of this boot. */
  boot: v.string(),
  /** CLOCK_BOOTTIME. */
  bootMs: count,
  /** RFC 3339, where the wall clock is known. */
  wall: v.optional(v.string()),
});
const what = v.variant('e', [...happenings, ...notes]);

export type Happening = v.InferOutput<(typeof happenings)[number]>;
export type Note = v.InferOutput<(typeof notes)[number]>;
export type Entry = v.InferOutput<typeof place> & (Happening | Note);
/** When it is: part of each entry. */
export type Moment = Pick<Entry, 'boot' | 'bootMs' | 'wall'>;

/** The hash before the first entry. */
export const NO_HASH = '0'.repeat(64);
/** Of a command's line, a name, a reason. */
const TEXT_MAX = 1024;

/** One line of JSON, without its end. */
export function lineOf(n: number, before: string, moment: Moment, happening: Happening | Note): string {
  const cut = Object.entries(happening).map(([name, value]) => [
    name,
    typeof value === 'string' ? value.slice(0, TEXT_MAX) : value,
  ]);
  return JSON.stringify({ n, before, ...moment, ...Object.fromEntries(cut) });
}

/** Of its bytes in UTF-8, without the line's end. */
export function hashOf(line: string): string {
  return createHash('sha256').update(line).digest('hex');
}

/** Undefined where it is none of ours, or not whole. */
export function entryIn(line: string): Entry | undefined {
  const json = v.safeParse(v.pipe(v.string(), v.parseJson()), line);
  const [at, happened] = [v.safeParse(place, json.output), v.safeParse(what, json.output)];
  return at.success && happened.success ? { ...at.output, ...happened.output } : undefined;
}
