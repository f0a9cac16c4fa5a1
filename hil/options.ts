import { randomInt } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';

export interface Options {
  readonly rigFile: string;
  /** Suites, by name; all of the rig when empty. */
  readonly only: readonly string[];
  readonly full: boolean;
  readonly shell: boolean;
  readonly seed: number;
  readonly work: string;
  readonly cache: string;
}

/** The command line is wrong: one line, exit code 2. */
export class UsageError extends Error {}

const USAGE = 'npm run hil -- [--rig FILE|NAME] [--only SUITE,…] [--full] [--shell] [--seed N] [--work DIR]';
/** Short enough to type, and for what suites make of it. */
const MAX_SEED = 1_000_000;

/** Throws UsageError. */
export function readOptions(argv: readonly string[], env: NodeJS.ProcessEnv, project: string): Options {
  const { rig, only, full, shell, seed, work } = parse(argv);
  const cache = resolve(env.CAIRN_HIL_CACHE ?? join(project, '.cache/hil'));
  return {
    rigFile: rigFile(rig, project),
    only: only?.split(',').filter((name) => name !== '') ?? [],
    full: full || env.CAIRN_HIL_FULL === '1',
    shell,
    seed: seed === undefined ? randomInt(1, MAX_SEED) : seedOf(seed),
    work: resolve(work ?? env.CAIRN_HIL_WORK ?? join(cache, 'run')),
    cache,
  };
}

function parse(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      options: {
        rig: { type: 'string', default: 'qemu-amd64' },
        only: { type: 'string' },
        full: { type: 'boolean', default: false },
        shell: { type: 'boolean', default: false },
        seed: { type: 'string' },
        work: { type: 'string' },
      },
    }).values;
  } catch (error) {
    throw new UsageError(`${(error as Error).message.split(/\.? To specify|\n/)[0]}: ${USAGE}`);
  }
}

/** A name stands for a file of hil/rigs. */
function rigFile(rig: string, project: string): string {
  const named = join(project, 'hil/rigs', `${rig}.yaml`);
  const file = /^[a-z0-9-]+$/.test(rig) ? named : resolve(rig);
  if (existsSync(file)) return file;
  throw new UsageError(`--rig ${rig}: there is no ${file}: ${USAGE}`);
}

function seedOf(text: string): number {
  const seed = /^\d{1,10}$/.test(text) ? Number(text) : 0;
  if (seed >= 1 && seed < MAX_SEED) return seed;
  throw new UsageError(`--seed ${text}: a whole number from 1 to ${MAX_SEED - 1} is wanted: ${USAGE}`);
}
