import { copyFileSync, cpSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Arch, archs } from '../machine/arch.js';
import type { GuestNode } from './node.js';

/** What a machine of an architecture needs beside Node to run the suites of a rig. */
export interface Packed {
  readonly arch: Arch;
  readonly node: GuestNode;
  readonly project: string;
  /** Where the project's TypeScript was compiled to. */
  readonly compiled: string;
  readonly rigFile: string;
}

/** The compiled project with what its package.json names, but the add-ons as they were compiled for the guest. */
export function packProject({ arch, node, project, compiled, rigFile }: Packed, to: string): void {
  cpSync(compiled, join(to, 'dist'), { recursive: true });
  copyFileSync(rigFile, join(to, 'rig.yaml'));
  mkdirSync(join(to, 'native'));
  for (const path of ['package.json', 'package-lock.json', 'native/binding.gyp'])
    copyFileSync(join(project, path), join(to, path));
  cpSync(join(project, 'board-configs'), join(to, 'board-configs'), { recursive: true });
  addPackages(to, project, archs[arch].nodeArch);
  for (const [name, from] of Object.entries(node.addons)) {
    const package_ = name === 'native' ? name : join('node_modules', name);
    cpSync(from, join(to, package_, 'build/Release'), { recursive: true });
  }
}

function addPackages(to: string, project: string, nodeArch: string): void {
  const other = new RegExp(`/(obj\\.target|build/Release|prebuilds/(?!linux-${nodeArch}(/|$))[^/]*)(/|$)`);
  const seen = new Set<string>();
  const add = (name: string): void => {
    const from = join(project, 'node_modules', name);
    if (seen.has(name) || !existsSync(from)) return;
    seen.add(name);
    const filter = (path: string) => !other.test(path);
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
