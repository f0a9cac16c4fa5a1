import { spawnSync } from 'node:child_process';
import { writeSync } from 'node:fs';
import { BEGIN, END } from '../report.js';
import { readRig } from '../rig.js';
import { makeSimChip } from './gpio-sim.js';

/** Runs in the guest: makes the rig's parts, then each suite in its own process; all it writes is TAP and the marks between. */
const rigFile = process.env.CAIRN_RIG ?? 'hil/rigs/qemu-amd64.yaml';
const SUITE_TIMEOUT_MS = 120_000;
const rig = readRig(rigFile);
const only = process.argv[2]?.split(',');

for (const [label, lines] of Object.entries(rig.simulated ?? {})) makeSimChip(label, lines);
let worst = 0;
for (const suite of rig.suites.filter((name) => only?.includes(name) ?? true)) {
  const startMs = performance.now();
  writeSync(1, `${BEGIN} ${suite}\n`);
  const { status } = spawnSync(
    process.execPath,
    ['--enable-source-maps', '--test-reporter=tap', `dist/test/hil/${suite}.js`],
    {
      stdio: ['ignore', 'inherit', 'inherit'],
      timeout: SUITE_TIMEOUT_MS,
      env: { ...process.env, CAIRN_RIG: rigFile },
    },
  );
  writeSync(1, `${END} ${suite} ${status ?? 1} ${Math.round(performance.now() - startMs)}\n`);
  worst = Math.max(worst, status ?? 1);
}
process.exitCode = worst;
