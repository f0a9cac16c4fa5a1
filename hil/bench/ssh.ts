import { spawnSync } from 'node:child_process';
import { basename, join } from 'node:path';
import { prepareNode } from '../guest/node.js';
import { packBase, packProject } from '../guest/project.js';
import { Locked, lock } from '../lock.js';
import type { Arch } from '../machine/arch.js';
import { freshFolder, run as runProgram, say } from '../shell.js';
import { installTools } from '../tools.js';

import { type BenchRun, LOCKED, runChild, suiteEnvironment } from './run.js';

/** No question is ever asked, and a bench that is switched off is noticed within a minute. */
const SSH = ['-o', 'BatchMode=yes', '-o', 'ConnectTimeout=15', '-o', 'ServerAliveInterval=15'];
/** As `uname -m` says. */
const ARCHS: Readonly<Record<string, Arch>> = { x86_64: 'amd64', aarch64: 'arm64' };

/** On a bench that needs nothing but sshd, tar and flock: Node, the add-ons compiled for it and the project are sent there. */
export async function overSsh(run: BenchRun, out: number, log: number): Promise<number> {
  const { rig, suites } = run;
  const bench = new Bench(rig.name, rig.machine.host!, rig.machine.folder);
  const machine = bench.ask('uname -m');
  const arch = ARCHS[machine];
  if (!arch) throw new Error(`${rig.name} is a ${machine}: a 64-bit system is needed, x86_64 or aarch64`);
  installTools(arch);
  const base = await send(run, arch, bench);
  const words = Object.entries(suiteEnvironment(run, 'rig.yaml')).map(([name, value]) => `${name}=${value}`);
  const main = `./${base}/node dist/hil/inside/main.js ${suites.join(',')}`;
  const command = bench.locked(`cd project && exec env ${words.join(' ')} .${main}`);
  return runChild({ program: 'ssh', args: bench.arguments(command), out, log });
}

/** Sends what stays the same where the bench has it not yet, and the project as it is now. Returns the base's name. */
async function send(run: BenchRun, arch: Arch, bench: Bench): Promise<string> {
  const { options, project } = run;
  const unlock = await lock(join(options.cache, 'lock'), { wait: true });
  try {
    const base = packBase(arch, prepareNode(arch, options.cache, project), options.cache, project);
    const name = basename(base);
    if (bench.ask(`mkdir -p ${bench.folder}; ls ${bench.folder}`).split('\n').includes(name)) {
      say(`${run.rig.name} has ${name}`);
    } else {
      say(`sending Node and packages to ${run.rig.name}`);
      bench.send(base, name, 'rm -rf base-*');
    }
    const folder = freshFolder(join(options.work, 'bench'));
    packProject({ ...run, rigFile: options.rigFile }, `../${name}`, folder);
    bench.send(folder, 'project', 'rm -rf project project.new');
    return name;
  } finally {
    unlock();
  }
}

/** A machine that ssh reaches, and the folder there that is the rig's; its file `lock` is the rig's lock. */
class Bench {
  readonly folder: string;
  readonly #ssh: readonly string[];

  constructor(
    private readonly name: string,
    host: string,
    folder: string,
  ) {
    this.folder = quoted(folder);
    this.#ssh = [...(process.env.CAIRN_HIL_SSH?.split(' ') ?? []), ...SSH, host];
  }

  arguments(command: string): readonly string[] {
    return [...this.#ssh, command];
  }

  ask(command: string): string {
    return runProgram('ssh', this.arguments(command)).trim();
  }

  /** The command, in the folder, while nobody else has the lock. */
  locked(command: string): string {
    return `cd ${this.folder} && exec flock -n -E ${LOCKED} lock sh -c ${quoted(command)}`;
  }

  /** Makes a folder there what it is here. */
  send(from: string, name: string, clean: string): void {
    const there = this.locked(
      `${clean}; mkdir ${name}.new && tar -xzf - -C ${name}.new && mv ${name}.new ${name}`,
    );
    const here = `tar -C ${quoted(from)} -c . | gzip -1`;
    const command = `${here} | ssh ${this.arguments(there).map(quoted).join(' ')}`;
    const { status, stderr } = spawnSync('bash', ['-o', 'pipefail', '-c', command], { encoding: 'utf8' });
    if (status === LOCKED) throw new Locked(`${this.name}: somebody else runs suites on it`);
    if (status !== 0) throw new Error(`${this.name} could not be sent ${name}:\n${stderr}`);
  }
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
