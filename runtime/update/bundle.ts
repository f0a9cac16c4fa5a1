import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { registry } from '../board/index.js';
import { type ConfigDeps, type LoadedConfig, loadConfig } from '../config/index.js';
import { packageRoot } from '../package.js';

/** Of a bundle as JSON: it travels through the console's inbox and lies in the node's state folder. */
export const BUNDLE_MAX_BYTES = 256 * 1024;

/**
 * A configuration as one thing: the node file with every file that was read for it, except the package's own board files. Secrets are files
 * that it names, never part of it.
 */
export interface Bundle {
  /** Absolute path of the node file: what it includes is named relative to it. */
  readonly main: string;
  /** Text by absolute path. */
  readonly files: Readonly<Record<string, string>>;
  /** Hex, of `files` (`digestOf`). */
  readonly sha256: string;
}

export const bundleSchema: v.GenericSchema<unknown, Bundle> = v.pipe(
  v.strictObject({ main: v.string(), files: v.record(v.string(), v.string()), sha256: v.string() }),
  v.check(({ main, files }) => Object.hasOwn(files, main), 'a bundle holds its node file'),
  v.check(({ files, sha256 }) => digestOf(files) === sha256, 'a bundle is what its SHA-256 says'),
  v.check((bundle) => sizeOf(bundle) <= BUNDLE_MAX_BYTES, `a bundle has ${BUNDLE_MAX_BYTES} bytes at most`),
);

/** SHA-256 (hex) over path and text of each file, in the paths' order, a NUL after each. */
function digestOf(files: Bundle['files']): string {
  const hash = createHash('sha256');
  for (const path of Object.keys(files).sort()) hash.update(`${path}\0${files[path]}\0`);
  return hash.digest('hex');
}

/** Bytes as JSON. */
export function sizeOf(bundle: Bundle): number {
  return Buffer.byteLength(JSON.stringify(bundle));
}

/** Reads a node file by the real loader; the bundle is of all that was read, whether the configuration is right or wrong. */
export function readBundle(
  main: string,
  readFile: (path: string) => string = (path) => readFileSync(path, 'utf8'),
): { readonly bundle: Bundle; readonly loaded: LoadedConfig } {
  const files: Record<string, string> = {};
  const loaded = loadConfig(
    main,
    depsOf((path) => {
      files[path] = readFile(path);
      return files[path];
    }),
  );
  return { bundle: { main, files, sha256: digestOf(files) }, loaded };
}

/** The configuration of a bundle: its files come from it, and from nowhere else. */
export function loadBundle({ main, files }: Bundle): LoadedConfig {
  return loadConfig(
    main,
    depsOf((path) => {
      const text = Object.hasOwn(files, path) ? files[path] : undefined;
      if (text === undefined)
        throw Object.assign(new Error(`not in the bundle: ${path}`), { code: 'ENOENT' });
      return text;
    }),
  );
}

/** The package's own board files are read where they lie. */
function depsOf(readFile: (path: string) => string): ConfigDeps {
  const boardsPath = join(packageRoot(), 'board-configs', 'boards');
  return {
    readFile: (path) => (path.startsWith(`${boardsPath}/`) ? readFileSync(path, 'utf8') : readFile(path)),
    listFiles: (folder) => readdirSync(folder),
    registry,
    boardsPath,
  };
}
