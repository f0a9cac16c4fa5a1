// What takes too long for each change: one after the other, a line of result each. `npm run nightly [-- --only NAME] [--list]`.
// The whole output of each goes to .cache/nightly/<name>.log. Exit code 1 when any failed, 2 for a wrong call.
import { spawn } from 'node:child_process';
import { createWriteStream, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { root } from './setup.mjs';

/** `maxMin`: what hangs is ended, and counts as failed. */
const JOBS = [
  {
    name: 'kill',
    what: 'the node killed three times in 180 s at 200 readings/s, the broker away for a third of it',
    command: ['npm', 'test', '--', 'acceptance/kill'],
    env: { CAIRN_KILL_RUN_MS: '180000' },
    maxMin: 20,
  },
  {
    name: 'crash',
    what: '100,000 power cuts of the store, with any of what was not synced; killed before each call, and 1,000 times at random',
    command: ['npm', 'run', 'crash', '--', '--states', '100000', '--kills', '1000'],
    maxMin: 180,
  },
  {
    name: 'refusing',
    what: 'a disk filled and freed 1,000 times; syncs and writes that fail at 60 places each, with power cuts among them',
    command: ['npm', 'test', '--', '--test-timeout=5400000', 'crash/full-disk', 'crash/refusing'],
    env: { CAIRN_CRASH_FILLS: '1000', CAIRN_CRASH_PLACES: '60' },
    maxMin: 90,
  },
  {
    name: 'custody',
    what: 'node and receiver killed three times each in 180 s, a proxy that loses answers: custody of the fleet',
    command: ['npm', 'test', '--', 'acceptance/custody'],
    env: { CAIRN_CUSTODY_RUN_MS: '180000' },
    maxMin: 20,
  },
  {
    name: 'disk',
    what: 'the disk full for 60 s, and read-only for 60 s, under 200 readings/s',
    command: ['npm', 'test', '--', 'acceptance/disk-full', 'acceptance/read-only'],
    env: { CAIRN_DISK_FULL_MS: '60000', CAIRN_READ_ONLY_MS: '60000' },
    maxMin: 20,
  },
  {
    name: 'sim',
    what: 'the whole node simulated: 10,000 seeds, each twice, with the same hashes',
    command: ['npm', 'run', 'sim', '--', '--seeds', '10000', '--verify'],
    maxMin: 300,
  },
  {
    name: 'planted',
    what: 'the planted bugs: the simulation sees each within 1,000 seeds',
    command: ['npm', 'run', 'sim', '--', '--planted'],
    maxMin: 300,
  },
  {
    name: 'soak',
    what: 'the node of `npm start` for 10 minutes: memory, descriptors, threads',
    command: ['npm', 'run', 'soak', '--', '--minutes', '10'],
    maxMin: 20,
  },
  {
    name: 'reconnects',
    what: '10,000 reconnects, plain and TLS: descriptors, threads, heap',
    command: ['npm', 'test', '--', 'uplink/leak'],
    env: { CAIRN_RECONNECTS: '10000' },
    maxMin: 20,
  },
  {
    name: 'rot',
    what: '100,000 corruptions of a store’s files: nothing silent',
    command: ['npm', 'run', 'rot', '--', '--corruptions', '100000'],
    maxMin: 240,
  },
  {
    name: 'outages',
    what: 'database, broker, mail server and the fleet’s process stopped and started 20 times each under load, watched in a browser',
    command: ['npm', 'test', '--', '--test-timeout=3000000', 'fleet/outages'],
    env: { CAIRN_OUTAGES: '20' },
    maxMin: 50,
  },
  {
    name: 'fleet-load',
    what: '2,000 nodes, a row a second each, for five minutes over MQTT into the fleet, on SQLite and on PostgreSQL',
    command: ['npm', 'run', 'fleet-load'],
    maxMin: 20,
  },
  {
    name: 'messages',
    what: '1,000,000 malformed, oversized, forged and replayed messages into the fleet',
    command: ['npm', 'test', '--', '--test-timeout=1800000', 'fleet/ingest/fuzz'],
    env: { CAIRN_FUZZ_MESSAGES: '1000000' },
    maxMin: 30,
  },
  {
    name: 'fuzz',
    what: 'each parser fuzzed for 10 minutes',
    command: ['npm', 'run', 'fuzz', '--', '--seconds', '600', '--keep'],
    maxMin: 180,
  },
  {
    name: 'arm64',
    what: 'the C tests built for 64-bit Arm, under qemu-user',
    command: ['node', 'scripts/native-test.mjs', '--arch', 'arm64'],
    maxMin: 10,
  },
  {
    name: 'arm',
    what: 'the C tests built for 32-bit Arm, under qemu-user',
    command: ['node', 'scripts/native-test.mjs', '--arch', 'arm'],
    maxMin: 10,
  },
  {
    name: 'rig',
    what: 'the rig of amd64, all suites at full length: 30 power cuts, 5000 crash points, watchdogs',
    command: ['npm', 'run', 'hil', '--', '--full'],
    maxMin: 300,
  },
  {
    name: 'rig-arm64',
    what: 'the rig of arm64, all suites',
    command: ['npm', 'run', 'hil', '--', '--rig', 'qemu-arm64'],
    maxMin: 120,
  },
  {
    name: 'matrix',
    what: 'the suite on each supported Node',
    command: ['npm', 'run', 'matrix'],
    maxMin: 60,
  },
  {
    name: 'bench',
    what: 'every benchmark beside its peers',
    command: ['npm', 'run', 'bench'],
    maxMin: 10,
  },
  {
    name: 'offline',
    what: '10 million readings offline: disk, memory, and the node again after kill -9',
    command: ['npm', 'run', 'bench', '--', 'offline'],
    maxMin: 20,
  },
];

const logs = join(root, '.cache', 'nightly');

function options() {
  try {
    const { values } = parseArgs({
      options: { only: { type: 'string', multiple: true }, list: { type: 'boolean' } },
    });
    const unknown = (values.only ?? []).filter((name) => !JOBS.some((job) => job.name === name));
    if (unknown.length > 0) throw new Error(`no ${unknown.join(', ')}`);
    return values;
  } catch (error) {
    const names = JOBS.map(({ name }) => name).join(', ');
    process.stderr.write(
      `nightly: ${error.message}; --only takes one of ${names}, more than once for more\n`,
    );
    process.exit(2);
  }
}

/** Resolves to what went wrong, or undefined. The process group is ended with it: npm alone would leave its children. */
function run({ command, env, maxMin }, logFile) {
  const [program, ...args] = command;
  const child = spawn(program, args, {
    cwd: root,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  const log = createWriteStream(logFile);
  child.stdout.pipe(log, { end: false });
  child.stderr.pipe(log, { end: false });
  const stop = () => process.kill(-child.pid, 'SIGKILL');
  const interrupt = () => {
    stop();
    process.exit(130);
  };
  const timer = setTimeout(stop, maxMin * 60_000);
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, interrupt);
  return new Promise((resolve) => {
    child.once('error', (error) => resolve(`could not start: ${error.message}`));
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      for (const name of ['SIGINT', 'SIGTERM']) process.off(name, interrupt);
      log.end(() => resolve(code === 0 ? undefined : `${signal ?? `exit code ${code}`}`));
    });
  });
}

function duration(ms) {
  const seconds = Math.round(ms / 1000);
  return `${Math.floor(seconds / 60)} min ${String(seconds % 60).padStart(2, '0')} s`;
}

function tail(file) {
  return readFileSync(file, 'utf8').trimEnd().split('\n').slice(-30).join('\n');
}

const { only, list } = options();
const wanted = JOBS.filter(({ name }) => !only || only.includes(name));
mkdirSync(logs, { recursive: true });
let failed = 0;
for (const job of wanted) {
  if (list) {
    process.stdout.write(`${job.name.padEnd(10)} ${job.what}\n`);
    continue;
  }
  const logFile = join(logs, `${job.name}.log`);
  const began = performance.now();
  const fault = await run(job, logFile);
  const took = duration(performance.now() - began);
  process.stdout.write(`${fault ? 'FAILED' : 'passed'}  ${job.name.padEnd(10)} ${took}  ${job.what}\n`);
  if (!fault) continue;
  failed++;
  process.stdout.write(`        ${fault}; the end of ${logFile}:\n${tail(logFile)}\n`);
}
process.exitCode = failed > 0 ? 1 : 0;
