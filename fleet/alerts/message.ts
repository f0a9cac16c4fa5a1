import type { Condition, Rule } from './rule.js';
import type { Message } from './transport.js';
import type { Alert, Delivery, NodeFacts, RowWhen } from './types.js';

export interface MessageFacts {
  readonly alert: Alert;
  readonly rule: Rule;
  readonly node: NodeFacts | undefined;
  /** When the first and the last row were taken. */
  readonly from: RowWhen | undefined;
  readonly until: RowWhen | undefined;
  /** Those that could not be told. */
  readonly failed: readonly Pick<Delivery, 'target' | 'error'>[];
  /** Where the first one's time isn't known: it was taken before this. */
  readonly notAfterNs?: bigint | undefined;
  /** Of the web, without a slash at its end. */
  readonly baseUrl: string;
}

const PREFIXES = {
  opened: '',
  escalated: 'Nobody answered: ',
  cleared: 'Ended: ',
  flood: 'Many: ',
  undelivered: 'Not delivered: ',
} as const;
/** Later than this, people are told that it is old news. */
const LATE_MS = 5 * 60_000;

/** What a person reads at three in the morning: who, what, when, where, what to do. */
export function messageOf(
  { id, reason }: Pick<Delivery, 'id' | 'reason'>,
  facts: MessageFacts,
): Omit<Message, 'to'> {
  const { alert, rule, baseUrl } = facts;
  const who = facts.node?.name ?? alert.node;
  const title = `${PREFIXES[reason]}${rule.spec.name}: ${who}`;
  const link = `${baseUrl}/alerts/${alert.id}`;
  const lines = [
    `${rule.spec.severity.toUpperCase()}  ${title}`,
    '',
    ...leadOf(reason, facts),
    `Who:    ${who}${who === alert.node ? '' : ` (${alert.node})`}${facts.node ? `, group ${facts.node.group}` : ''}`,
    `What:   ${whatOf(alert, rule.spec.condition)}`,
    ...(alert.detail ? [`        ${alert.detail}`] : []),
    `When:   ${whenOf(facts)}`,
    `Where:  ${whereOf(facts.node)}`,
    `State:  ${stateOf(alert)}`,
    '',
    ...(rule.spec.whatToDo && reason !== 'cleared' ? [`What to do: ${rule.spec.whatToDo}`, ''] : []),
    reason === 'cleared' ? `All about it: ${link}` : `Acknowledge, so that nobody else is woken: ${link}`,
  ];
  const subject = oneLine(`[${rule.spec.severity}] ${title}`);
  // What is cut off, if anything, is the detail; a sign beyond ASCII would halve an SMS.
  const detail = alert.detail?.replaceAll('°', '').replaceAll('²', '2');
  const short = [`${rule.spec.severity.toUpperCase()} ${title}`, timeOf(facts), link, detail];
  return {
    id,
    subject,
    text: `${lines.map(oneLine).join('\n')}\n`,
    short: oneLine(short.filter(Boolean).join(' - ')),
    isUrgent: rule.spec.severity === 'critical' && reason !== 'cleared',
  };
}

function leadOf(
  reason: Delivery['reason'],
  { alert, rule, from, notAfterNs, failed }: MessageFacts,
): readonly string[] {
  if (reason === 'undelivered')
    return [...failed.map(({ target, error = '' }) => `${target} could not be told: ${error}`), ''];
  if (reason === 'flood')
    return [
      `There were more such alerts within an hour than ${rule.spec.tellAtMostPerHour} of one node, or than can be told of all. Further ones`,
      'are kept and listed; those that are still open are told in a later hour.',
      '',
    ];
  const latestNs = from?.wallNs ?? notAfterNs;
  const lateMs = latestNs === undefined ? 0 : alert.openedMs - Number(latestNs / 1_000_000n);
  return lateMs > LATE_MS && reason === 'opened'
    ? [`This is old: it arrived ${from ? '' : 'at least '}${agoOf(lateMs)} after it happened.`, '']
    : [];
}

/** `temperature above 8: 8.4 at first, 9.1 at worst`. */
export function whatOf(alert: Alert, condition: Condition): string {
  const { value, peak, stream } = alert;
  const rule = conditionText(condition);
  const of = stream ? `${stream}: ` : '';
  if (value === undefined || condition.kind === 'sos') return `${of}${rule}`;
  const unit = condition.kind === 'geofence' ? ' m from the fence' : '';
  return `${of}${rule}; ${shown(value)}${unit} at first, ${shown(peak ?? value)}${unit} at worst`;
}

/** A condition in words. */
export function conditionText(condition: Condition): string {
  switch (condition.kind) {
    case 'threshold':
    case 'rate': {
      const { above, below, channel, forS, kind } = condition;
      const limit = above === undefined ? `below ${below}` : `above ${above}`;
      return `${channel}${kind === 'rate' ? ' changes by' : ''} ${limit}${kind === 'rate' ? ' a second' : ''}${forS > 0 ? ` for ${agoOf(forS * 1_000)}` : ''}`;
    }
    case 'geofence':
      return `${condition.when} of the fence`;
    case 'shock':
      return `shock above ${condition.above}`;
    case 'sos':
      return condition.labels ? `${condition.channel} says ${condition.labels.join(' or ')}` : 'an alarm';
    case 'silence':
      return `no word for ${agoOf(condition.afterS * 1_000)}`;
    case 'noMotion':
      return `no motion for ${agoOf(condition.afterS * 1_000)}`;
    case 'batteryForecast':
      return `${condition.channel} will be at ${condition.empty} within ${condition.hoursLeft} h`;
  }
}

function whenOf(facts: MessageFacts): string {
  const { alert, from, until, notAfterNs } = facts;
  if (alert.timed) return `since ${utc(alert.sinceMs ?? alert.openedMs)}`;
  const before =
    notAfterNs === undefined
      ? ''
      : `, but before ${utc(Number(notAfterNs / 1_000_000n))}, when it started anew`;
  if (!from) return `not known yet (the node had no clock)${before}; it arrived at ${utc(alert.openedMs)}`;
  const isLong = until && until.wallNs > from.wallNs && alert.state === 'closed';
  return `${rowTime(from)}${isLong ? ` to ${rowTime(until)}` : ''}; arrived at ${utc(alert.openedMs)}`;
}

/** `2026-11-23 02:10:05 UTC ± 0.2 s`. */
export function rowTime({ wallNs, uncertaintyMs }: RowWhen): string {
  const plusMinus =
    uncertaintyMs === undefined ? '' : ` ± ${uncertaintyMs < 100 ? '0.1 s' : agoOf(uncertaintyMs)}`;
  return `${utc(Number(wallNs / 1_000_000n))}${plusMinus}`;
}

function timeOf({ alert, from }: MessageFacts): string {
  return utc(from ? Number(from.wallNs / 1_000_000n) : alert.openedMs);
}

export function utc(ms: number): string {
  const date = new Date(ms);
  if (Number.isNaN(date.getTime())) return `${ms} ms after 1970`;
  return `${date.toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

function whereOf(node: NodeFacts | undefined): string {
  if (!node?.position) return 'not known';
  const { latitude, longitude, wallNs } = node.position;
  const of = wallNs === undefined ? '' : `, of ${utc(Number(wallNs / 1_000_000n))}`;
  return `${latitude.toFixed(5)}, ${longitude.toFixed(5)} (its latest${of})  ${mapUrl(node.position)}`;
}

/** Where a browser shows it. */
export function mapUrl(at: { readonly latitude: number; readonly longitude: number }): string {
  const [latitude, longitude] = [at.latitude.toFixed(5), at.longitude.toFixed(5)];
  return `https://www.openstreetmap.org/?mlat=${latitude}&mlon=${longitude}#map=15/${latitude}/${longitude}`;
}

/** In words, with who acknowledged. */
export function stateOf({ state, acknowledged, closedWhy }: Alert): string {
  const why = closedWhy === 'rule' ? ' (its rule was changed)' : '';
  const words = {
    open: 'open',
    closed: `ended${why}`,
    joined: 'part of another alert',
    withdrawn: 'withdrawn',
  }[state];
  return acknowledged ? `${words}, acknowledged by ${acknowledged.by} at ${utc(acknowledged.ms)}` : words;
}

/** `45 s`, `12 min`, `3.5 h`, `2 days`. */
export function agoOf(ms: number): string {
  const seconds = ms / 1_000;
  if (seconds < 120) return `${Number(seconds.toFixed(1))} s`;
  if (seconds < 7_200) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172_800) return `${Number((seconds / 3_600).toFixed(1))} h`;
  return `${Math.round(seconds / 86_400)} days`;
}

function shown(value: number): string {
  return String(Number(value.toPrecision(6)));
}

/** Names come from nodes: none may begin a line of its own, or a header. */
function oneLine(text: string): string {
  return text.replaceAll(/[\p{Cc}\u2028\u2029]+/gu, ' ').slice(0, 1_500);
}
