import { writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { native } from '../../native/index.js';
import { systemClock } from '../../runtime/clock/index.js';
import { readyMark, wiringMark } from '../marks.js';
import { readRig } from '../rig.js';
import { runSuite } from '../run-suite.js';
import { checkWiring } from '../wiring/index.js';
import { makeSimChip } from './gpio-sim.js';
import { joinSimulated } from './jumpers.js';
import { serveParts } from './parts.js';

/**
 * Runs on the rig: makes the parts that are simulated, then each suite in its own process; what it writes is TAP and the marks between.
 * `[SUITES]`, or `--parts`: no suite, the parts stay while this runs.
 */
const SUITE_TIMEOUT_MS = 150_000;
const FULL_SUITE_TIMEOUT_MS = 1_200_000;
/** An idle machine of 2022 emulates the boot up to here in so many seconds. */
const NOMINAL_BOOT_S = 4;

const rig = readRig(process.env.CAIRN_RIG!);
const slowness = Math.max(1, Number(process.env.CAIRN_HIL_BOOT_S ?? 0) / NOMINAL_BOOT_S);
const limitMs = (process.env.CAIRN_HIL_FULL === '1' ? FULL_SUITE_TIMEOUT_MS : SUITE_TIMEOUT_MS) * slowness;
const write = (text: string): void => void writeSync(1, text);

for (const [label, lines] of Object.entries(rig.simulated ?? {})) makeSimChip(label, lines);
const ends = [joinSimulated(rig), serveParts(rig)];
if (process.argv[2] !== '--parts') {
  write(readyMark(slowness, limitMs));
  await tellWiring();
  await runSuites(process.argv[2]?.split(',').filter((name) => name !== ''));
  for (const end of ends) end();
}

/** Before the suites, so that nobody looks for a loose wire in what they say. */
async function tellWiring(): Promise<void> {
  if (rig.lines === undefined && rig.buses === undefined && rig.ports === undefined) return;
  const deps = { clock: systemClock(), native, random: Math.random, log: () => undefined };
  const check = () => checkWiring(rig, deps).catch((error: unknown) => [`the check itself failed: ${error}`]);
  const first = await check();
  // An emulated part is late where the host is busy, and never loose: what is wrong with it is so twice.
  const told = first.length > 0 && rig.machine.qemu !== undefined ? await check() : first;
  for (const line of told) write(wiringMark(line.replaceAll('\n', ' ')));
}

async function runSuites(only: readonly string[] = []): Promise<void> {
  const env = {
    ...process.env,
    CAIRN_HIL_SLOWNESS: slowness.toFixed(2),
    NODE_COMPILE_CACHE: join(tmpdir(), 'compiled'), // one suite compiles what the next one loads: seconds each, by translation
  };
  for (const suite of rig.suites.filter((name) => only.length === 0 || only.includes(name))) {
    const file = join(import.meta.dirname, `../../test/hil/${suite}.js`);
    const code = await runSuite({ suite, file, env, timeoutMs: limitMs, out: 1, write });
    process.exitCode = Math.max(Number(process.exitCode ?? 0), code);
  }
}
