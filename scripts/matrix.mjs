// Runs the suite on several Node versions: `node scripts/matrix.mjs [20 22 24]`. Binaries and headers come from the npm packages
// `node-linux-<arch>`; each version gets a clone of its own, since i2c-bus and epoll are compiled for one Node version only.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './setup.mjs';

const versions = process.argv.length > 2 ? process.argv.slice(2) : ['20', '22', '24'];

function run(command, args, cwd, env = process.env) {
  const { status, stdout, stderr } = spawnSync(command, args, {
    cwd,
    env,
    encoding: 'utf8',
    maxBuffer: 64 << 20,
  });
  return { ok: status === 0, text: `${stdout ?? ''}${stderr ?? ''}` };
}

/** The folder of a Node of this major version, with bin/ and include/. */
function install(version, folder) {
  const name = `node-linux-${process.arch}`;
  const prefix = join(folder, 'node_modules', name);
  if (existsSync(join(prefix, 'bin', 'node'))) return { ok: true, prefix };
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{"private":true}');
  return { ...run('npm', ['install', `${name}@${version}`, '--no-audit', '--no-fund'], folder), prefix };
}

function testOn(version) {
  const folder = join(root, '.cache', 'matrix', `node-${version}`);
  const { ok, prefix, text } = install(version, folder);
  if (!ok) return { version, ok, summary: 'not run: npm has no such Node for this machine', text };
  const clone = join(folder, 'cairn');
  rmSync(clone, { recursive: true, force: true });
  run('git', ['clone', '-q', root, clone], folder);
  const env = {
    ...process.env,
    PATH: `${join(prefix, 'bin')}:${process.env.PATH}`,
    npm_config_nodedir: prefix,
    CAIRN_REAL_DATA: process.env.CAIRN_REAL_DATA ?? join(root, '..', 'shared', 'data'),
  };
  const actual = run('node', ['--version'], clone, env).text.trim();
  process.stdout.write(`node ${actual}: npm test …\n`);
  const tested = run('npm', ['test'], clone, env);
  const counts = tested.text.match(/^(?:#|ℹ) (?:tests|pass|fail|skipped) \d+$/gm) ?? [];
  return {
    version: actual,
    ok: tested.ok,
    summary: counts.map((line) => line.slice(2)).join(', '),
    text: tested.text,
  };
}

const results = versions.map(testOn);
for (const { version, ok, summary } of results)
  process.stdout.write(`${version}: ${ok ? 'passed' : 'FAILED'}: ${summary}\n`);
/** The failed tests with what they said, else the end of the output. */
function failures(text) {
  const failed = text.match(/^ *not ok [\s\S]*?^ *\.\.\.$/gm);
  return failed ? failed.join('\n') : text.slice(-8000);
}

for (const { version, ok, text } of results)
  if (!ok) process.stdout.write(`\n=== ${version}\n${failures(text)}\n`);
process.exit(results.every(({ ok }) => ok) ? 0 : 1);
