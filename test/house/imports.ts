import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';

/** One import statement of a source file. */
export interface Import {
  readonly from: string;
  readonly line: number;
  /** A file of the project (`drivers/contract/i2c.ts`), or a package or built-in as it is named. */
  readonly to: string;
  readonly typeOnly: boolean;
}

const SOURCES = ['drivers', 'native', 'wire', 'runtime', 'fleet', 'bench', 'hil', 'scripts'];

/** The project's folder, from wherever this file was compiled to. */
export const root = findRoot();

function findRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!readdirSync(folder).includes('package-lock.json')) folder = dirname(folder);
  return folder;
}

/** All product sources with one of the endings, as paths from the root. */
export function sourceFiles(...endings: readonly string[]): readonly string[] {
  return SOURCES.filter((folder) => existsSync(join(root, folder)))
    .flatMap((folder) => {
      const names = readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' });
      return names.map((name) => join(folder, name));
    })
    .filter((path) => endings.some((ending) => path.endsWith(ending)))
    .filter((path) => !/(^|\/)(node_modules|build|dist|corpus)\//.test(path))
    .sort();
}

const IMPORT = /^(import|export)\s+(type\s)?(?:[^'";]*?\sfrom\s+)?'([^']+)'|\bimport\('([^']+)'\)/gm;

export function importsOf(file: string): readonly Import[] {
  const text = readFileSync(join(root, file), 'utf8').replace(/\/\*[\s\S]*?\*\//g, keepLines);
  const found: Import[] = [];
  for (const match of text.matchAll(IMPORT)) {
    const target = match[3] ?? match[4];
    if (!target) continue;
    found.push({
      from: file,
      line: text.slice(0, match.index).split('\n').length,
      to: target.startsWith('.') ? normalize(join(dirname(file), target)).replace(/\.js$/, '.ts') : target,
      typeOnly: match[2] !== undefined,
    });
  }
  return found;
}

function keepLines(comment: string): string {
  return comment.replace(/[^\n]/g, ' ');
}

/** The circles among files, each as its path; type imports count too. */
export function circles(graph: ReadonlyMap<string, readonly string[]>): readonly string[][] {
  const done = new Set<string>();
  const found: string[][] = [];
  const walk = (file: string, path: readonly string[]) => {
    const at = path.indexOf(file);
    if (at >= 0) found.push([...path.slice(at), file]);
    if (at >= 0 || done.has(file)) return;
    for (const next of graph.get(file) ?? []) walk(next, [...path, file]);
    done.add(file);
  };
  for (const file of graph.keys()) walk(file, []);
  return found;
}
