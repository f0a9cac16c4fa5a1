import { createHash } from 'node:crypto';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { compileAddon, NODE_MAJOR } from '../compile.js';
import { type Arch, archs } from '../machine/arch.js';
import { freshFolder, run, say } from '../shell.js';

/** What must not be on a node: the fleet, and what only builds or tests. */
const FORBIDDEN = ['fleet', 'test', 'hil', 'bench', 'dist/fleet', 'dist/test', 'dist/hil', 'dist/bench'];
const FORBIDDEN_PACKAGES = [
  'typescript',
  '@typescript',
  '@biomejs',
  'c8',
  'esbuild',
  '@esbuild',
  'node-gyp',
  'fast-check',
  'aedes',
  'cairn-fleet',
];
/** Compiled against one Node version and machine; the others bring files for each. */
const COMPILED_PACKAGES = ['i2c-bus', 'epoll'];

export interface NodeBinary {
  readonly version: string;
  readonly folder: string;
}

/** Node from npm's `node-linux-<arch>`: the program and its headers. */
function nodeBinary(arch: Arch, cache: string): NodeBinary {
  const name = `node-linux-${archs[arch].nodeArch}`;
  const home = join(cache, `node-${NODE_MAJOR}-${arch}`);
  const folder = join(home, 'node_modules', name);
  if (!existsSync(home)) {
    say(`Node ${NODE_MAJOR} for ${arch} from npm`);
    const draft = freshFolder(`${home}.${process.pid}`);
    writeFileSync(join(draft, 'package.json'), '{"private":true}');
    const spec = `${name}@${NODE_MAJOR}`;
    run('npm', ['install', '--force', '--no-save', '--no-audit', '--no-fund', '--ignore-scripts', spec], {
      cwd: draft,
    });
    renameSync(draft, home);
  }
  const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { version: string };
  return { version, folder };
}

export interface RuntimeSources {
  readonly project: string;
  /** Where the project's TypeScript was compiled to. */
  readonly dist: string;
}

/** What is built apart and kept: node_modules and the add-on for one architecture. Their names tell what they were made of. */
export interface BuiltParts {
  readonly node: NodeBinary;
  readonly packages: string;
  readonly addon: string;
}

export function buildParts(arch: Arch, cache: string, project: string): BuiltParts {
  const node = nodeBinary(arch, cache);
  return {
    node,
    packages: installPackages(arch, cache, project, node),
    addon: buildAddon(arch, cache, project, node),
  };
}

/** Puts the whole runtime for `arch` into a fresh folder `to`: what install/stage.sh copies, packages and add-ons. */
export function installRuntime(arch: Arch, built: BuiltParts, sources: RuntimeSources, to: string): void {
  run('sh', [join(sources.project, 'install/stage.sh'), sources.project, sources.dist, to]);
  cpSync(built.packages, join(to, 'node_modules'), { recursive: true });
  const prebuilt = join(to, 'native/prebuilds', `linux-${archs[arch].nodeArch}`);
  rmSync(join(to, 'native/build'), { recursive: true, force: true });
  rmSync(join(to, 'native/prebuilds'), { recursive: true, force: true });
  mkdirSync(prebuilt, { recursive: true });
  cpSync(built.addon, join(prebuilt, 'cairn.napi.node'));
  assertOnlyRuntime(to);
}

/** Throws where something is in it that a node has no use for. */
export function assertOnlyRuntime(folder: string): void {
  const found = [
    ...FORBIDDEN.filter((name) => existsSync(join(folder, name))),
    ...FORBIDDEN_PACKAGES.map((name) => join('node_modules', name)).filter((name) =>
      existsSync(join(folder, name)),
    ),
  ];
  if (found.length > 0) throw new Error(`the runtime's folder holds what no node may: ${found.join(', ')}`);
}

/** node_modules by the lock file, without workspaces and development's packages, with the add-ons built for `arch`. */
function installPackages(arch: Arch, cache: string, project: string, node: NodeBinary): string {
  const lock = readFileSync(join(project, 'package-lock.json'));
  const manifest = readFileSync(join(project, 'package.json'));
  const { dependencies, optionalDependencies } = JSON.parse(manifest.toString()) as Record<string, object>;
  const key = hash(['3', JSON.stringify([dependencies, optionalDependencies]), lock, node.version]);
  const home = join(cache, `packages-${arch}-${key}`);
  if (existsSync(home)) return join(home, 'node_modules');
  say(`npm ci for ${arch}, Node ${node.version}`);
  const draft = freshFolder(`${home}.${process.pid}`);
  writeFileSync(join(draft, 'package.json'), manifest);
  writeFileSync(join(draft, 'package-lock.json'), lock);
  const { nodeArch } = archs[arch];
  const flags = ['--workspaces=false', '--omit=dev', '--ignore-scripts', '--no-audit', '--no-fund'];
  run('npm', ['ci', ...flags, `--cpu=${nodeArch}`, '--os=linux', '--libc=glibc'], {
    cwd: draft,
  });
  // An optional peer of valibot, and development's: npm leaves it out only where all that is optional is left out.
  for (const name of ['typescript', '@typescript', '.bin'])
    rmSync(join(draft, 'node_modules', name), { recursive: true, force: true });
  for (const name of COMPILED_PACKAGES) {
    const folder = join(draft, 'node_modules', name);
    compileAddon(arch, project, node.folder, folder);
    keepOnly(join(folder, 'build'), ['Release']);
    keepOnly(
      join(folder, 'build/Release'),
      readdirSync(join(folder, 'build/Release')).filter((f) => f.endsWith('.node')),
    );
  }
  dropForeign(join(draft, 'node_modules'), nodeArch);
  renameSync(draft, home);
  return join(home, 'node_modules');
}

/** Files for other machines, and C++ sources that were built elsewhere. */
function dropForeign(modules: string, nodeArch: string): void {
  for (const path of readdirSync(modules, { recursive: true, encoding: 'utf8' })) {
    if (path.endsWith('/prebuilds')) keepOnly(join(modules, path), [`linux-${nodeArch}`]);
  }
  rmSync(join(modules, 'classic-level/deps'), { recursive: true, force: true });
}

function keepOnly(folder: string, names: readonly string[]): void {
  for (const name of readdirSync(folder)) {
    if (!names.includes(name)) rmSync(join(folder, name), { recursive: true });
  }
}

function buildAddon(arch: Arch, cache: string, project: string, node: NodeBinary): string {
  const native = join(project, 'native');
  const sources = readdirSync(native, { recursive: true, encoding: 'utf8' })
    .filter((path) => /\.(c|h|gyp)$/.test(path) && !/^(build|prebuilds|test|fuzz)\//.test(path))
    .sort();
  const key = hash([node.version, ...sources.flatMap((path) => [path, readFileSync(join(native, path))])]);
  const home = join(cache, `addon-${arch}-${key}`);
  const file = join(home, 'build/Release/cairn.node');
  if (existsSync(file)) return file;
  say(`building the add-on for ${arch}`);
  const draft = freshFolder(`${home}.${process.pid}`);
  for (const path of sources) cpSync(join(native, path), join(draft, path), { recursive: true });
  compileAddon(arch, project, node.folder, draft);
  rmSync(home, { recursive: true, force: true });
  renameSync(draft, home);
  return file;
}

export function hash(parts: readonly (string | Buffer)[]): string {
  const sum = createHash('sha256');
  for (const part of parts) sum.update(String(part.length)).update('\0').update(part);
  return sum.digest('hex').slice(0, 16);
}
