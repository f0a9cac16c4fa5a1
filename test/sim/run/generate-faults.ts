import type { Random } from '../kernel/random.js';
import {
  BUS_FAULTS,
  CRASH_MOMENTS,
  type Fault,
  type FaultOf,
  LINK_MOMENTS,
  OUTAGE_KINDS,
  ROT_KINDS,
} from '../scenario.js';

/** Damage that is found as it is read, block by block, is likelier than what every start meets. */
const ROTS = [...ROT_KINDS, 'valueBit', 'valueBit', 'valueBit', 'tableRange', 'recordBit'] as const;

/**
 * Faults up to `untilS`. Trouble seldom comes alone: half of what befalls the node lies within an outage, where the store is all that there
 * is, or at its end, where everything is sent at once.
 */
export function faultsOf(random: Random, untilS: number, isSmall: boolean): readonly Fault[] {
  const anywhere = (): number => random.int(30, untilS - 4000);
  const outages = many(random, 2, 4, () => outage(random, anywhere(), untilS, isSmall));
  const inTrouble = (): number => {
    const { atS, forS } = random.pick(outages);
    const at = random.chance(0.3) ? atS + forS + random.int(-5, 60) : atS + random.int(0, forS);
    return Math.min(at, untilS - 4000);
  };
  const when = (): number => (random.chance(0.5) ? inTrouble() : anywhere());
  const faults: Fault[] = [
    ...outages,
    ...many(random, 3, 7, () => crash(random, when())),
    { kind: 'jump', atS: anywhere(), years: random.pick([-10, 10]), resyncAfterS: random.logInt(10, 3000) },
    ...many(random, 1, 5, () => netFault(random, when())),
    ...many(random, 0, 3, () => diskFault(random, when(), isSmall)),
    ...many(random, 0, 2, () => partFault(random, anywhere())),
  ];
  if (random.chance(0.3)) faults.push(...rotAfterCrash(random, inTrouble()));
  if (random.chance(0.15)) faults.push(...startOnBadDisk(random, inTrouble()));
  if (random.chance(0.1)) faults.push(...startWithoutDisk(random, anywhere()));
  if (random.chance(0.3)) faults.push(...crashAfterDiskFault(random, when(), isSmall));
  faults.push(...burstsOf(random, faults, isSmall), ...alarmsOf(random, faults));
  if (random.chance(0.06)) faults.push(...lostWhileRefusing(random, untilS));
  if (random.chance(0.3)) faults.push(...queueLost(random, untilS));
  if (random.chance(0.08)) faults.push(otherMachine(random, when()));
  return faults.sort((a, b) => a.atS - b.atS);
}

/** While the disk refuses, more comes than memory holds: in small stores of large rows, and where memory is little. */
function burstsOf(random: Random, faults: readonly Fault[], isSmall: boolean): readonly Fault[] {
  const refusing = faults.filter(
    ({ kind }) => kind === 'diskFull' || kind === 'diskError' || kind === 'readOnly',
  );
  return refusing
    .filter(() => random.chance(isSmall ? 0.6 : 0.15))
    .map(({ atS }) => {
      const rows = isSmall ? random.int(150, 400) : random.int(300, 1500);
      return { kind: 'burst', atS: atS + 1, stream: 'bulk', rows };
    });
}

/** While the disk refuses; while the broker does, and right after: what was refused waits, and a new alarm is none of it. */
function alarmsOf(random: Random, faults: readonly Fault[]): readonly Fault[] {
  const refusing = faults.filter((fault) => fault.kind === 'refusal' || fault.kind === 'noSubscriber');
  const alarm = { kind: 'burst', stream: 'alarm', rows: 2 } as const;
  const unkept = faults
    .filter((fault) => fault.kind === 'diskFull' || fault.kind === 'diskError' || fault.kind === 'readOnly')
    .filter(() => random.chance(0.4))
    .map(({ atS, forS }) => ({ ...alarm, atS: atS + random.int(0, forS) }));
  const refused = refusing
    .filter(() => random.chance(0.5))
    .flatMap(({ atS, forS }) => {
      return [
        { ...alarm, atS: atS + random.int(0, forS) },
        { ...alarm, atS: atS + forS + random.int(1, 60) },
      ];
    });
  return [...unkept, ...refused];
}

function many<T>(random: Random, least: number, most: number, one: () => T): T[] {
  return Array.from({ length: random.int(least, most) }, one);
}

function outage(random: Random, atS: number, untilS: number, isSmall: boolean): FaultOf<'outage'> {
  const forS = Math.min(random.logInt(isSmall ? 3000 : 20, 30_000), untilS - atS);
  const moment = random.chance(0.5) ? 'now' : random.pick(LINK_MOMENTS);
  return { kind: 'outage', atS, forS, how: random.pick(OUTAGE_KINDS), halfOpen: random.chance(0.4), moment };
}

function crash(random: Random, atS: number): FaultOf<'crash'> {
  const how = random.pick(['kill', 'kill', 'power', 'power', 'stop', 'reboot'] as const);
  return { kind: 'crash', atS, how, moment: random.pick(CRASH_MOMENTS), downS: random.logInt(1, 1800) };
}

/** Power off, and the card goes on in another machine of the kind. */
function otherMachine(random: Random, atS: number): Fault {
  const downS = random.int(60, 600);
  return { kind: 'crash', atS, how: 'power', moment: 'now', downS, otherMachine: true };
}

/** What an open has put into tables is damaged while nobody has read it. */
function rotAfterCrash(random: Random, atS: number): readonly Fault[] {
  const downS = random.int(1, 60);
  const first: Fault = { kind: 'crash', atS, how: random.pick(['kill', 'power']), moment: 'now', downS };
  return [first, { kind: 'rot', atS: atS + downS + random.int(1, 120), rot: random.pick(ROTS) }];
}

/** Right after the disk takes writes again, or while it doesn't. */
function crashAfterDiskFault(random: Random, atS: number, isSmall: boolean): readonly Fault[] {
  const first = diskFault(random, atS, isSmall);
  const forS = 'forS' in first ? first.forS : 60;
  const crashed = { ...crash(random, atS + random.int(forS >> 1, forS + 30)), downS: random.int(1, 60) };
  return [first, crashed];
}

/** What a start writes first fails, and the process ends again before anybody was told of it. */
function startOnBadDisk(random: Random, atS: number): readonly Fault[] {
  const downS = random.int(1, 20);
  const how = random.pick(['kill', 'power'] as const);
  const end = { kind: 'crash', how, moment: 'now', downS } as const;
  const on = random.pick(['append', 'sync'] as const);
  return [
    { ...end, atS },
    {
      kind: 'diskError',
      atS: atS + downS - 0.5,
      forS: random.int(5, 200),
      on,
      share: random.pick([0.3, 0.6]),
    },
    { ...end, atS: atS + downS + random.int(5, 400) },
  ];
}

/** The store doesn't open for minutes, and the link is as it is: an alarm's only way is without a number. */
function startWithoutDisk(random: Random, atS: number): readonly Fault[] {
  const [downS, forS] = [random.int(1, 20), random.int(60, 600)];
  const startS = atS + downS - 0.5;
  const refusing: Fault = random.chance(0.5)
    ? { kind: 'readOnly', atS: startS, forS }
    : { kind: 'diskError', atS: startS, forS, on: 'all', share: 1 };
  return [
    { kind: 'crash', how: random.pick(['kill', 'power']), moment: 'now', atS, downS },
    refusing,
    { kind: 'burst', atS: startS + random.int(10, 40), stream: 'alarm', rows: 1 },
  ];
}

/** Late, so that no start looks at everything: the log is damaged under the running process, which comes to see it as it opens the database anew. */
function lostWhileRefusing(random: Random, untilS: number): readonly Fault[] {
  const atS = untilS - random.int(1200, 3600);
  const rot = random.pick(['logBit', 'logTail', 'logLost'] as const);
  const [waitS, forS] = [random.int(1, 60), random.int(300, 1000)];
  return [
    { kind: 'rot', atS, rot, isLive: true },
    { kind: 'diskError', atS: atS + waitS, forS, on: 'append', share: 1 },
  ];
}

/** Late, so that no start comes behind it and sends all again: the broker forgets what it had for a receiver that is away. */
function queueLost(random: Random, untilS: number): readonly Fault[] {
  const [atS, downS] = [untilS - random.int(900, 6000), random.int(120, 600)];
  return [
    { kind: 'receiverCrash', atS, downS },
    { kind: 'brokerRestart', atS: atS + random.int(30, downS), downS: random.int(1, 60), losesQueue: true },
  ];
}

function netFault(random: Random, atS: number): Fault {
  const forS = random.logInt(20, 3000);
  const share = random.pick([0.1, 0.5, 1]);
  switch (random.int(0, 12)) {
    case 0:
      return { kind: 'silentBroker', atS, forS, takes: random.chance(0.5) };
    case 1:
      return { kind: 'lostPuback', atS, forS, share: random.float() };
    case 2:
      return { kind: 'refusal', atS, forS, code: random.pick([0x87, 0x97]), share };
    case 3:
      return { kind: 'refusal', atS, forS, code: random.pick([0x90, 0x99]), share };
    case 4:
      return { kind: 'refusal', atS, forS, code: random.pick([0x80, 0x83]), share };
    case 5:
      return { kind: 'noSubscriber', atS, forS };
    case 6:
      return { kind: 'takeOver', atS, forS, everyS: random.int(1, 60) };
    case 7:
      return { kind: 'slowLink', atS, forS, factor: random.logInt(5, 200) };
    case 8:
      return { kind: 'strayPuback', atS, forS };
    case 9:
      return { kind: 'brokerRestart', atS, downS: random.logInt(1, 600), losesQueue: random.chance(0.5) };
    case 10:
      return { kind: 'lostReceipt', atS, forS, share };
    case 11:
      return { kind: 'forgedReceipt', atS };
    default:
      return { kind: 'receiverCrash', atS, downS: random.logInt(1, 2000) };
  }
}

function diskFault(random: Random, atS: number, isSmall: boolean): Fault {
  const forS = isSmall ? random.logInt(600, 5000) : random.logInt(20, 1500);
  const share = random.pick([0.1, 0.5, 1]);
  switch (random.int(0, 4)) {
    case 0:
      return { kind: 'diskFull', atS, forS, leftBytes: random.pick([0, 100, 3000, 30_000]) };
    case 1:
      return { kind: 'diskError', atS, forS, on: random.pick(['append', 'sync', 'all']), share };
    case 2:
      return { kind: 'readOnly', atS, forS };
    case 3:
      return { kind: 'slowDisk', atS, forS, syncMs: random.logInt(200, 5000) };
    default:
      return { kind: 'rot', atS, rot: random.pick(ROTS) };
  }
}

function partFault(random: Random, atS: number): Fault {
  const stream = random.pick(['climate', 'imu', 'bulk']);
  if (random.chance(0.2)) return { kind: 'poison', atS, stream: random.pick(['alarm', stream]) };
  if (random.chance(0.3)) return { kind: 'burst', atS, stream: 'alarm', rows: random.int(2, 40) };
  return { kind: 'bus', atS, forS: random.logInt(10, 3000), stream, how: random.pick(BUS_FAULTS) };
}
