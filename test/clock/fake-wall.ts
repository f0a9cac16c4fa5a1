import { execFileSync, spawnSync } from 'node:child_process';
import { closeSync, existsSync, openSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** For `{ skip }`: false, or the reason by name. */
export const WITHOUT_FAKE_WALL =
  spawnSync('cc', ['--version']).status === 0 ? false : 'no C compiler (cc) for the wall clock of a test';

/** The wall clock of other processes, as a test sets it (preload_wall.c). */
export class FakeWall {
  /** What a process has to be started with. */
  readonly environment: Readonly<Record<string, string>>;
  readonly #fd: number;

  constructor(folder: string) {
    const library = join(folder, 'wall.so');
    execFileSync('cc', ['-shared', '-fPIC', '-O1', '-o', library, source(), '-ldl']);
    const file = join(folder, 'wall');
    this.#fd = openSync(file, 'w');
    this.set(0n, false);
    this.environment = { LD_PRELOAD: library, FAKE_WALL: file };
  }

  /** Ahead of the kernel's clock by so much; `isSet`: adjtimex says that a time daemon keeps it. */
  set(offsetNs: bigint, isSet: boolean): void {
    writeSync(this.#fd, new Uint8Array(BigInt64Array.of(offsetNs, isSet ? 1n : 0n).buffer), 0, 16, 0);
  }

  close(): void {
    closeSync(this.#fd);
  }
}

function source(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'test/clock/preload_wall.c'))) folder = dirname(folder);
  return join(folder, 'test/clock/preload_wall.c');
}
