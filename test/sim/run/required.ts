import { GAP_CAUSES } from '../../../wire/index.js';
import { BUS_FAULTS, CRASH_MOMENTS, LINK_MOMENTS, OUTAGE_KINDS, ROT_KINDS } from '../scenario.js';
import { FAULT_KINDS } from './faults.js';
import { LINE_MARKS } from './marks.js';
import { marksOf, type SeedResult } from './summary.js';

/** Of so many seeds a run must have come by every mark … */
const ENOUGH_SEEDS = 200;
/** … but by these, which take a rare coincidence, only when it is longer. */
const RARE: ReadonlyMap<string, number> = new Map([]);

/** Every branch that must be taken, or the run has shown less than it says. */
export const MARKS: readonly string[] = [
  ...LINE_MARKS,
  ...GAP_CAUSES.map((cause) => `gap ${cause}`),
  ...CRASH_MOMENTS.flatMap((moment) => [`crash kill ${moment}`, `crash power ${moment}`]),
  ...['crash stop', 'crash reboot', 'duplicate dropped', 'resend'],
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
  const isMissed = (name: string): boolean => !hit.has(name) && asOfSeeds >= (RARE.get(name) ?? ENOUGH_SEEDS);
  return [...MARKS.filter(isMissed).map((name) => `missed mark: ${name}`), ...results.flatMap(tooLittle)];
}

function tooLittle(result: SeedResult): readonly string[] {
  return Object.entries(LEAST).flatMap(([name, least]) => {
    const value = result[name as keyof typeof LEAST];
    return value < least ? [`seed ${result.seed} has ${value} ${name}, and ${least} are the least`] : [];
  });
}
