import {
  FieldPoints,
  type FieldProgress,
  fieldProgress,
  SECTORS,
  type Solution,
  type Vector3,
} from '../../calibration/index.js';
import type { Invocation } from '../command.js';
import { askPerson, collect, type Target, unchanged } from './readings.js';

const EVERY_MS = 100;
const LOOK_S = 1;
const LONGEST_S = 600;

/** Readings while it is turned all ways, a line a second of how much of the sphere they cover, until that is good. */
export async function guideFigureEight(call: Invocation, target: Target): Promise<Solution> {
  const { terminal } = call;
  terminal.err('Turn it slowly in figures of eight, upside down and on its sides too, away');
  terminal.err('from iron, until it says that it is good.');
  await askPerson(call, 'Enter to begin: ');
  const field = new FieldPoints();
  let progress: FieldProgress = fieldProgress([]);
  let [firstS, lookedS] = [Number.NaN, Number.NEGATIVE_INFINITY];
  await collect(
    call,
    target,
    EVERY_MS,
    ({ seconds, values }) => {
      if (Number.isNaN(firstS)) firstS = seconds;
      field.add(values as unknown as Vector3);
      if (seconds - lookedS < LOOK_S) return false;
      lookedS = seconds;
      progress = fieldProgress(field.points);
      return progress.lacks === undefined || seconds - firstS > LONGEST_S;
    },
    () => `  ${lineOf(progress)}`,
  );
  const { solution, lacks } = progress;
  if (!solution || lacks !== undefined)
    throw unchanged(`not good after ${LONGEST_S / 60} min; it wants ${lacks ?? 'more readings'}`);
  sayFigures(call, solution);
  return solution;
}

function lineOf({ points, sectors, solution, lacks }: FieldProgress): string {
  const residual = solution ? `  residual ${solution.quality.residualPercent!.toFixed(1)} %` : '';
  const wants = lacks === undefined ? 'good' : `wants ${lacks}`;
  return `${points} readings  ${sectors}/${SECTORS} sectors${residual}  ${wants}`;
}

function sayFigures({ terminal }: Invocation, { quality, offset }: Solution): void {
  const { residualPercent: after, rawResidualPercent: before, fieldTesla, stretch } = quality;
  terminal.err(`  field varies by: before ${before!.toFixed(1)} %, after ${after!.toFixed(1)} %`);
  const [x, y, z] = offset.map((value) => (value * 1e6).toFixed(1));
  terminal.err(`  hard iron ${x} ${y} ${z} uT, soft iron ${((stretch! - 1) * 100).toFixed(1)} %`);
  terminal.err(`  field ${(fieldTesla! * 1e6).toFixed(1)} uT (the earth's is 22 to 67)`);
}
