import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { cannotMount, run } from './load.js';

/** Why no disk can be made to fail here; false where it can. */
export const cannotFail: string | false =
  cannotMount ||
  (existsSync('/sys/fs/ext4') &&
  existsSync('/dev/loop-control') &&
  spawnSync('mkfs.ext4', ['-V']).status === 0
    ? false
    : 'ext4 or loop devices are absent');

/** A small ext4 of a file, mounted as SBCs mount theirs: the first error makes it read-only. */
export class FailingDisk {
  readonly #folder = mkdtempSync(join(tmpdir(), 'cairn-disk-'));
  #image = join(this.#folder, 'first.img');

  constructor() {
    mkdirSync(this.#mount);
    writeFileSync(this.#image, '');
    truncateSync(this.#image, 24 * 1024 * 1024);
    run('mkfs.ext4', '-q', '-F', this.#image);
    this.#mountImage();
    mkdirSync(join(this.#mount, 'store'));
    // A disk that fails at once would not have it.
    run('sync', '-f', this.#mount);
    symlinkSync(join(this.#mount, 'store'), this.storePath);
  }

  /** On the disk; what lies beside it (a node's socket) is not. */
  get storePath(): string {
    return join(this.#folder, 'store');
  }

  get #mount(): string {
    return join(this.#folder, 'mount');
  }

  /** The kernel finds an error on the disk: open files too can no longer be written. */
  fail(): void {
    const found = spawnSync('findmnt', ['-n', '-o', 'SOURCE', this.#mount], { encoding: 'utf8' });
    writeFileSync(`/sys/fs/ext4/${basename(found.stdout.trim())}/trigger_fs_error`, '1');
  }

  /** The disk as it was when it failed, checked and mounted again, under a process that still holds files of the failed one or not. */
  repair(): void {
    run('umount', '-l', this.#mount);
    const repaired = join(this.#folder, 'second.img');
    copyFileSync(this.#image, repaired);
    this.#image = repaired;
    const { status, stdout } = spawnSync('fsck.ext4', ['-f', '-y', repaired], { encoding: 'utf8' });
    if (status === null || status > 1) throw new Error(`fsck.ext4: ${stdout}`);
    this.#mountImage();
  }

  remove(): void {
    run('umount', '-l', this.#mount);
    rmSync(this.#folder, { recursive: true });
  }

  #mountImage(): void {
    run('mount', '-o', 'loop,errors=remount-ro', this.#image, this.#mount);
  }
}
