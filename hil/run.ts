import { appendFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runOnBench } from './bench/index.js';
import { buildGuest } from './guest/build.js';
import { runInGuest } from './guest/run.js';
import { shellInGuest } from './guest/shell.js';
import type { Arch } from './machine/arch.js';
import { timeMark } from './marks.js';
import { installImageTools } from './node-image/tools.js';
import { runNodeSuites } from './node-suites.js';
import { type Options, UsageError } from './options.js';
import type { Rig } from './rig.js';
import { say, seconds } from './shell.js';
import { installTools } from './tools.js';

export interface RigRun {
  readonly rig: Rig;
  readonly suites: readonly string[];
  readonly options: Options;
  readonly project: string;
  readonly compiled: string;
}

/** Runs a rig's suites where they belong; resolves to all that they wrote, or to nothing where it was a shell. */
export async function runRig(run: RigRun): Promise<string | undefined> {
  const { rig, options } = run;
  rmSync(join(options.work, 'console.log'), { force: true });
  if (rig.machine.qemu !== undefined) return runInQemu(run, rig.machine.qemu);
  if (options.shell) throw new UsageError(`--shell: ${rig.name} is a machine of its own; log in there`);
  return runOnBench(run);
}

async function runInQemu(run: RigRun, arch: Arch): Promise<string | undefined> {
  const { rig, suites, options, project, compiled } = run;
  const tapFile = join(options.work, 'suites.tap');
  rmSync(tapFile, { force: true }); // an orphan of a killed run may still write to the old one
  writeFileSync(tapFile, '');
  installTools(arch);
  const inGuest = rig.suites.filter((name) => suites.includes(name));
  if (inGuest.length > 0 || options.shell) {
    const startMs = performance.now();
    const files = await buildGuest({ ...options, arch, project, compiled, programs: rig.programs });
    const builtMs = performance.now();
    say(`guest ${files.release} built in ${seconds(builtMs - startMs)}`);
    appendFileSync(tapFile, timeMark('guest built in', builtMs - startMs));
    if (options.shell) return shellInGuest(files, options.work, options.seed).then(() => undefined);
    await runInGuest({ ...options, files, tapFile, only: inGuest });
    say(`boot to power off: ${seconds(performance.now() - builtMs)}`);
    appendFileSync(tapFile, timeMark('boot to power off', performance.now() - builtMs));
  }
  const nodeSuites = rig.nodeSuites.filter((name) => suites.includes(name));
  if (nodeSuites.length > 0) installImageTools(arch);
  await runNodeSuites({ ...options, suites: nodeSuites, compiled, arch, tapFile });
  return readFileSync(tapFile, 'utf8');
}
