import * as v from 'valibot';
import { parseRecord } from '../text-files.js';
import { type Bundle, bundleSchema } from './bundle.js';

/** A trial lasts so long, min. */
export const MINUTES_MIN = 1;
export const MINUTES_MAX = 120;
/** Characters of an error kept as evidence. */
const ERROR_MAX = 1000;

const id = v.pipe(v.string(), v.regex(/^[0-9a-f-]{1,36}$/));
const text = v.pipe(v.string(), v.maxLength(ERROR_MAX));
const count = v.pipe(v.number(), v.integer(), v.minValue(0));
const minutes = v.pipe(v.number(), v.integer(), v.minValue(MINUTES_MIN), v.maxValue(MINUTES_MAX));
/** A moment that no wall clock moves: the kernel's boot and ms of CLOCK_BOOTTIME in it. */
const moment = v.strictObject({ bootId: v.string(), ms: count });

/** How a configuration became one to rely on. */
const CONFIRMED_BY = ['receipt', 'technician'] as const;

/** good.json and previous.json. */
const goodSchema = v.strictObject({
  /** Of the request that brought it. */
  id,
  bundle: bundleSchema,
  why: v.picklist(CONFIRMED_BY),
  by: v.optional(text),
  at: moment,
});

/** trial.json. */
const trialSchema = v.strictObject({
  id,
  bundle: bundleSchema,
  minutes,
  by: text,
  began: moment,
  /** Parts that failed before it: they needn't work for it to be proven. */
  ailing: v.pipe(v.array(v.pipe(v.string(), v.maxLength(64))), v.maxLength(1000)),
  /** Starts since one of them settled. */
  starts: count,
  /** That it has run, over all its starts. */
  spentMs: count,
  error: v.optional(text),
});

/** outcome.json: what became of the last configuration that was applied, or that had to be left. */
const outcomeSchema = v.strictObject({
  /** Of the request that brought the configuration; of the request itself where it was refused. */
  id,
  /** Of the request that made it so. */
  request: v.optional(id),
  /** Of the configuration that it is about; '' where its file is damaged. */
  sha256: v.string(),
  what: v.picklist(['confirmed', 'reverted', 'refused', 'replaced']),
  why: v.picklist([...CONFIRMED_BY, 'expired', 'crashed', 'check', 'damaged', 'uncounted', 'replaced']),
  by: v.optional(text),
  /** What is preferred from then on; '' for the node file. */
  next: v.string(),
  evidence: v.strictObject({
    /** The last error's text. */
    error: v.optional(text),
    /** How its last process ended, in the service manager's words. */
    end: v.optional(text),
    spentMs: v.optional(count),
    minutes: v.optional(minutes),
  }),
  at: moment,
});

/** starts.json: of what is no trial. */
const startsSchema = v.strictObject({
  /** SHA-256 of the configuration that was started; a count of another says nothing. */
  of: v.string(),
  /** Starts in a row that did not settle, this one among them. */
  crashes: count,
  /** Of the last start: what another boot ended was ended by the machine. */
  bootId: v.string(),
  error: v.optional(text),
  /** Why the node file is run without its parts. */
  safe: v.optional(text),
});

/** What is taken from a node: its readings; or all that makes it this node, too. */
export const WIPES = ['store', 'all'] as const;

/** wipe.json: begun, on the disk before anything is removed; and once it is done, so that no request is done twice. */
const wipeSchema = v.strictObject({
  /** Of the request. */
  id,
  by: text,
  what: v.picklist(WIPES),
  isDone: v.boolean(),
  /** All that is in them goes. */
  folders: v.array(v.string()),
  files: v.array(v.string()),
});

const requestFields = { id, by: text };
/** request.json, as the console leaves it in the inbox. */
const requestSchema = v.variant('kind', [
  v.strictObject({ kind: v.literal('apply'), ...requestFields, minutes, bundle: bundleSchema }),
  /** `sha256`: of the trial that is meant, and of no other. */
  v.strictObject({ kind: v.literal('confirm'), ...requestFields, sha256: v.string() }),
  /** `file`: past all that was ever applied, to the node file. */
  v.strictObject({ kind: v.literal('revert'), ...requestFields, to: v.picklist(['before', 'file']) }),
  v.strictObject({ kind: v.literal('wipe'), ...requestFields, what: v.picklist(WIPES) }),
]);

export type Good = Readonly<v.InferOutput<typeof goodSchema>>;
export type Trial = Readonly<v.InferOutput<typeof trialSchema>>;
export type Outcome = Readonly<v.InferOutput<typeof outcomeSchema>>;
export type Starts = Readonly<v.InferOutput<typeof startsSchema>>;
export type Wipe = Readonly<v.InferOutput<typeof wipeSchema>>;
export type AnyRequest = Readonly<v.InferOutput<typeof requestSchema>>;
export type WipeRequest = Extract<AnyRequest, { kind: 'wipe' }>;
/** About configurations. */
export type Request = Exclude<AnyRequest, WipeRequest>;
export type Moment = Readonly<v.InferOutput<typeof moment>>;

/** Everything kept in the state folder, a file each. */
export interface Records {
  good: Good;
  previous: Good;
  trial: Trial;
  outcome: Outcome;
  starts: Starts;
  wipe: Wipe;
}
export const RECORDS: { readonly [N in keyof Records]: v.GenericSchema<unknown, Records[N]> } = {
  good: goodSchema,
  previous: goodSchema,
  trial: trialSchema,
  outcome: outcomeSchema,
  starts: startsSchema,
  wipe: wipeSchema,
};

export function parseRequest(json: string): AnyRequest {
  return parseRecord(requestSchema, json);
}

/** An error's text as evidence. */
export function evidenceOf(error: unknown): string {
  return String((error as Error)?.message ?? error).slice(0, ERROR_MAX);
}

export function sameBundle(a: Bundle | undefined, b: Bundle | undefined): boolean {
  return a?.sha256 === b?.sha256;
}
