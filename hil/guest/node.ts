import { createHash } from 'node:crypto';
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { join } from 'node:path';
import { type Arch, archs } from '../machine/arch.js';
import { run, say } from '../shell.js';
import { fresh } from './debian.js';

/** The Node that images ship. */
export const NODE_MAJOR = 24;
/** Compiled for each major of Node (NAN), where the others bring Node-API binaries. */
const NAN_PACKAGES = ['i2c-bus', 'epoll'];

/** The guest's Node, and the add-ons that were compiled for it. */
export interface GuestNode {
  readonly program: string;
  /** By package: what belongs into its build/Release. `native` is our own. */
  readonly addons: Readonly<Record<string, string>>;
}

/** Node and its headers from npm, the add-ons compiled against them: by Debian's cross compiler where the guest is no amd64. */
export function prepareNode(arch: Arch, cache: string, project: string): GuestNode {
  const folder = join(cache, `node-${NODE_MAJOR}-${arch}`);
  if (!existsSync(folder)) fetchNode(arch, folder);
  const sources = [
    join(project, 'native'),
    ...NAN_PACKAGES.map((name) => join(project, 'node_modules', name)),
  ];
  const built = join(folder, `addons-${hashOf(sources)}`);
  if (!existsSync(built)) buildAddons(arch, folder, project, built);
  const addons = ['native', ...NAN_PACKAGES].map((name) => [name, join(built, name)] as const);
  return { program: join(folder, 'package/bin/node'), addons: Object.fromEntries(addons) };
}

function fetchNode(arch: Arch, folder: string): void {
  const name = `node-linux-${archs[arch].nodeArch}@${NODE_MAJOR}`;
  say(`downloading ${name} from npm`);
  const made = fresh(`${folder}.new`);
  run('npm', ['pack', '--silent', name], { cwd: made });
  const archive = readdirSync(made).find((file) => file.endsWith('.tgz'))!;
  run('tar', ['-xzf', archive], { cwd: made });
  rmSync(join(made, archive));
  renameSync(made, folder);
}

function buildAddons(arch: Arch, folder: string, project: string, built: string): void {
  say(`compiling the add-ons for Node ${NODE_MAJOR} on ${arch}: native, ${NAN_PACKAGES.join(', ')}`);
  const build = fresh(`${built}.new`);
  const work = fresh(`${built}.work`);
  const modules = join(work, 'node_modules');
  for (const name of ['nan', ...NAN_PACKAGES])
    cpSync(join(project, 'node_modules', name), join(modules, name), { recursive: true, filter: isSource });
  cpSync(join(project, 'native'), join(work, 'native'), { recursive: true, filter: isSource });
  for (const name of ['native', ...NAN_PACKAGES]) {
    const source = name === 'native' ? join(work, name) : join(modules, name);
    compile(arch, source, join(folder, 'package'), project);
    mkdirSync(join(build, name));
    const release = join(source, 'build/Release');
    for (const file of readdirSync(release).filter((entry) => entry.endsWith('.node')))
      copyFileSync(join(release, file), join(build, name, file));
  }
  rmSync(work, { recursive: true });
  renameSync(build, built);
}

function compile(arch: Arch, source: string, nodedir: string, project: string): void {
  const { gnu, nodeArch } = archs[arch];
  const [cc, cxx] = [`${gnu}-gcc`, `${gnu}-g++`];
  const gyp = join(project, 'node_modules/node-gyp/bin/node-gyp.js');
  run(process.execPath, [gyp, 'rebuild', '-C', source, `--arch=${nodeArch}`, `--nodedir=${nodedir}`], {
    env: { CC: cc, CXX: cxx, LINK: cxx, AR: `${gnu}-ar` },
  });
}

function isSource(path: string): boolean {
  return !/\/(build|prebuilds|corpus|fuzz)(\/|$)/.test(path);
}

function hashOf(folders: readonly string[]): string {
  const sum = createHash('sha256');
  for (const folder of folders) {
    const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort();
    for (const name of names.filter((path) => /\.(c|cc|h|gyp)$/.test(path) && isSource(join(folder, path))))
      sum.update(name).update(readFileSync(join(folder, name)));
  }
  return sum.digest('hex').slice(0, 12);
}
