import { dirname, join } from 'node:path';
import type { Problems } from './problem.js';
import { find, type MapTree, merge } from './tree.js';
import type { Place } from './types.js';
import { parseYaml } from './yaml.js';

/** The disk as configuration sees it. */
export interface ConfigFiles {
  /** The text of a file; throws what node:fs throws. */
  readonly readFile: (path: string) => string;
  /** Names in a directory, for messages that list what there is; empty where it can't be read. */
  readonly listFiles?: (directory: string) => readonly string[];
}

const MAX_INCLUDE_DEPTH = 8;

const READ_ERRORS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'this user may not read it',
  EISDIR: 'it is a directory',
  ENOTDIR: 'its path leads through a file',
};

export function whyUnreadable(error: unknown): string {
  const code = String((error as { code?: unknown } | null)?.code ?? error);
  return READ_ERRORS[code] ?? `reading fails with ${code}`;
}

/** Who asked for a file: where a problem is put when it can't be read. */
interface Asked {
  readonly place: Place;
  readonly what: string;
  readonly wanted: () => string;
}

/** One YAML file as a tree. */
export function readYaml(
  file: string,
  files: ConfigFiles,
  asked: Asked,
  problems: Problems,
): MapTree | undefined {
  let text: string;
  try {
    text = files.readFile(file);
  } catch (error) {
    problems.add(asked.place, `${asked.what}: ${whyUnreadable(error)} (${file})`, asked.wanted());
    return undefined;
  }
  return parseYaml(file, text, problems);
}

/** A node file with all that it includes, laid under it. */
export function readNodeFile(file: string, files: ConfigFiles, problems: Problems): MapTree | undefined {
  const asked = {
    place: { file, line: 1, column: 1 },
    what: 'the node file',
    wanted: () => 'the path of a node file',
  };
  return readIncluding(file, files, asked, [], problems);
}

function readIncluding(
  file: string,
  files: ConfigFiles,
  asked: Asked,
  chain: readonly string[],
  problems: Problems,
): MapTree | undefined {
  if (chain.includes(file) || chain.length > MAX_INCLUDE_DEPTH) {
    const what = chain.includes(file) ? 'includes itself' : 'is included too deep';
    problems.add(
      asked.place,
      `${asked.what} ${what}`,
      `a chain of at most ${MAX_INCLUDE_DEPTH} files, without a circle`,
    );
    return undefined;
  }
  const own = readYaml(file, files, asked, problems);
  if (!own) return undefined;
  const include = find(own, ['include']);
  if (include.found === 0 || include.tree.kind !== 'list') return own;
  let under: MapTree = { kind: 'map', place: own.place, entries: new Map() };
  for (const item of include.tree.items) {
    if (item.kind !== 'scalar' || typeof item.value !== 'string') continue; // the schema reports it
    const path = join(dirname(file), item.value);
    const what = `include ${item.value}`;
    const wanted = () => 'the path of a fragment, relative to this file';
    const fragment = readIncluding(
      path,
      files,
      { place: item.place, what, wanted },
      [...chain, file],
      problems,
    );
    if (fragment) under = merge(under, fragment);
  }
  return merge(under, own);
}
