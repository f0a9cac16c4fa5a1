import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { type BenchRun, LOCKED, runChild, suiteEnvironment } from './run.js';

/** In place: the project as it is built here, under the rig's own lock, whatever the work folder. */
export function here(run: BenchRun, out: number, log: number): Promise<number> {
  const { rig, suites, options, project, compiled } = run;
  const main = join(relative(project, compiled), 'hil/inside/main.js');
  const file = join(tmpdir(), `cairn-rig-${rig.name}.lock`);
  return runChild({
    program: 'flock',
    args: ['-n', '-E', String(LOCKED), file, process.execPath, main, suites.join(',')],
    cwd: project,
    env: { ...process.env, ...suiteEnvironment(run, options.rigFile) },
    out,
    log,
  });
}
