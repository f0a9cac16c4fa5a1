// Runs the whole suite under node's own runner; a name or part of one as argument runs just those files.
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { run } from 'node:test';
import { spec, tap } from 'node:test/reporters';
import { parseArgs } from 'node:util';
import { root } from './setup.mjs';

/** What takes longest begins first, so that none of it is left for the end; most of it waits: for links, disks, keep-alives. */
const LONGEST = [
  'sim/sim.test',
  'crash/slow-disk',
  'native/c.test',
  'acceptance/',
  'crash/',
  'health/process',
  'uplink/thin-link',
  'sim/',
  'power/host-disk',
  'uplink/link-faults',
];
/** Files at once: half of their time is waiting, so twice the two cores that the suite is measured on. */
const AT_ONCE = 4;

// Only what node was started with is passed on to the files' processes.
const SOURCE_MAPS = '--enable-source-maps';
if (!process.execArgv.includes(SOURCE_MAPS)) {
  const again = spawnSync(process.execPath, [SOURCE_MAPS, ...process.argv.slice(1)], { stdio: 'inherit' });
  process.exit(again.status ?? 1);
}

const { values, positionals: wanted } = parseArgs({
  allowPositionals: true,
  options: { 'test-timeout': { type: 'string', default: '600000' }, 'test-name-pattern': { type: 'string' } },
});
const rank = (name) => LONGEST.findIndex((part) => name.startsWith(part)) >>> 0;
const files = readdirSync(join(root, 'test'), { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.test.ts'))
  .filter((name) => wanted.length === 0 || wanted.some((word) => name.includes(word)))
  .sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1))
  .map((name) => join(root, 'dist/test', name.replace(/\.ts$/, '.js')));

if (files.length === 0) {
  process.stderr.write(`no test file matches ${wanted.join(' ')}\n`);
  process.exit(2);
}
process.chdir(root);
process.env.UV_THREADPOOL_SIZE ??= '8';
run({
  files,
  concurrency: AT_ONCE,
  timeout: Number(values['test-timeout']),
  testNamePatterns: values['test-name-pattern'],
})
  .on('test:fail', ({ todo }) => {
    if (todo === undefined || todo === false) process.exitCode = 1;
  })
  .compose(process.stdout.isTTY ? new spec() : tap)
  .pipe(process.stdout);
