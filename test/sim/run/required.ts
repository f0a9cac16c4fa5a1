import { GAP_CAUSES } from '../../../wire/index.js';
import { BUS_FAULTS, CRASH_MOMENTS, LINK_MOMENTS, OUTAGE_KINDS, ROT_KINDS } from '../scenario.js';
import { FAULT_KINDS } from './faults.js';
import { LINE_MARKS } from './marks.js';
import { marksOf, type SeedResult } from './summary.js';

/** Of so many seeds a run must have come by every mark … */
const ENOUGH_SEEDS = 200;
/** … but by these, which take a coincidence, only when it is longer, … */
const RARE_SEEDS = 1000;
const RARE: ReadonlySet<string> = new Set([
  ...['rows of a clean stop are gone', 'audit found a hole', 'disk lost what it had taken'],
  ...['damaged block', 'not authorised', 'broker quota', 'put aside by the broker', 'dead letter'],
  ...['quarantine removed', 'stop without rows', 'no receipt comes', 'bus freed', 'bus still stuck'],
  ...['receipt of an unknown key', 'receipt with a bad signature', 'receipt malformed'],
  ...['receipt for another node', 'receipt of other bytes', 'first write refused', 'lost configuration'],
  ...['gap thinned', 'gap overflow', 'gap rot', 'gap rejected', 'budget used up'],
  ...CRASH_MOMENTS.flatMap((moment) => [`crash kill ${moment}`, `crash power ${moment}`]),
  ...BUS_FAULTS.map((how) => `bus ${how}`),
  ...ROT_KINDS.map((kind) => `rot ${kind}`),
]);
/** … and by these only in a night's. */
const SELDOM_SEEDS = 10_000;
const SELDOM: ReadonlySet<string> = new Set([
  ...['value without its table of blocks', 'audit broken off'],
  ...['compaction broken off', 'stop not clean', 'read refused by a table'],
]);
/** Not met in 10,000 either: store/online-repair shows the one; the other, LevelDB's own checks are in front of, store/rot. */
const HARDLY_SEEDS = 100_000;
const HARDLY: ReadonlySet<string> = new Set(['no repair', 'own records damaged']);

function enoughSeeds(name: string): number {
  if (HARDLY.has(name)) return HARDLY_SEEDS;
  if (SELDOM.has(name)) return SELDOM_SEEDS;
  return RARE.has(name) ? RARE_SEEDS : ENOUGH_SEEDS;
}

/** Every branch that must be taken, or the run has shown less than it says. */
export const MARKS: readonly string[] = [
  ...LINE_MARKS,
  ...GAP_CAUSES.map((cause) => `gap ${cause}`),
  ...CRASH_MOMENTS.flatMap((moment) => [`crash kill ${moment}`, `crash power ${moment}`]),
  ...['crash stop', 'crash reboot', 'duplicate dropped', 'resend', 'another machine'],
  ...FAULT_KINDS.map((kind) => `fault ${kind}`),
  ...OUTAGE_KINDS.map((how) => `outage ${how}`),
  ...LINK_MOMENTS.flatMap((moment) => [`outage ${moment}`, `outage ${moment} half-open`]),
  ...BUS_FAULTS.map((how) => `bus ${how}`),
  ...ROT_KINDS.map((kind) => `rot ${kind}`),
];

/** What each seed comes to at least. */
const LEAST = {
  hours: 24,
  readings: 5000,
  streams: 4,
  classes: 3,
  crashes: 3,
  outages: 2,
  jumps: 1,
} as const;

/** What a run should have come by and has not, by name: marks that none of its seeds hit, and seeds that came to too little. */
export function missing(results: readonly SeedResult[], asOfSeeds = results.length): readonly string[] {
  const hit = marksOf(results);
  const isMissed = (name: string): boolean => !hit.has(name) && asOfSeeds >= enoughSeeds(name);
  return [...MARKS.filter(isMissed).map((name) => `missed mark: ${name}`), ...results.flatMap(tooLittle)];
}

function tooLittle(result: SeedResult): readonly string[] {
  return Object.entries(LEAST).flatMap(([name, least]) => {
    const value = result[name as keyof typeof LEAST];
    return value < least ? [`seed ${result.seed} has ${value} ${name}, and ${least} are the least`] : [];
  });
}
