import { random01 } from './world-noise.js';

/** Walking pace, m/s, and the time it takes to stop or to start. */
const PACE_MPS = 1.4;
const RAMP_S = 1;
/** After so long the rhythm of walks and stops comes again. */
const PERIOD_S = 600;
const MEAN_RADIUS_M = 150;
const POINTS = 4096;

/** Where a walker is on the site, and how it moves: metres east and north of the start, in a plane. */
export interface Step {
  readonly eastM: number;
  readonly northM: number;
  readonly upM: number;
  /** Clockwise from north, rad. */
  readonly courseRad: number;
  /** Clockwise, rad/s. */
  readonly turnRadps: number;
  readonly speedMps: number;
  readonly accelerationMps2: number;
  /** Walked since time 0. */
  readonly distanceM: number;
}

interface Leg {
  readonly startS: number;
  readonly startM: number;
  /** Speed at its start and change of speed. */
  readonly speedMps: number;
  readonly accelerationMps2: number;
}

/** Walks of one to two minutes, stops of 15 to 40 s, for a period, whose last leg is a stop. */
function makeLegs(seed: number): { legs: Leg[]; periodM: number } {
  const legs: Leg[] = [];
  let timeS = 0;
  let distanceM = 0;
  const add = (durationS: number, speedMps: number, accelerationMps2: number) => {
    legs.push({ startS: timeS, startM: distanceM, speedMps, accelerationMps2 });
    timeS += durationS;
    distanceM += speedMps * durationS + (accelerationMps2 * durationS ** 2) / 2;
  };
  for (let i = 0; timeS < PERIOD_S - 180; i++) {
    add(RAMP_S, 0, PACE_MPS / RAMP_S);
    add(60 + 60 * random01(seed, 20, i), PACE_MPS, 0);
    add(RAMP_S, PACE_MPS, -PACE_MPS / RAMP_S);
    add(15 + 25 * random01(seed, 21, i), 0, 0);
  }
  add(0, 0, 0);
  return { legs, periodM: distanceM };
}

/** The round: a closed, smooth curve about the site, as a table by distance walked. */
class Round {
  readonly lengthM: number;
  readonly #east = new Float64Array(POINTS + 1);
  readonly #north = new Float64Array(POINTS + 1);
  readonly #courseRad = new Float64Array(POINTS + 1);

  constructor(seed: number) {
    const at = (turn: number) => curve(seed, turn * 2 * Math.PI);
    const lengths = new Float64Array(POINTS + 1);
    for (let i = 1; i <= POINTS; i++) {
      const [e0, n0] = at((i - 1) / POINTS);
      const [e1, n1] = at(i / POINTS);
      lengths[i] = lengths[i - 1]! + Math.hypot(e1 - e0, n1 - n0);
    }
    this.lengthM = lengths[POINTS]!;
    this.#fill(lengths, at);
  }

  /** Resamples the curve to equal distances, then takes the course from neighbours, unwrapped. */
  #fill(lengths: Float64Array, at: (turn: number) => readonly [number, number]): void {
    let j = 0;
    for (let i = 0; i <= POINTS; i++) {
      const wanted = (i / POINTS) * this.lengthM;
      while (j < POINTS - 1 && lengths[j + 1]! < wanted) j++;
      const part = (wanted - lengths[j]!) / (lengths[j + 1]! - lengths[j]!);
      [this.#east[i], this.#north[i]] = at((j + part) / POINTS);
    }
    for (let i = 0; i <= POINTS; i++) {
      const before = (i + POINTS - 1) % POINTS;
      const after = (i + 1) % POINTS;
      const raw = Math.atan2(
        this.#east[after]! - this.#east[before]!,
        this.#north[after]! - this.#north[before]!,
      );
      const last = i === 0 ? raw : this.#courseRad[i - 1]!;
      this.#courseRad[i] = raw - 2 * Math.PI * Math.round((raw - last) / (2 * Math.PI));
    }
  }

  at(distanceM: number) {
    const place = ((distanceM % this.lengthM) / this.lengthM) * POINTS;
    const i = Math.min(POINTS - 1, Math.floor(place));
    const x = place - i;
    const between = (table: Float64Array) => table[i]! + (table[i + 1]! - table[i]!) * x;
    return {
      eastM: between(this.#east),
      northM: between(this.#north),
      courseRad: between(this.#courseRad),
      turnRadPerM: ((this.#courseRad[i + 1]! - this.#courseRad[i]!) * POINTS) / this.lengthM,
      upM: 6 * Math.sin((2 * Math.PI * place) / POINTS),
    };
  }
}

function curve(seed: number, angle: number): readonly [number, number] {
  const two = 0.25 * Math.cos(2 * angle + 6 * random01(seed, 30, 0));
  const three = 0.12 * Math.cos(3 * angle + 6 * random01(seed, 30, 1));
  const radius = MEAN_RADIUS_M * (1 + two + three);
  return [radius * Math.cos(angle), radius * Math.sin(angle)];
}

/** A walk without end on a closed round, with stops. Evaluated at any time from tables: nothing is integrated as it goes. */
export function createWalk(seed: number): (timeS: number) => Step {
  const { legs, periodM } = makeLegs(seed);
  const round = new Round(seed);
  return (timeS) => {
    const period = Math.floor(timeS / PERIOD_S);
    const inPeriodS = timeS - period * PERIOD_S;
    let i = legs.length - 1;
    while (i > 0 && legs[i]!.startS > inPeriodS) i--;
    const leg = legs[i]!;
    const t = inPeriodS - leg.startS;
    const speedMps = leg.speedMps + leg.accelerationMps2 * t;
    const inLegM = leg.speedMps * t + (leg.accelerationMps2 * t * t) / 2;
    const distanceM = period * periodM + leg.startM + inLegM;
    const { turnRadPerM, ...place } = round.at(distanceM);
    return {
      ...place,
      speedMps,
      distanceM,
      accelerationMps2: leg.accelerationMps2,
      turnRadps: turnRadPerM * speedMps,
    };
  };
}
