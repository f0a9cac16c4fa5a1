// Sets up a clone: dependencies, the native add-on, the compiled TypeScript. Plain Node, because nothing is installed yet.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));
const stampFile = join(root, 'node_modules', '.cairn-setup.json');

function say(text) {
  process.stderr.write(`[setup] ${text}\n`);
}

function fail(text) {
  process.stderr.write(`[setup] ${text}\n`);
  process.exit(1);
}

/** Runs a command; its output is only shown when it fails. */
function run(command, args, what, options = {}) {
  const result = spawnSync(command, args, { cwd: root, encoding: 'utf8', maxBuffer: 64 << 20, ...options });
  if (result.status === 0) return result.stdout;
  fail(
    `${what} failed (${command} ${args.join(' ')}):\n${result.stdout ?? ''}${result.stderr ?? ''}${result.error ?? ''}`,
  );
}

function hash(paths) {
  const sum = createHash('sha256');
  for (const path of paths) sum.update(path).update(readFileSync(join(root, path)));
  return sum.digest('hex');
}

function filesBelow(folder, pattern) {
  return readdirSync(join(root, folder), { recursive: true })
    .map((name) => join(folder, String(name)))
    .filter(
      (name) =>
        pattern.test(name) && !name.includes(`${folder}/build/`) && statSync(join(root, name)).isFile(),
    )
    .sort();
}

function readStamp() {
  return existsSync(stampFile) ? JSON.parse(readFileSync(stampFile, 'utf8')) : {};
}

function writeStamp(stamp) {
  mkdirSync(dirname(stampFile), { recursive: true });
  writeFileSync(stampFile, JSON.stringify(stamp));
}

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 19))
    fail(`Node ${process.versions.node} is too old: 20.19 or later is needed`);
}

function installDependencies(stamp) {
  const wanted = hash(['package.json', 'package-lock.json', 'fleet/package.json']) + process.versions.modules;
  if (stamp.dependencies === wanted) return;
  say('installing dependencies (npm ci)');
  run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], 'npm ci', {
    shell: process.platform === 'win32',
  });
  writeStamp({ dependencies: wanted });
}

/** Headers beside the running Node (a tarball's, or Debian's libnode-dev), so that nothing is downloaded where they are there. */
export function nodeHeaders() {
  const prefix = dirname(dirname(process.execPath));
  return [prefix, '/usr'].find((folder) => {
    const header = join(folder, 'include/node/node_version.h');
    return (
      existsSync(header) &&
      readFileSync(header, 'utf8').includes(`NODE_MAJOR_VERSION ${process.versions.node.split('.')[0]}\n`)
    );
  });
}

function buildNative(stamp) {
  const wanted = hash(filesBelow('native', /\.(c|h|gyp)$/)) + process.arch;
  const prebuilt = join(root, 'native/prebuilds', `linux-${process.arch}`);
  if (existsSync(prebuilt)) return;
  if (stamp.native === wanted && existsSync(join(root, 'native/build/Release/cairn.node'))) return;
  say('building the native add-on (node-gyp)');
  const headers = nodeHeaders();
  run(
    process.execPath,
    [
      join(root, 'node_modules/node-gyp/bin/node-gyp.js'),
      'rebuild',
      '-C',
      'native',
      ...(headers ? [`--nodedir=${headers}`] : []),
    ],
    'the native build: a C compiler, make and python3 are needed (Debian: build-essential python3)',
  );
  writeStamp({ ...readStamp(), native: wanted });
}

function compile() {
  say('compiling TypeScript');
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  run(process.execPath, [tsc], 'tsc');
  run(process.execPath, [tsc, '-p', 'fleet/web/browser'], "tsc of the browser's part");
}

/** Debian packages that tests use; installed only as root and only where apt is there. What is absent is skipped by name. */
function installPackages() {
  const wanted = {
    mosquitto: 'mosquitto',
    socat: 'socat',
    tmux: 'tmux',
    qrencode: 'qrencode',
    zbarimg: 'zbar-tools',
    strace: 'strace',
    openssl: 'openssl',
    clang: 'clang',
    chromium: 'chromium',
    smsd: 'smstools',
    initdb: 'postgresql-15',
    caddy: 'caddy',
    'docker-compose': 'docker-compose',
  };
  const missing = Object.entries(wanted)
    .filter(([tool]) => !onPath(tool))
    .map(([, name]) => name);
  if (missing.length === 0) return;
  if (process.getuid?.() !== 0 || !onPath('apt-get')) {
    say(`not installed: ${missing.join(', ')} (tests that need them are skipped by name)`);
    return;
  }
  say(`installing Debian packages for the tests: ${missing.join(', ')}`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  // A server for the tests only: they make their own databases.
  if (missing.includes('postgresql-15') && !existsSync('/etc/postgresql-common')) {
    mkdirSync('/etc/postgresql-common');
    writeFileSync('/etc/postgresql-common/createcluster.conf', 'create_main_cluster = false\n');
  }
  // Not a server on port 80 either.
  const caddyUnit = '/etc/systemd/system/caddy.service';
  if (missing.includes('caddy') && !existsSync(caddyUnit)) {
    mkdirSync(dirname(caddyUnit), { recursive: true });
    symlinkSync('/dev/null', caddyUnit);
  }
  const apt = (...args) => spawnSync('apt-get', args, { encoding: 'utf8', env });
  apt('update', '-qq');
  const result = apt(
    'install',
    '-y',
    '-qq',
    '--no-install-recommends',
    ...missing,
    ...(missing.includes('clang') ? ['libclang-rt-14-dev'] : []),
  );
  if (result.status !== 0)
    say(`apt-get could not install them (tests that need them are skipped by name):\n${result.stderr}`);
}

function onPath(tool) {
  const folders = `${process.env.PATH ?? ''}:/usr/sbin:/sbin:/usr/lib/postgresql/15/bin`.split(':');
  return folders.some((folder) => existsSync(join(folder, tool)));
}

export function setup(purpose) {
  checkNode();
  installDependencies(readStamp());
  buildNative(readStamp());
  if (purpose === 'test') installPackages();
  compile();
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) setup(process.argv[2] ?? 'build');
