import { createHash } from 'node:crypto';
import { chmodSync, copyFileSync, cpSync, existsSync, readFileSync, renameSync, symlinkSync } from 'node:fs';
import { basename, join } from 'node:path';
import { type Arch, archs } from '../machine/arch.js';
import { freshFolder } from '../shell.js';
import type { GuestNode } from './node.js';

/** What of a run stays the same between two edits: Node, the packages and the add-ons for one architecture, as a folder of the cache. */
export function packBase(arch: Arch, node: GuestNode, cache: string, project: string): string {
  const lock = readFileSync(join(project, 'package-lock.json'));
  const addons = Object.values(node.addons).map((folder) => basename(folder));
  const hash = createHash('sha256').update(lock).update(addons.join()).digest('hex').slice(0, 12);
  const base = join(cache, `base-${arch}-${hash}`);
  if (existsSync(base)) return base;
  const made = freshFolder(`${base}.new`);
  copyFileSync(node.program, join(made, 'node'));
  chmodSync(join(made, 'node'), 0o755);
  addPackages(made, project, archs[arch].nodeArch);
  for (const [name, from] of Object.entries(node.addons)) {
    const owner = name === 'native' ? name : join('node_modules', name);
    cpSync(from, join(made, owner, 'build/Release'), { recursive: true });
  }
  copyFileSync(join(project, 'native/binding.gyp'), join(made, 'native/binding.gyp'));
  renameSync(made, base);
  return base;
}

export interface Project {
  readonly project: string;
  /** Where the project's TypeScript was compiled to. */
  readonly compiled: string;
  readonly rigFile: string;
}

/** The project as it is now, to be put beside a base that stands at `base` on the rig; its rig file is rig.yaml. */
export function packProject({ project, compiled, rigFile }: Project, base: string, to: string): void {
  cpSync(compiled, join(to, 'dist'), { recursive: true, filter: (path) => !path.endsWith('.tsbuildinfo') });
  cpSync(join(project, 'board-configs'), join(to, 'board-configs'), { recursive: true });
  for (const path of ['package.json', 'package-lock.json']) copyFileSync(join(project, path), join(to, path));
  copyFileSync(rigFile, join(to, 'rig.yaml'));
  for (const name of ['node_modules', 'native']) symlinkSync(`${base}/${name}`, join(to, name));
}

function addPackages(to: string, project: string, nodeArch: string): void {
  const other = new RegExp(`/(obj\\.target|build/Release|prebuilds/(?!linux-${nodeArch}(/|$))[^/]*)(/|$)`);
  const seen = new Set<string>();
  const add = (name: string): void => {
    const from = join(project, 'node_modules', name);
    if (seen.has(name) || !existsSync(from)) return;
    seen.add(name);
    const filter = (path: string) => !other.test(path.slice(from.length));
    cpSync(from, join(to, 'node_modules', name), { recursive: true, filter });
    for (const next of dependenciesOf(from)) {
      if (!existsSync(join(from, 'node_modules', next))) add(next);
    }
  };
  for (const name of [...dependenciesOf(project), 'fast-check', 'aedes']) add(name);
}

function dependenciesOf(folder: string): readonly string[] {
  const read = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Record<string, object>;
  return Object.keys({ ...read.dependencies, ...read.optionalDependencies }).filter(
    (name) => name !== 'node-gyp', // compiles, and nothing is compiled there
  );
}
