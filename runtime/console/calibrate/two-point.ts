import { QUANTITY_UNITS } from '../../../drivers/contract/index.js';
import {
  CalibrationError,
  fitLine,
  isSteady,
  POINTS_MAX,
  POINTS_MIN,
  type Point,
  type Solution,
  stillOf,
  trendOf,
} from '../../calibration/index.js';
import { CommandError, EXIT, type Invocation } from '../command.js';
import { askPerson, collect, type Target, unchanged } from './readings.js';

/** Readings that are looked at together, and how far apart they are at least: what settles over minutes looks steady within two seconds. */
const WINDOW = 10;
const EVERY_MS = 1000;
const APART_S = 0.9;
/** A bath takes minutes; an hour is a mistake. */
const SETTLE_MAX_S = 3600;

/** What people write instead of the registry's unit, and how many of it that is. */
const UNITS: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  Cel: { C: 1, '°C': 1 },
  Pa: { hPa: 100, mbar: 100, kPa: 1000 },
  V: { mV: 1e-3 },
  A: { mA: 1e-3 },
  '%RH': { '%': 1 },
};

/** Asks for each reference in turn, waits until the reading has settled, and asks what it truly is. */
export async function guideTwoPoint(call: Invocation, target: Target): Promise<Solution> {
  const count = pointsOf(call);
  const channel = target.stream.channels.find(({ name }) => name === target.channels[0])!;
  const unit = QUANTITY_UNITS[channel.quantity];
  const resolution = resolutionOf(channel);
  const points: Point[] = [];
  while (points.length < count) {
    const what = points.length === 0 ? 'a reference that you know (ice water, say)' : 'another, far from it';
    call.terminal.err(`Point ${points.length + 1} of ${count}: put ${target.part.id} into ${what}.`);
    await askPerson(call, 'Enter when it is there: ');
    const still = await settled(call, target, unit, resolution);
    const reference = await askReference(call, unit);
    if (reference !== undefined) points.push({ ...still, reference });
  }
  try {
    const solution = fitLine(points, resolution);
    sayPoints(call, points, solution, unit);
    return solution;
  } catch (error) {
    if (error instanceof CalibrationError) throw unchanged(error.message);
    throw error;
  }
}

function pointsOf({ options }: Invocation): number {
  const points = Number(options.points ?? POINTS_MIN);
  if (Number.isInteger(points) && points >= POINTS_MIN && points <= POINTS_MAX) return points;
  throw new CommandError(EXIT.usage, `--points: ${POINTS_MIN} to ${POINTS_MAX}`);
}

function resolutionOf({ resolution, type }: Target['stream']['channels'][number]): number {
  return resolution ?? (type.kind === 'decimal' ? 10 ** -type.scale : 0);
}

async function settled(call: Invocation, target: Target, unit: string, resolution: number) {
  const values: number[] = [];
  let [firstS, lastS] = [Number.NaN, Number.NaN];
  const isDone = () => values.length >= WINDOW && isSteady(values, resolution);
  await collect(
    call,
    target,
    EVERY_MS,
    ({ seconds, values: [value] }) => {
      if (Number.isNaN(firstS)) firstS = seconds;
      if (seconds - lastS < APART_S) return false;
      lastS = seconds;
      values.push(value!);
      if (values.length > WINDOW) values.shift();
      return isDone() || lastS - firstS > SETTLE_MAX_S;
    },
    () => {
      const { change, spread } = trendOf(values);
      const state = isDone() ? 'steady' : values.length < WINDOW ? `${values.length}/${WINDOW}` : 'settling';
      return `  ${short(values.at(-1)!)} ${unit}  spread ${rough(spread)}  change ${rough(change)}  ${state}`;
    },
  );
  if (!isDone()) throw unchanged(`it has not settled within ${SETTLE_MAX_S / 60} min`);
  const { mean, spread } = stillOf(values.map((value) => [value]));
  return { raw: mean[0]!, spread: spread[0]! };
}

/** Undefined: this point is to be looked at again. */
async function askReference(call: Invocation, unit: string): Promise<number | undefined> {
  for (;;) {
    const line = await askPerson(call, `What is it truly, in ${unit}? (Enter alone: look again) `);
    if (line === '') return undefined;
    const value = parseReference(line, unit);
    if (value !== undefined) return value;
    const others = Object.keys(UNITS[unit] ?? {}).map((name) => `, or in ${name}`);
    call.terminal.err(`'${line}' is none: a number and its unit, such as 0.0 ${unit}${others.join('')}`);
  }
}

/** In `unit`; undefined for what is no number with a unit of that quantity. */
export function parseReference(line: string, unit: string): number | undefined {
  const [, number, said = ''] = /^([-+]?\d+(?:[.,]\d+)?(?:e[-+]?\d+)?)\s*(\S*)$/i.exec(line) ?? [];
  const factor = said === unit ? 1 : UNITS[unit]?.[said];
  return number === undefined || factor === undefined ? undefined : Number(number.replace(',', '.')) * factor;
}

function sayPoints(call: Invocation, points: readonly Point[], { matrix, offset }: Solution, unit: string) {
  for (const { raw, reference } of points) {
    const after = matrix[0]! * (raw - offset[0]!);
    call.terminal.err(`  true ${short(reference)} ${unit}: before ${short(raw)}, after ${short(after)}`);
  }
}

/** Of a spread nobody reads more. */
function rough(value: number): string {
  return String(Number(value.toPrecision(2)));
}

function short(value: number): string {
  return String(Number(value.toPrecision(6)));
}
