import { Random } from '../kernel/random.js';
import type { BudgetPlan, Scenario, StorePlan, StreamPlan, UplinkPlan } from '../scenario.js';
import { faultsOf } from './generate-faults.js';

const MIB = 1024 * 1024;
const DAY_S = 86_400;
const YEAR_MS = 365 * DAY_S * 1000;
const HOURS = 24;
const LEAST_READINGS = 5000;
/** Of the two streams that bring most, on a day without trouble. What trouble costs more than that comes after the day, before the calm. */
const READINGS_A_DAY = 4850;

/** A seed's scenario: at least a day, 5,000 readings, 4 streams in 3 classes, 3 ends, 2 outages and a jump; the rest by chance. */
export function generate(seed: number): Scenario {
  const random = new Random(seed, 'scenario');
  const isSmall = random.chance(0.13);
  const streams = streamsOf(random, isSmall);
  return {
    format: 1,
    seed,
    hours: HOURS,
    readings: LEAST_READINGS,
    store: storeOf(random, isSmall),
    uplink: uplinkOf(random, isSmall),
    clock: {
      ppm: random.int(-100, 100),
      startsIn1970: random.chance(0.5),
      ...(random.chance(0.9) ? { syncAfterS: random.logInt(5, 20_000) } : {}),
      maxErrorMs: random.logInt(1, 500),
    },
    streams,
    faults: faultsOf(random, HOURS * 3600 - 900, isSmall),
  };
}

/** A small store is filled by an outage, and little memory by a disk that refuses for an hour. */
function storeOf(random: Random, isSmall: boolean): StorePlan {
  return {
    sizeBytes: isSmall ? MIB : random.pick([16, 64, 256]) * MIB,
    spareBytes: random.pick([0, 1, 16]) * MIB + 256 * 1024,
    ...commitOf(random),
    reserveAheadMs: random.logInt(10_000, 600_000),
    memoryBytes: isSmall ? random.logInt(384 * 1024, 640 * 1024) : random.logInt(10 * 1024, MIB),
    quotaPercent: { alarm: 10, event: 10, telemetry: 40, bulk: 20, log: 10 },
    syncMs: random.logInt(1, 40),
  };
}

/** A card that is worn, or shall last, makes `auto` slow. */
function commitOf(random: Random): Pick<StorePlan, 'commitIntervalMs' | 'flash'> {
  const commitIntervalMs = random.logInt(1000, 600_000);
  if (random.chance(0.8)) return { commitIntervalMs };
  return { commitIntervalMs: 'auto', flash: { sizeBytes: random.logInt(1e6, 16e9), lifeMs: 5 * YEAR_MS } };
}

function uplinkOf(random: Random, isSmall: boolean): UplinkPlan {
  const oldBroker = random.chance(0.15);
  const backoffMinMs = random.logInt(500, 5000);
  return {
    protocol: random.pick(['auto', 'auto', oldBroker ? '3.1.1' : '5'] as const),
    oldBroker,
    window: random.logInt(1, 200),
    receiveMaximum: random.pick([65_535, 100, 10, 1]),
    pubackDeadlineMs: random.logInt(5000, 60_000),
    backoffMinMs,
    backoffMaxMs: random.logInt(120_000, 900_000),
    latencyMs: random.logInt(2, 800),
    bytesPerS: random.logInt(2000, 10_000_000),
    ...(random.chance(0.35) ? custodyOf(random) : {}),
    ...(random.chance(0.25) ? { backlog: 'newest' } : {}),
    ...(random.chance(0.1) ? { senml: true } : {}),
    ...(random.chance(0.1) ? { maximumPacketBytes: random.logInt(1200, 20_000) } : {}),
    ...(random.chance(isSmall ? 0.5 : 0.1) ? { budget: budgetOf(random) } : {}),
  };
}

function budgetOf(random: Random): BudgetPlan {
  const thin = random.pick([['bulk'], ['bulk', 'log'], ['telemetry', 'bulk', 'log'], []] as const);
  return { bytesPerDay: random.logInt(30_000, 3_000_000), thin };
}

/** A receiver signs for many blocks at once: to sign, and to check it, costs more than all else of a small block's way. */
function custodyOf(random: Random): Pick<UplinkPlan, 'custody' | 'receiptDeadlineMs' | 'receiptBatchMs'> {
  const receiptDeadlineMs = random.logInt(120_000, 1_800_000);
  const receiptBatchMs = random.chance(0.2)
    ? random.logInt(500, 20_000)
    : Math.round(receiptDeadlineMs * (0.3 + 0.4 * random.float()));
  return { custody: 'fleet', receiptDeadlineMs, receiptBatchMs };
}

function streamsOf(random: Random, isSmall: boolean): readonly StreamPlan[] {
  const some: StreamPlan[] = [
    { id: 'alarm', class: 'alarm', shape: 'door', perDay: random.int(4, 24), burst: 2 },
    {
      id: 'climate',
      class: 'telemetry',
      shape: 'climate',
      intervalMs: random.int(1000, 2400) * 1000,
      burst: 1,
      live: true,
    },
    ...bulkOf(random, isSmall),
  ];
  if (random.chance(0.5))
    some.push({ id: 'door', class: 'event', shape: 'door', perDay: random.int(3, 30), burst: 3 });
  return some.map((plan) =>
    random.chance(0.15) ? { ...plan, reshapedAtS: random.int(3600, 80_000) } : plan,
  );
}

/** The streams that bring most of the readings. */
function bulkOf(random: Random, isSmall: boolean): readonly StreamPlan[] {
  const share = 0.35 + 0.3 * random.float();
  const every = (lowS: number, highS: number, readings: number): { intervalMs: number; burst: number } => {
    const seconds = random.int(lowS, highS);
    return { intervalMs: seconds * 1000, burst: Math.ceil((2 * readings * seconds) / DAY_S) - 1 };
  };
  return [
    { id: 'imu', class: 'telemetry', shape: 'fifo', ...every(1100, 2400, share * READINGS_A_DAY) },
    {
      ...{ id: 'bulk', class: 'bulk', shape: isSmall ? 'blob' : 'fifo' },
      ...every(1200, 2400, (1 - share) * READINGS_A_DAY),
    },
  ];
}
