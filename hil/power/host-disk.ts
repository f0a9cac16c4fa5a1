import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { recordingFiles } from './recording.js';

const MIB = 1024 * 1024;
const READY_MS = 10_000;

/** Why a logged disk can't be mounted on this machine; false where it can. */
export function cannotMountLogged(): string | false {
  if (process.getuid?.() !== 0) return 'mounting needs root';
  if (!existsSync('/dev/fuse') || !existsSync('/dev/loop-control'))
    return '/dev/fuse or /dev/loop-control is absent';
  const { stdout } = spawnSync('qemu-storage-daemon', ['--help'], { encoding: 'utf8' });
  return stdout?.includes('fuse,id=')
    ? false
    : 'no qemu-storage-daemon with FUSE (Debian: qemu-system-common)';
}

/** An ext4 of this machine's kernel whose disk logs its writes as a guest's does: qemu-storage-daemon, FUSE, a loop device. */
export class LoggedDisk {
  readonly mountPoint: string;
  #daemon: ChildProcess | undefined;
  #loop = '';

  private constructor(readonly folder: string) {
    this.mountPoint = join(folder, 'mnt');
  }

  /** A new file system of `mib` MiB, mounted. `options`: of mount(8), such as `nobarrier`. */
  static async mount(folder: string, mib: number, options = 'defaults'): Promise<LoggedDisk> {
    const disk = new LoggedDisk(folder);
    const files = recordingFiles(folder);
    mkdirSync(disk.mountPoint, { recursive: true });
    writeFileSync(files.before, '');
    truncateSync(files.before, mib * MIB);
    run('mkfs.ext4', '-q', '-F', files.before);
    copyFileSync(files.before, files.live);
    writeFileSync(files.log, '');
    await disk.#export();
    // Not by direct I/O: it would write at several places at once, and QEMU 7.2's export then mixes their bytes up.
    disk.#loop = run('losetup', '-f', '--show', join(folder, 'export')).trim();
    run('mount', '-o', options, disk.#loop, disk.mountPoint);
    return disk;
  }

  /** Afterwards the log is whole, and the live disk what it says. */
  async unmount(): Promise<void> {
    run('umount', this.mountPoint);
    run('losetup', '-d', this.#loop);
    const daemon = this.#daemon;
    if (!daemon || daemon.exitCode !== null) return;
    await new Promise((resolve) => {
      daemon.once('exit', resolve);
      daemon.kill('SIGTERM');
    });
  }

  async #export(): Promise<void> {
    const files = recordingFiles(this.folder);
    const target = join(this.folder, 'export');
    writeFileSync(target, '');
    this.#daemon = spawn(
      'qemu-storage-daemon',
      [
        ...['--blockdev', `driver=file,node-name=disk,filename=${files.live}`],
        ...['--blockdev', `driver=file,node-name=log,filename=${files.log}`],
        ...['--blockdev', 'driver=blklogwrites,node-name=logged,file=disk,log=log,log-sector-size=512'],
        ...['--export', `type=fuse,id=logged,node-name=logged,mountpoint=${target},writable=on`],
      ],
      { stdio: ['ignore', 'ignore', 'inherit'] },
    );
    for (const end = Date.now() + READY_MS; statSync(target).size === 0; ) {
      if (Date.now() > end) throw new Error('qemu-storage-daemon did not export the disk');
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

function run(program: string, ...args: string[]): string {
  const env = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` };
  const { status, stdout, stderr, error } = spawnSync(program, args, { encoding: 'utf8', env });
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${stderr || error}`);
  return stdout;
}
