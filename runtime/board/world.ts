import type { World } from '../../drivers/contract/index.js';
import { bodyAt } from './world-body.js';
import { random01, smoothNoise } from './world-noise.js';
import { createWalk, type Step } from './world-walk.js';
import { weatherAt } from './world-weather.js';

/** Where the walk's round has its middle. */
const START = { latitudeDeg: 67.855, longitudeDeg: 20.225, altitudeM: 530 };
/** Mean radius of the earth, m (IUGG); good to 0.3 % over a few hundred metres. */
const EARTH_RADIUS_M = 6_371_008.8;
const TAGS = 8;
const TAG_REACH_M = 40;
const PRESS_WINDOW_S = 240;
/** One cell of lithium: it lasts 10 h, then is changed. */
const BATTERY_S = 10 * 3600;
const BATTERY_OHM = 0.12;

/**
 * A world from one seed: the same time gives the same world, in whatever order and in whichever process it is asked. `startUtcNs` is its
 * wall clock at boot time 0.
 */
export function createWorld(seed: number, startUtcNs: bigint): (timeNs: bigint) => World {
  const walk = createWalk(seed);
  const tags = placeTags(seed, walk);
  const at = (timeNs: bigint): World => {
    const timeS = Number(timeNs / 1_000_000_000n) + Number(timeNs % 1_000_000_000n) / 1e9;
    const utcNs = startUtcNs + timeNs;
    const step = walk(timeS);
    const altitudeM = START.altitudeM + step.upM;
    return {
      timeNs,
      at,
      utcNs,
      ...weatherAt(seed, Number(utcNs / 1_000_000n) / 1e3, altitudeM),
      ...bodyAt(step),
      ...placeOnEarth(step),
      altitudeM,
      speedMps: step.speedMps,
      courseDeg: degrees360(step.courseRad),
      ...battery(seed, timeS),
      tags: tagsInReach(tags, step),
      contactActive: isPressed(seed, timeS),
    };
  };
  return at;
}

function placeOnEarth(step: Step): { latitudeDeg: number; longitudeDeg: number } {
  const degreesPerM = 180 / (Math.PI * EARTH_RADIUS_M);
  const shrink = Math.cos((START.latitudeDeg * Math.PI) / 180);
  return {
    latitudeDeg: START.latitudeDeg + step.northM * degreesPerM,
    longitudeDeg: START.longitudeDeg + (step.eastM * degreesPerM) / shrink,
  };
}

function degrees360(rad: number): number {
  const degrees = ((rad * 180) / Math.PI) % 360;
  return degrees < 0 ? degrees + 360 : degrees;
}

/** Its voltage falls with its charge and, at once, with the load: a quiet node, and a radio now and then. */
function battery(seed: number, timeS: number): { busVoltageV: number; currentA: number } {
  const sending = random01(seed, 40, Math.floor(timeS / 2)) < 0.1;
  const currentA = 0.18 + 0.01 * smoothNoise(seed, 41, timeS, 5) + (sending ? 0.35 : 0);
  const charge = 1 - (timeS % BATTERY_S) / BATTERY_S;
  const restingV = 3.45 + 0.55 * charge + 0.2 * charge ** 8 - 0.45 * (1 - charge) ** 8;
  return { busVoltageV: restingV - currentA * BATTERY_OHM, currentA };
}

interface Tag {
  readonly id: string;
  readonly eastM: number;
  readonly northM: number;
}

/** Goods with tags, a few metres beside the round. */
function placeTags(seed: number, walk: (timeS: number) => Step): readonly Tag[] {
  return Array.from({ length: TAGS }, (_, i) => {
    const step = walk(random01(seed, 50, i) * 600);
    const serial = Math.floor(random01(seed, 51, i) * 2 ** 32);
    return {
      id: `E28011606000${serial.toString(16).toUpperCase().padStart(12, '0')}`,
      eastM: step.eastM + 10 * (random01(seed, 52, i) - 0.5),
      northM: step.northM + 10 * (random01(seed, 53, i) - 0.5),
    };
  });
}

/** The nearer, the stronger: 20 dB a decade, as in free space. */
function tagsInReach(tags: readonly Tag[], step: Step): World['tags'] {
  const reached: { id: string; rssiDbm: number }[] = [];
  for (const tag of tags) {
    const distanceM = Math.hypot(tag.eastM - step.eastM, tag.northM - step.northM);
    if (distanceM > TAG_REACH_M) continue;
    reached.push({ id: tag.id, rssiDbm: Math.round(-45 - 20 * Math.log10(Math.max(1, distanceM))) });
  }
  return reached;
}

/** Once a window, somewhere in it, for one to four seconds. */
function isPressed(seed: number, timeS: number): boolean {
  const window = Math.floor(timeS / PRESS_WINDOW_S);
  const startS = window * PRESS_WINDOW_S + random01(seed, 60, window) * (PRESS_WINDOW_S - 10);
  const lengthS = 1 + 3 * random01(seed, 61, window);
  return timeS >= startS && timeS < startS + lengthS;
}
