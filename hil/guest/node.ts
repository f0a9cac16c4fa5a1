import { createHash } from 'node:crypto';
import { copyFileSync, cpSync, existsSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { compileAddon, NODE_MAJOR } from '../compile.js';
import { type Arch, archs } from '../machine/arch.js';
import { freshFolder, run, say } from '../shell.js';

/** Compiled for each major of Node (NAN), where the others bring Node-API binaries. */
const NAN_PACKAGES = ['i2c-bus', 'epoll'];

/** The guest's Node, and the add-ons that were compiled for it. */
export interface GuestNode {
  readonly program: string;
  /** By package: the folder of what belongs into its build/Release. `native` is our own. */
  readonly addons: Readonly<Record<string, string>>;
}

/** Node and its headers from npm, the add-ons compiled against them: by Debian's cross compiler where the guest is no amd64. */
export function prepareNode(arch: Arch, cache: string, project: string): GuestNode {
  const folder = join(cache, `node-${NODE_MAJOR}-${arch}`);
  if (!existsSync(folder)) fetchNode(arch, folder);
  const addons = ['native', ...NAN_PACKAGES].map(
    (name) => [name, addon(arch, folder, project, name)] as const,
  );
  return { program: join(folder, 'package/bin/node'), addons: Object.fromEntries(addons) };
}

function fetchNode(arch: Arch, folder: string): void {
  const name = `node-linux-${archs[arch].nodeArch}@${NODE_MAJOR}`;
  say(`downloading ${name} from npm`);
  const made = freshFolder(`${folder}.new`);
  run('npm', ['pack', '--silent', name], { cwd: made });
  const archive = readdirSync(made).find((file) => file.endsWith('.tgz'))!;
  run('tar', ['-xzf', archive], { cwd: made });
  rmSync(join(made, archive));
  renameSync(made, folder);
}

/** Compiles one add-on, once for each state of its sources. */
function addon(arch: Arch, folder: string, project: string, name: string): string {
  const sources = join(project, name === 'native' ? name : join('node_modules', name));
  const built = join(folder, `${name}-${hashOf(sources)}`);
  if (existsSync(built)) return built;
  say(`compiling the add-on ${name} for Node ${NODE_MAJOR} on ${arch}`);
  const work = freshFolder(`${built}.work`);
  const source = join(work, 'node_modules', name);
  cpSync(sources, source, { recursive: true, filter: (path) => isSource(path.slice(sources.length)) });
  cpSync(join(project, 'node_modules/nan'), join(work, 'node_modules/nan'), { recursive: true });
  compileAddon(arch, project, join(folder, 'package'), source);
  const release = join(source, 'build/Release');
  const made = freshFolder(`${built}.new`);
  for (const file of readdirSync(release).filter((entry) => entry.endsWith('.node')))
    copyFileSync(join(release, file), join(made, file));
  rmSync(work, { recursive: true });
  renameSync(made, built);
  return built;
}

function isSource(path: string): boolean {
  return !/\/(build|prebuilds|corpus|fuzz)(\/|$)/.test(path);
}

function hashOf(folder: string): string {
  const sum = createHash('sha256');
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort();
  for (const name of names.filter((path) => /\.(c|cc|h|gyp)$/.test(path) && isSource(`/${path}`)))
    sum.update(name).update(readFileSync(join(folder, name)));
  return sum.digest('hex').slice(0, 12);
}
