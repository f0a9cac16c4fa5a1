import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { makeInitrd, makeRoot } from './guest/image.js';
import { prepareKernel } from './guest/kernel.js';
import { boot } from './guest/qemu.js';
import { readResults, table } from './report.js';
import { readRig } from './rig.js';
import { has, say } from './shell.js';

const BOOT_TIMEOUT_MS = 300_000;
/** Where this was compiled to, and the project around it. */
const compiled = dirname(import.meta.dirname);
const project = rootOf(compiled);
/** Programs that are needed, and the Debian packages they come in. */
const TOOLS = {
  'qemu-system-x86_64': 'qemu-system-x86',
  'mkfs.ext4': 'e2fsprogs',
  'gcc-12': 'gcc-12',
  make: 'make',
  cpio: 'cpio',
  zstd: 'zstd',
  socat: 'socat',
};

function rootOf(folder: string): string {
  return existsSync(join(folder, 'package-lock.json')) ? folder : rootOf(dirname(folder));
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { only: { type: 'string' } } });
  installTools();
  const startMs = performance.now();
  const cache = process.env.CAIRN_HIL_CACHE ?? join(project, '.cache/hil');
  const work = process.env.CAIRN_HIL_WORK ?? join(cache, 'run');
  mkdirSync(work, { recursive: true });
  const rig = readRig(join(project, 'hil/rigs/qemu-amd64.yaml'));
  const suites = rig.suites.filter((name) => values.only?.split(',').includes(name) ?? true);
  if (suites.length === 0) throw new Error(`no such suite; the rig has ${rig.suites.join(', ')}`);
  const kernel = prepareKernel(cache, project);
  const initrd = makeInitrd(kernel, project, work);
  const root = makeRoot(kernel, project, compiled, work);
  const builtMs = performance.now();
  say(`kernel ${kernel.release}, guest built in ${seconds(builtMs - startMs)}; booting`);
  const words = ['cairn.seed=1', ...(values.only === undefined ? [] : [`cairn.only=${values.only}`])];
  const booted = await boot({ image: kernel.image, initrd, root, work, words, timeoutMs: BOOT_TIMEOUT_MS });
  const results = readResults(booted.tap, suites);
  const report = table(rig.name, results);
  writeFileSync(join(work, 'report.txt'), `${report}\n`);
  process.stdout.write(`${report}\n`);
  say(`boot to power off: ${seconds(performance.now() - builtMs)}`);
  if (results.every(({ good }) => good) && !booted.timedOut) return;
  if (booted.timedOut) say(`the guest did not end within ${seconds(BOOT_TIMEOUT_MS)}`);
  say(`failed; see ${booted.consoleFile} and ${join(work, 'suites.tap')}`);
  process.exitCode = 1;
}

/** Debian packages that are missing, installed as root only. */
function installTools(): void {
  const missing = Object.entries(TOOLS)
    .filter(([program]) => !has(program))
    .map(([, name]) => name);
  if (missing.length === 0) return;
  if (process.getuid?.() !== 0) throw new Error(`install these Debian packages first: ${missing.join(' ')}`);
  say(`installing Debian packages: ${missing.join(' ')}`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const args = ['install', '-y', '-qq', '--no-install-recommends', ...missing];
  const result = spawnSync('apt-get', args, { encoding: 'utf8', env });
  if (result.status !== 0) throw new Error(`apt-get could not install them:\n${result.stderr}`);
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

await main();
