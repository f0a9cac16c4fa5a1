import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Follower } from '../follower.js';
import { Locked } from '../lock.js';
import { here } from './here.js';
import { type BenchRun, LOCKED } from './run.js';
import { overSsh } from './ssh.js';

const POLL_MS = 250;

/** Runs the suites on a machine with hardware, this one or one reached over SSH; resolves to what they wrote. */
export async function runOnBench(run: BenchRun): Promise<string> {
  const { rig, options } = run;
  const tapFile = join(options.work, 'suites.tap');
  const [out, log] = [openSync(tapFile, 'w'), openSync(join(options.work, 'console.log'), 'w')];
  const follower = new Follower(tapFile);
  const timer = setInterval(() => follower.lines(), POLL_MS);
  try {
    const code = await (rig.machine.host === 'local' ? here : overSsh)(run, out, log);
    if (code === LOCKED) throw new Locked(`${rig.name}: somebody else runs suites on it`);
  } finally {
    clearInterval(timer);
    follower.lines();
    for (const fd of [out, log]) closeSync(fd);
  }
  return readFileSync(tapFile, 'utf8');
}
