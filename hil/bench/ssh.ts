import { spawnSync } from 'node:child_process';
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { fresh } from '../guest/debian.js';
import { prepareNode } from '../guest/node.js';
import { packProject } from '../guest/project.js';
import { Locked } from '../lock.js';
import type { Arch } from '../machine/arch.js';
import { run as runProgram, say } from '../shell.js';
import { installTools } from '../tools.js';

import { type BenchRun, LOCKED, runChild, suiteEnvironment } from './run.js';

/** No question is ever asked, and a bench that is switched off is noticed within a minute. */
const SSH = ['-o', 'BatchMode=yes', '-o', 'ConnectTimeout=15', '-o', 'ServerAliveInterval=15'];
/** As `uname -m` says. */
const ARCHS: Readonly<Record<string, Arch>> = { x86_64: 'amd64', aarch64: 'arm64' };

/** On a bench that needs nothing but sshd, tar and flock: Node, the add-ons compiled for it and the project are sent there. */
export async function overSsh(run: BenchRun, out: number, log: number): Promise<number> {
  const { rig, suites } = run;
  const ssh = [...(process.env.CAIRN_HIL_SSH?.split(' ') ?? []), ...SSH, rig.machine.host!];
  const machine = runProgram('ssh', [...ssh, 'uname -m']).trim();
  const arch = ARCHS[machine];
  if (!arch) throw new Error(`${rig.name} is a ${machine}: a 64-bit system is needed, x86_64 or aarch64`);
  installTools(arch);
  send(run, arch, ssh);
  const words = Object.entries(suiteEnvironment(run, 'rig.yaml')).map(([name, value]) => `${name}=${value}`);
  const main = `./node dist/hil/inside/main.js ${suites.join(',')}`;
  const command = `cd ${quoted(rig.machine.folder)} && exec flock -n -E ${LOCKED} lock env ${words.join(' ')} ${main}`;
  return runChild({ program: 'ssh', args: [...ssh, command], out, log });
}

/** Makes the bench's folder what it must be; under its lock, so that no run loses its files. */
function send({ rig, options, project, compiled }: BenchRun, arch: Arch, ssh: readonly string[]): void {
  const folder = fresh(join(options.work, 'bench'));
  const node = prepareNode(arch, options.cache, project);
  packProject({ arch, node, project, compiled, rigFile: options.rigFile }, folder);
  copyFileSync(node.program, join(folder, 'node'));
  say(`sending Node and the project to ${rig.machine.host}:${rig.machine.folder}`);
  const to = quoted(rig.machine.folder);
  const clean = 'rm -rf dist native node_modules board-configs && tar -xzf -';
  const unpack = `mkdir -p ${to} && cd ${to} && exec flock -n -E ${LOCKED} lock sh -c ${quoted(clean)}`;
  const command = `tar -C ${quoted(folder)} -c . | gzip -1 | ssh ${ssh.map(quoted).join(' ')} ${quoted(unpack)}`;
  const { status, stderr } = spawnSync('bash', ['-o', 'pipefail', '-c', command], { encoding: 'utf8' });
  if (status === LOCKED) throw new Locked(`${rig.name}: somebody else runs suites on it`);
  if (status !== 0) throw new Error(`${rig.name} could not be sent the project:\n${stderr}`);
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
