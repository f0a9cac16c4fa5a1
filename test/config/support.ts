import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import {
  type ConfigDeps,
  formatProblem,
  type LoadedConfig,
  loadConfig,
  type NodeConfig,
} from '../../runtime/config/index.js';
import { drivers } from './registry.js';

/** The project's root, from wherever this was compiled to. */
export const root = findRoot(import.meta.dirname);

function findRoot(from: string): string {
  return existsSync(join(from, 'package.json')) ? from : findRoot(dirname(from));
}

export const deps: ConfigDeps = {
  readFile: (path) => readFileSync(path, 'utf8'),
  listFiles: (directory) => readdirSync(directory),
  registry: { drivers },
  boardsPath: join(root, 'board-configs', 'boards'),
};

/** Loads a text as if it were the file `node.yaml`; other files beside it by name. */
export function load(text: string, files: Readonly<Record<string, string>> = {}): LoadedConfig {
  const texts: Readonly<Record<string, string>> = { 'node.yaml': text, ...files };
  const readFile = (path: string) => texts[path] ?? deps.readFile(path);
  return loadConfig('node.yaml', { ...deps, readFile });
}

export function mustLoad(text: string, files: Readonly<Record<string, string>> = {}): NodeConfig {
  const loaded = load(text, files);
  if (!loaded.ok) throw new Error(messages(loaded).join('\n'));
  return loaded.config;
}

/** Its problems as a user reads them, with paths from the project's root. */
export function messages(loaded: LoadedConfig): readonly string[] {
  if (loaded.ok) return [];
  return loaded.problems.map((problem) => formatProblem(problem).replaceAll(`${root}/`, ''));
}

export function fromRoot(path: string): string {
  return relative(root, path);
}
