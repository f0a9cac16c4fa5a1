import * as v from 'valibot';
import { issueText } from '../words.js';

const name = (most: number) => v.pipe(v.string(), v.trim(), v.minLength(1), v.maxLength(most));
const seconds = v.pipe(v.number(), v.minValue(0), v.maxValue(366 * 86_400));
const rows = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(1_000_000));
const channel = v.pipe(v.string(), v.regex(/^[a-z][A-Za-z0-9]{0,31}$/, 'a channel: temperature, accelX'));
const finite = v.pipe(v.number(), v.finite());
const latitude = v.pipe(v.number(), v.minValue(-90), v.maxValue(90));
const longitude = v.pipe(v.number(), v.minValue(-180), v.maxValue(180));

/** How long it must hold before it is an alert. */
const holds = { forS: v.optional(seconds, 0), forRows: v.optional(rows, 1) };
/** Exactly one of the two, in the channel's unit; `hysteresis` is how far it must come back. */
const limits = {
  above: v.optional(finite),
  below: v.optional(finite),
  hysteresis: v.optional(v.pipe(finite, v.minValue(0)), 0),
};
const CONDITION = v.variant('kind', [
  /** A rate is the change a second between rows that follow each other: `above` 0.5 rises faster, `below` -0.5 falls faster. */
  v.pipe(
    v.strictObject({ kind: v.picklist(['threshold', 'rate']), channel, ...limits, ...holds }),
    v.check(
      ({ above, below }) => (above === undefined) !== (below === undefined),
      'give either `above` or `below`',
    ),
  ),
  v.strictObject({
    kind: v.literal('geofence'),
    when: v.picklist(['inside', 'outside']),
    fence: v.union(
      [
        v.strictObject({
          latitude,
          longitude,
          radiusM: v.pipe(v.number(), v.minValue(1), v.maxValue(2_000_000)),
        }),
        v.strictObject({
          polygon: v.pipe(v.array(v.strictTuple([latitude, longitude])), v.minLength(3), v.maxLength(256)),
        }),
      ],
      'either latitude, longitude and radiusM, or polygon: a list of [latitude, longitude]',
    ),
    hysteresisM: v.optional(v.pipe(v.number(), v.minValue(0), v.maxValue(100_000)), 0),
    ...holds,
  }),
  /** The length of the vector of these channels; shocks within `quietS` of each other are one. */
  v.strictObject({
    kind: v.literal('shock'),
    channels: v.pipe(v.array(channel), v.minLength(1), v.maxLength(3)),
    above: finite,
    quietS: v.optional(seconds, 60),
  }),
  /** Any row of the streams in scope, or those whose channel has one of these labels; rows within `quietS` of each other are one. */
  v.strictObject({
    kind: v.literal('sos'),
    channel: v.optional(channel),
    labels: v.optional(v.pipe(v.array(name(64)), v.maxLength(32))),
    quietS: v.optional(seconds, 0),
  }),
  v.strictObject({ kind: v.literal('silence'), afterS: v.pipe(seconds, v.minValue(1)) }),
  /** No row with the channel over `above` for so long, by the rows' own times: a silent node is not a resting one. */
  v.strictObject({
    kind: v.literal('noMotion'),
    channel,
    above: finite,
    afterS: v.pipe(seconds, v.minValue(1)),
  }),
  /** `empty` is reached within so many hours, by a straight line through the last day. */
  v.strictObject({
    kind: v.literal('batteryForecast'),
    channel,
    empty: finite,
    hoursLeft: v.pipe(v.number(), v.minValue(1), v.maxValue(24 * 365)),
  }),
]);

/** `mail:ops@example.org`, `sms:+41790000000`. */
const target = v.pipe(
  v.string(),
  v.regex(
    /^(mail:[^\s@<>,;:"]{1,64}@[A-Za-z0-9.-]{1,190}|sms:\+?[0-9]{3,20})$/,
    'mail:name@example.org or sms:+41790000000',
  ),
);
const targets = v.pipe(v.array(target), v.maxLength(32));

export const RULE = v.strictObject({
  name: name(80),
  severity: v.picklist(['info', 'warning', 'critical']),
  /** What is left out holds for all. */
  scope: v.optional(
    v.strictObject({
      group: v.optional(v.picklist(['dev', 'stage', 'prod'])),
      nodes: v.optional(v.pipe(v.array(name(128)), v.minLength(1), v.maxLength(400))),
      /** `climate`, or `motion*`. */
      stream: v.optional(v.pipe(v.string(), v.regex(/^[a-z0-9.-]{1,49}\*?$/, 'climate, or motion*'))),
      class: v.optional(v.picklist(['alarm', 'event', 'telemetry', 'bulk', 'log'])),
    }),
    {},
  ),
  condition: CONDITION,
  /** At once; left out: whom the configuration names. */
  tell: v.optional(targets),
  /** So long after it was opened, unless somebody acknowledged. */
  escalate: v.optional(
    v.pipe(
      v.array(
        v.strictObject({ afterMin: v.pipe(v.number(), v.minValue(1), v.maxValue(7 * 1_440)), tell: targets }),
      ),
      v.maxLength(5),
      v.check(
        (steps) => steps.every((step, i) => i === 0 || step.afterMin > steps[i - 1]!.afterMin),
        'each step comes after the one before: afterMin must grow',
      ),
    ),
    [],
  ),
  /** Of one node; further ones are kept and shown, and told in a later hour if they are still open. */
  tellAtMostPerHour: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(1_000)), 60),
  /** For whoever is woken by it. */
  whatToDo: v.optional(v.pipe(v.string(), v.maxLength(1_000))),
});

export type RuleSpec = v.InferOutput<typeof RULE>;
export type Condition = RuleSpec['condition'];
export type Severity = RuleSpec['severity'];

/** A rule as it is in force; changing it retires it and makes another. */
export interface Rule {
  readonly id: bigint;
  readonly spec: RuleSpec;
}

export const DEFAULT_RULES: readonly v.InferInput<typeof RULE>[] = [
  {
    name: 'Alarm',
    severity: 'critical',
    scope: { class: 'alarm' },
    condition: { kind: 'sos' },
    whatToDo: 'Somebody or something at the node gave an alarm. Find out what happened there.',
  },
  {
    name: 'Silent for a day',
    severity: 'warning',
    scope: { group: 'prod' },
    condition: { kind: 'silence', afterS: 86_400 },
    whatToDo: 'Its power or its link is gone. Readings are kept on the node and come later.',
  },
];

export class RuleError extends Error {
  override readonly name = 'RuleError';
}

/** Throws RuleError, with each fault and where it is. */
export function parseRule(json: unknown): RuleSpec {
  const result = v.safeParse(RULE, json, { abortPipeEarly: true });
  if (result.success) return result.output;
  const faults = result.issues
    .slice(0, 8)
    .map((issue) => `${v.getDotPath(issue) ?? 'rule'}: ${issueText(issue)}`);
  throw new RuleError(faults.join('; '));
}

/** Whether a stream of a node is in the rule's scope. */
export function inScope(
  { scope }: RuleSpec,
  of: { readonly node: string; readonly group: string; readonly stream?: string; readonly logClass?: string },
): boolean {
  if (scope.group && scope.group !== of.group) return false;
  if (scope.nodes && !scope.nodes.includes(of.node)) return false;
  if (scope.class && of.logClass !== undefined && scope.class !== of.logClass) return false;
  return !scope.stream || of.stream === undefined || matches(scope.stream, of.stream);
}

function matches(pattern: string, stream: string): boolean {
  return pattern.endsWith('*') ? stream.startsWith(pattern.slice(0, -1)) : stream === pattern;
}

/** Of whole nodes the store knows itself when they were heard; forecasts look at its history. */
export function isJudgedByRow(spec: RuleSpec): boolean {
  const { kind } = spec.condition;
  return kind !== 'batteryForecast' && (kind !== 'silence' || isOfStreams(spec));
}

/** It has no end of its own: somebody has to say that it was seen. */
export function isHappening({ condition }: Pick<RuleSpec, 'condition'>): boolean {
  return condition.kind === 'sos' || condition.kind === 'shock';
}

export function isOfStreams({ scope }: RuleSpec): boolean {
  return scope.stream !== undefined || scope.class !== undefined;
}
