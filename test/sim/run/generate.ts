import { Random } from '../kernel/random.js';
import type {
  CrashMoment,
  Fault,
  OutageKind,
  RotKind,
  Scenario,
  StorePlan,
  StreamPlan,
  UplinkPlan,
} from '../scenario.js';

const MIB = 1024 * 1024;
const MOMENTS: readonly CrashMoment[] = ['now', 'append', 'sync', 'synced', 'reserve', 'open', 'files'];
const OUTAGES: readonly OutageKind[] = ['dns', 'refused', 'timeout', 'captivePortal', 'tlsName', 'auth'];
const ROTS: readonly RotKind[] = [
  'valueBit',
  'tableRange',
  'logBit',
  'logLost',
  'logTail',
  'currentMissing',
  'manifestMissing',
  'manifestEmpty',
  'reserveSlot',
  'reserveLost',
];

/** A seed's scenario: at least a day, 5,000 readings, 4 streams in 3 classes, 3 crashes, 2 outages and a jump; the rest by chance. */
export function generate(seed: number): Scenario {
  const random = new Random(seed, 'scenario');
  const hours = 24 + random.int(0, 4);
  const isSmall = random.chance(0.15);
  return {
    format: 1,
    seed,
    hours,
    store: storeOf(random, isSmall),
    uplink: uplinkOf(random),
    clock: {
      ppm: random.int(-100, 100),
      startsIn1970: random.chance(0.5),
      ...(random.chance(0.9) ? { syncAfterS: random.logInt(5, 20_000) } : {}),
      maxErrorMs: random.logInt(1, 500),
    },
    streams: streamsOf(random, isSmall),
    faults: faultsOf(random, hours * 3600 - 900),
  };
}

function storeOf(random: Random, isSmall: boolean): StorePlan {
  return {
    sizeBytes: isSmall ? MIB : random.pick([16, 64, 256]) * MIB,
    spareBytes: random.pick([0, 1, 16]) * MIB + 256 * 1024,
    commitIntervalMs: random.logInt(1000, 600_000),
    reserveAheadMs: random.logInt(10_000, 600_000),
    memoryBytes: random.logInt(64 * 1024, MIB),
    quotaPercent: { alarm: 10, event: 10, telemetry: 40, bulk: 20, log: 10 },
    syncMs: random.logInt(1, 40),
  };
}

function uplinkOf(random: Random): UplinkPlan {
  const oldBroker = random.chance(0.15);
  const backoffMinMs = random.logInt(500, 5000);
  return {
    protocol: random.pick(['auto', 'auto', oldBroker ? '3.1.1' : '5'] as const),
    oldBroker,
    window: random.logInt(1, 200),
    receiveMaximum: random.pick([65_535, 100, 10, 1]),
    pubackDeadlineMs: random.logInt(5000, 60_000),
    backoffMinMs,
    backoffMaxMs: backoffMinMs * random.int(4, 60),
    latencyMs: random.logInt(2, 800),
    bytesPerS: random.logInt(2000, 10_000_000),
  };
}

function streamsOf(random: Random, isSmall: boolean): readonly StreamPlan[] {
  const some: StreamPlan[] = [
    { id: 'alarm', class: 'alarm', shape: 'door', perDay: random.int(5, 40), burst: 2 },
    {
      id: 'climate',
      class: 'telemetry',
      shape: 'climate',
      intervalMs: random.int(400, 900) * 1000,
      burst: 1,
      live: true,
    },
    { id: 'imu', class: 'telemetry', shape: 'fifo', intervalMs: random.int(500, 800) * 1000, burst: 64 },
    {
      id: 'bulk',
      class: 'bulk',
      shape: isSmall ? 'blob' : 'fifo',
      intervalMs: random.int(600, 1200) * 1000,
      burst: isSmall ? 8 : 120,
    },
  ];
  if (random.chance(0.5))
    some.push({ id: 'door', class: 'event', shape: 'door', perDay: random.int(5, 60), burst: 3 });
  return some.map((plan) =>
    random.chance(0.15) ? { ...plan, reshapedAtS: random.int(3600, 80_000) } : plan,
  );
}

function faultsOf(random: Random, untilS: number): readonly Fault[] {
  const at = (): number => random.int(30, untilS - 4000);
  const faults: Fault[] = [];
  for (let n = 3 + random.int(0, 3); n > 0; n -= 1) faults.push(crash(random, at()));
  for (let n = 2 + random.int(0, 2); n > 0; n -= 1) {
    const atS = at();
    const forS = Math.min(random.logInt(20, 30_000), untilS - atS);
    faults.push({ kind: 'outage', atS, forS, how: random.pick(OUTAGES), halfOpen: random.chance(0.4) });
  }
  faults.push({
    kind: 'jump',
    atS: at(),
    years: random.pick([-10, 10]),
    resyncAfterS: random.logInt(10, 3000),
  });
  for (let n = random.int(0, 3); n > 0; n -= 1) faults.push(netFault(random, at()));
  for (let n = random.int(0, 2); n > 0; n -= 1) faults.push(diskFault(random, at()));
  for (let n = random.int(0, 2); n > 0; n -= 1) faults.push(partFault(random, at()));
  return faults.sort((a, b) => a.atS - b.atS);
}

function crash(random: Random, atS: number): Fault {
  const how = random.pick(['kill', 'kill', 'power', 'power', 'stop', 'reboot'] as const);
  return { kind: 'crash', atS, how, moment: random.pick(MOMENTS), downS: random.logInt(1, 1800) };
}

function netFault(random: Random, atS: number): Fault {
  const forS = random.logInt(20, 3000);
  switch (random.int(0, 9)) {
    case 0:
      return { kind: 'silentBroker', atS, forS, takes: random.chance(0.5) };
    case 1:
      return { kind: 'lostPuback', atS, forS, share: random.float() };
    case 2:
    case 3:
      return {
        kind: 'refusal',
        atS,
        forS,
        code: random.pick([0x87, 0x97, 0x90, 0x99, 0x80, 0x83]),
        share: random.pick([0.1, 0.5, 1]),
      };
    case 4:
      return { kind: 'noSubscriber', atS, forS };
    case 5:
      return { kind: 'takeOver', atS, forS, everyS: random.int(1, 60) };
    case 6:
      return { kind: 'slowLink', atS, forS, factor: random.logInt(5, 200) };
    case 7:
      return { kind: 'strayPuback', atS, forS };
    case 8:
      return { kind: 'brokerRestart', atS, downS: random.logInt(1, 600) };
    default:
      return { kind: 'receiverCrash', atS, downS: random.logInt(1, 2000) };
  }
}

function diskFault(random: Random, atS: number): Fault {
  const forS = random.logInt(20, 3000);
  switch (random.int(0, 4)) {
    case 0:
      return { kind: 'diskFull', atS, forS, leftBytes: random.pick([0, 100, 3000, 30_000]) };
    case 1:
      return {
        kind: 'diskError',
        atS,
        forS,
        on: random.pick(['append', 'sync', 'all']),
        share: random.pick([0.1, 0.5, 1]),
      };
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
  if (random.chance(0.3)) return { kind: 'burst', atS, stream: 'alarm', rows: random.int(2, 40) };
  return {
    kind: 'bus',
    atS,
    forS: random.logInt(10, 3000),
    stream,
    how: random.pick(['nack', 'timeout', 'hang', 'stuck', 'brownOut']),
  };
}
