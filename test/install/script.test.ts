import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { root } from '../house/imports.js';

const has = (program: string) => spawnSync('sh', ['-c', `command -v ${program}`]).status === 0;
const lacking = [
  process.getuid?.() === 0 ? undefined : 'root',
  ...['apt-get', 'systemd-sysusers', 'setpriv'].map((name) => (has(name) ? undefined : name)),
].filter((name) => name !== undefined);
const skip = lacking.length > 0 ? `not here: ${lacking.join(', ')}` : false;

/** A root of its own with the users of a fresh Debian, and a clone that was built. Nothing outside of it is written. */
function bench(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'cairn-install-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const at = (...names: string[]) => join(folder, ...names);
  for (const name of ['root/etc', 'bin', 'clone/native/build/Release', 'clone/dist'])
    mkdirSync(at(name), { recursive: true });
  writeFileSync(at('root/etc/passwd'), 'root:x:0:0:root:/root:/bin/bash\n');
  writeFileSync(at('root/etc/group'), 'root:x:0:\ndialout:x:20:\n');
  writeFileSync(at('root/etc/shadow'), 'root:*:19000:0:99999:7:::\n');
  for (const name of ['package.json', 'package-lock.json', 'LICENSE', 'bin', 'board-configs', 'install'])
    cpSync(join(root, name), at('clone', name), { recursive: true });
  for (const name of ['runtime', 'drivers', 'native', 'wire'])
    cpSync(join(import.meta.dirname, '../..', name), at('clone/dist', name), { recursive: true });
  symlinkSync(join(root, 'node_modules'), at('clone/node_modules'));
  cpSync(join(root, 'native/binding.gyp'), at('clone/native/binding.gyp'));
  writeFileSync(at('clone/native/build/Release/cairn.node'), 'an add-on');
  // Stands in for the registry: notes how it was called, and lays down packages that can be loaded.
  program(
    at('bin/npm'),
    `echo "$@" >>${at('npm.log')}
for name in i2c-bus onoff classic-level serialport typescript @typescript/native; do
  mkdir -p node_modules/$name; echo 'module.exports = 1' >node_modules/$name/index.js
done`,
  );
  const run = (env: NodeJS.ProcessEnv = {}, wrapper: readonly string[] = []) =>
    spawnSync(
      [...wrapper, 'sh'][0]!,
      [...wrapper.slice(1), ...(wrapper.length > 0 ? ['sh'] : []), at('clone/install/install.sh')],
      {
        encoding: 'utf8',
        env: { ...process.env, PATH: `${at('bin')}:${process.env.PATH}`, CAIRN_ROOT: at('root'), ...env },
      },
    );
  return { at, run };
}

function program(path: string, body: string): void {
  writeFileSync(path, `#!/bin/sh\n${body}\n`);
  chmodSync(path, 0o755);
}

/** Every path with its kind, mode, owner, number, time and content. */
function tree(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .sort()
    .map((path) => {
      const at = join(folder, path);
      const { mode, uid, gid, mtimeMs, ino } = lstatSync(at);
      const content = lstatSync(at).isSymbolicLink()
        ? readlinkSync(at)
        : lstatSync(at).isFile()
          ? createHash('sha256').update(readFileSync(at)).digest('hex')
          : '';
      // A folder's time is moved by whoever looks for work in it (systemd-sysusers locks /etc).
      const time = lstatSync(at).isDirectory() ? 'folder' : mtimeMs;
      return [path, mode.toString(8), uid, gid, time, ino, content].join(' ');
    });
}

test('twice in a row changes nothing', { skip }, (t) => {
  const { at, run } = bench(t);
  const first = run();
  assert.equal(first.status, 0, first.stderr);
  const after = tree(at('root'));
  const second = run();
  assert.equal(second.status, 0, second.stderr);
  assert.deepEqual(tree(at('root')), after);
  const called = readFileSync(at('npm.log'), 'utf8').trim().split('\n');
  assert.equal(called.length, 1);
  assert.match(called[0] ?? '', /^ci --workspaces=false --omit=dev /);
});

test('what a node needs is there, and nothing else', { skip }, (t) => {
  const { at, run } = bench(t);
  run();
  const text = (path: string) => readFileSync(at('root', path), 'utf8');
  assert.match(text('etc/passwd'), /^cairn:x:\d+:\d+:Cairn node:\/var\/lib\/cairn:/m);
  assert.match(text('etc/shadow'), /^cairn:!/m);
  for (const group of ['gpio', 'i2c', 'dialout'])
    assert.match(text('etc/group'), new RegExp(`^${group}:.*:cairn$`, 'm'));
  assert.equal(readlinkSync(at('root/usr/local/bin/cairn')), '../lib/cairn/bin/cairn');
  for (const unit of ['cairn.service', 'cairn-clock.service', 'cairn-clock.path', 'cairn-reboot.path']) {
    assert.equal(
      readlinkSync(at('root/etc/systemd/system/multi-user.target.wants', unit)),
      `/etc/systemd/system/${unit}`,
    );
    assert.match(text(`etc/systemd/system/${unit}`), /^\[Unit\]$/m);
  }
  for (const name of ['fleet', 'test', 'dist/test', 'dist/fleet', 'dist/hil', 'node_modules/typescript'])
    assert.equal(existsSync(at('root/usr/local/lib/cairn', name)), false, name);
  assert.equal(existsSync(at('root/usr/local/lib/cairn/dist/runtime/main.js')), true);
});

test('a new build replaces the runtime; the node file stays as it was written', { skip }, (t) => {
  const { at, run } = bench(t);
  run();
  writeFileSync(at('root/etc/cairn/node.yaml'), 'node: mine\n');
  writeFileSync(at('clone/dist/runtime/main.js'), "console.log('newer');\n");
  assert.equal(run().status, 0);
  assert.match(readFileSync(at('root/usr/local/lib/cairn/dist/runtime/main.js'), 'utf8'), /newer/);
  assert.equal(readFileSync(at('root/etc/cairn/node.yaml'), 'utf8'), 'node: mine\n');
  assert.deepEqual(
    readdirSync(at('root/usr/local/lib')).filter((name) => name.startsWith('cairn')),
    ['cairn'],
  );
});

test('it refuses, and says why: no root, no apt, an old Node, no build, a package that could not be built', {
  skip,
}, (t) => {
  const { at, run } = bench(t);
  chmodSync(at(), 0o755);
  const refused = (what: RegExp, result: { status: number | null; stderr: string }) => {
    assert.equal(result.status, 1, result.stderr);
    assert.match(result.stderr, what);
    assert.equal(existsSync(at('root/usr/local/lib/cairn')), false);
  };
  refused(/run it as root/, run({}, ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups']));
  mkdirSync(at('few'));
  for (const name of ['sh', 'id', 'dirname', 'node', 'cmp', 'pwd'])
    if (has(name))
      symlinkSync(
        spawnSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).stdout.trim(),
        at('few', name),
      );
  refused(/no apt-get/, run({ PATH: at('few') }));
  mkdirSync(at('old'));
  program(at('old/node'), 'case $1 in --version) echo v18.20.4 ;; *) exit 1 ;; esac');
  refused(/Node v18\.20\.4 .* too old: 20\.19/, run({ PATH: `${at('old')}:${process.env.PATH}` }));
  program(at('bin/npm'), 'mkdir -p node_modules');
  refused(/could not be built for this Node: apt install build-essential/, run());
  rmSync(at('clone/dist/runtime'), { recursive: true });
  refused(/is not built/, run());
});
