import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { seeded } from '../../hil/random.js';
import { native } from '../../native/index.js';
import { CrashDisk, type CrashDiskOptions, type EntryModel, type Image, type Kept } from './crash-disk.js';
import type { Operation } from './operation-log.js';
import { STORE } from './options.js';
import { Promised } from './promise.js';
import { SAID, statementOf } from './said.js';

const MODELS: readonly EntryModel[] = ['journal', 'strict'];
/** By turns; most states are of the harshest kind. */
const KEPT: readonly Kept[] = ['mixed', 'torn', 'nothing', 'mixed', 'sectors', 'pages', 'mixed', 'all'];

/** A disk as a cut leaves it, and what it must hold. */
export interface CrashState {
  /** The first so many operations had returned. */
  readonly operations: number;
  readonly model: EntryModel;
  readonly kept: Kept;
  readonly image: Image;
  readonly promised: Promised;
}

export type Negative = Pick<CrashDiskOptions, 'ignoresSyncs' | 'losesOnError'>;

/**
 * `count` different states of a recording, in its order: cuts lie between any two operations on the store and behind the last one, after
 * all that was said by then. The object that is handed out is the caller's until it asks for the next.
 */
export function* crashStates(
  operations: readonly Operation[],
  count: number,
  seed: number,
  options: Negative = {},
): Generator<CrashState> {
  const random = seeded(seed);
  const disks = MODELS.map((entries) => new CrashDisk({ entries, ...options }, [STORE]));
  const promised = new Promised();
  const positions = operations.filter(({ path }) => path !== SAID).length + 1;
  let left = count;
  let at = 0;
  for (let passed = 0; passed <= operations.length; passed += 1) {
    const operation = operations[passed];
    if (operation?.path !== SAID) {
      // Where there are fewer states than positions, positions are drawn.
      const share = left / (positions - at);
      const wanted = Math.floor(share) + (random() < share % 1 ? 1 : 0);
      for (const state of different(disks, wanted, random)) {
        left -= 1;
        yield { ...state, operations: passed, promised };
      }
      at += 1;
    }
    if (!operation) return;
    const statement = statementOf(operation);
    if (statement) promised.take(statement);
    if (operation.path !== SAID) for (const disk of disks) disk.pass(operation);
  }
}

type Shown = Pick<CrashState, 'model' | 'kept' | 'image'>;

/** Up to `wanted` images of a moment that differ; there are fewer where little is unsynced. */
function* different(disks: readonly CrashDisk[], wanted: number, random: () => number): Generator<Shown> {
  const seen = new Set<string>();
  const start = Math.floor(random() * MODELS.length * KEPT.length);
  for (let turn = start; turn < start + 2 * wanted && seen.size < wanted; turn += 1) {
    const at = turn % MODELS.length;
    const kept = KEPT[Math.floor(turn / MODELS.length) % KEPT.length]!;
    const image = disks[at]!.image(kept, random);
    const print = printOf(image);
    if (seen.has(print)) continue;
    seen.add(print);
    yield { model: MODELS[at]!, kept, image };
  }
}

/** Nobody reads LevelDB's own log, and its lock file is empty: states that differ in them alone are one. */
function printOf(image: Image): string {
  return [...image]
    .filter(([path]) => !/\/(LOG|LOG\.old|LOCK)$/.test(path))
    .map(([path, bytes]) => `${path} ${bytes?.length ?? 'directory'} ${bytes ? native.crc32c(bytes) : ''}`)
    .sort()
    .join('\n');
}

/** Makes the folder what the image says. */
export function materialise(folder: string, image: Image): void {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  for (const [path, bytes] of image) {
    if (bytes === undefined) mkdirSync(join(folder, path), { recursive: true });
    else {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), bytes);
    }
  }
}
