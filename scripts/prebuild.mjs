// Builds the native add-on for the boards that nodes run on, with Debian's cross compilers, so that a node needs none:
// `node scripts/prebuild.mjs [x64 arm64 arm]` → native/prebuilds/linux-<arch>/. It is Node-API: one file serves every Node.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { nodeHeaders, root } from './setup.mjs';

const COMPILERS = {
  x64: { cc: 'x86_64-linux-gnu-gcc', packages: 'gcc' },
  arm64: { cc: 'aarch64-linux-gnu-gcc', packages: 'gcc-aarch64-linux-gnu libc6-dev-arm64-cross' },
  arm: { cc: 'arm-linux-gnueabihf-gcc', packages: 'gcc-arm-linux-gnueabihf libc6-dev-armhf-cross' },
};

function fail(text) {
  process.stderr.write(`[prebuild] ${text}\n`);
  process.exit(1);
}

function build(arch) {
  const compiler = COMPILERS[arch];
  if (!compiler) fail(`no such architecture: ${arch}; there are ${Object.keys(COMPILERS).join(', ')}`);
  const work = join(root, '.cache', 'prebuild', arch);
  rmSync(work, { recursive: true, force: true });
  cpSync(join(root, 'native'), work, {
    recursive: true,
    filter: (path) => !/native\/(build|prebuilds)/.test(path),
  });
  const headers = nodeHeaders();
  const args = ['rebuild', '-C', work, `--arch=${arch}`, ...(headers ? [`--nodedir=${headers}`] : [])];
  const env = { ...process.env, CC: compiler.cc, LINK: compiler.cc };
  const made = spawnSync(process.execPath, [join(root, 'node_modules/node-gyp/bin/node-gyp.js'), ...args], {
    encoding: 'utf8',
    env,
  });
  if (made.status !== 0)
    fail(`${arch}: ${compiler.cc} failed (Debian: apt install ${compiler.packages}):\n${made.stderr}`);
  const target = join(root, 'native', 'prebuilds', `linux-${arch}`);
  mkdirSync(target, { recursive: true });
  cpSync(join(work, 'build', 'Release', 'cairn.node'), join(target, 'cairn.napi.node'));
  process.stdout.write(`[prebuild] ${join('native', 'prebuilds', `linux-${arch}`, 'cairn.napi.node')}\n`);
}

for (const arch of process.argv.length > 2 ? process.argv.slice(2) : Object.keys(COMPILERS)) build(arch);
