import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Finding } from './judge.js';
import { fastFolder } from './recording.js';
import type { Negative } from './states.js';

const WORKER = fileURLToPath(new URL('./state-worker.js', import.meta.url));

export interface Violation {
  readonly seed: number;
  readonly count: number;
  /** Which of the count, from 1. */
  readonly state: number;
  /** After how many operations the power went, the model, and what was kept. */
  readonly where: string;
  readonly problems: readonly string[];
}

export interface Tally {
  states: number;
  /** In the making of the store, its database was made anew. */
  replaced: number;
  /** The most rows that had numbers and no promise, and were gone. */
  mostUnpromised: number;
  readonly violations: Violation[];
}

export interface StatesOf {
  /** An operation log. */
  readonly log: string;
  readonly seed: number;
  readonly count: number;
  readonly negative?: Negative;
  /** This one alone. */
  readonly only?: number;
}

type Line = { readonly state: number } & (
  | Finding
  | { readonly operations: number; readonly model: string; readonly kept: string }
);

/** Judges states of a recording in a process of its own; that it dies is a violation of the state that it was at, and ends the count. */
export async function checkStates({ log, seed, count, negative, only }: StatesOf): Promise<Tally> {
  const tally: Tally = { states: 0, replaced: 0, mostUnpromised: 0, violations: [] };
  // Made here: a process that aborts leaves what it made.
  const folder = fastFolder();
  const args = [WORKER, folder, log, String(seed), String(count)];
  if (only !== undefined) args.push('--only', String(only));
  if (negative?.ignoresSyncs) args.push('--ignore-syncs');
  if (negative?.losesOnError) args.push('--loses-on-error');
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const closed = once(child, 'close');
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr = `${stderr}${text}`.slice(-2000);
  });
  let where = 'before the first state';
  let state = 0;
  for await (const text of createInterface(child.stdout)) {
    const line = JSON.parse(text) as Line;
    state = line.state;
    if ('problems' in line) take(tally, line, { seed, count, state, where });
    else where = `after ${line.operations} operations, ${line.model}, kept: ${line.kept}`;
  }
  const [code, signal] = (await closed) as [number | null, NodeJS.Signals | null];
  rmSync(folder, { recursive: true });
  if (code !== 0)
    tally.violations.push({
      seed,
      count,
      state,
      where,
      problems: [`the process died (${signal ?? code}): ${stderr}`],
    });
  return tally;
}

function take(tally: Tally, found: Finding, at: Omit<Violation, 'problems'>): void {
  tally.states += 1;
  tally.replaced += found.replaced ? 1 : 0;
  tally.mostUnpromised = Math.max(tally.mostUnpromised, found.unpromisedLost);
  if (found.problems.length > 0) tally.violations.push({ ...at, problems: found.problems });
}

export function add(sum: Tally, part: Tally): void {
  sum.states += part.states;
  sum.replaced += part.replaced;
  sum.mostUnpromised = Math.max(sum.mostUnpromised, part.mostUnpromised);
  sum.violations.push(...part.violations);
}

/** The first of them, for people. */
export function textOf(violations: readonly Violation[]): string {
  return violations
    .slice(0, 5)
    .map(({ seed, count, state, where, problems }) =>
      [`seed ${seed}, state ${state} of ${count}, ${where}:`, ...problems.slice(0, 5)].join('\n  '),
    )
    .join('\n');
}
