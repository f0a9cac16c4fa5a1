import {
  CalibrationError,
  checkPosition,
  fitSixPositions,
  POSITIONS,
  type Position,
  type Solution,
  type Still,
  stillOf,
} from '../../calibration/index.js';
import type { Invocation } from '../command.js';
import { askPerson, collect, type Reading, type Target, unchanged } from './readings.js';

const EVERY_MS = 500;
/** It lies still for so long, with so many readings: then the average is taken. */
const STILL_S = 2;
const READINGS_MIN = 10;

/** Waits for each of the six positions, in whatever order they come, until the part has lain still in all of them. */
export async function guideSixPositions(call: Invocation, target: Target): Promise<Solution> {
  const { terminal } = call;
  terminal.err('Lay it on a level table, each of its six sides up in turn, and let go of it.');
  await askPerson(call, 'Enter to begin: ');
  const found = new Map<Position, Still>();
  let recent: Reading[] = [];
  let state = '';
  await collect(
    call,
    target,
    EVERY_MS,
    (reading) => {
      recent = [...recent.filter(({ seconds }) => seconds > reading.seconds - STILL_S), reading];
      state = look(recent, found);
      if (found.size < POSITIONS.length) return false;
      return true;
    },
    () => `  ${found.size}/6 ${state}${leftText(found)}`,
  );
  try {
    const solution = fitSixPositions([...found.values()]);
    sayFigures(call, solution);
    return solution;
  } catch (error) {
    if (error instanceof CalibrationError) throw unchanged(error.message);
    throw error;
  }
}

/** Takes the position that it lies in, once it lies still; says how it is. */
function look(recent: readonly Reading[], found: Map<Position, Still>): string {
  const spanS = recent.at(-1)!.seconds - recent[0]!.seconds;
  if (recent.length < READINGS_MIN) return 'waiting';
  const still = stillOf(recent.map(({ values }) => values));
  try {
    const position = checkPosition(still);
    if (found.has(position)) return `${position} up: done, turn it`;
    if (spanS < STILL_S * 0.8) return `${position} up: hold still`;
    found.set(position, still);
    return `${position} up: done`;
  } catch (error) {
    // What to do stands above, and the line is short.
    if (error instanceof CalibrationError) return error.message.split(';')[0]!;
    throw error;
  }
}

function leftText(found: ReadonlyMap<Position, Still>): string {
  const left = POSITIONS.filter((position) => !found.has(position));
  return left.length === 0 ? '' : `  (left: ${left.join(' ')})`;
}

function sayFigures({ terminal }: Invocation, { quality }: Solution): void {
  const { rawGravityErrorMps2: before, gravityErrorMps2: after, residualMps2: residual } = quality;
  terminal.err(`  gravity off by: before ${before!.toFixed(3)}, after ${after!.toFixed(3)} m/s2`);
  terminal.err(
    quality.crossAxes === 1
      ? `  scale, offset and cross axes; residual ${residual!.toFixed(3)} m/s2`
      : `  scale and offset; the sides were not square enough for cross axes (${residual!.toFixed(2)} m/s2)`,
  );
}
