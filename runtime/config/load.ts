import * as v from 'valibot';
import type { DriverDefinition } from '../../drivers/contract/index.js';
import { Wiring } from './attach.js';
import { readBoard } from './board.js';
import { check } from './check.js';
import { checkConflicts } from './conflicts.js';
import { type ConfigFiles, readNodeFile } from './files.js';
import { readParts } from './parts.js';
import { Problems } from './problem.js';
import { DEFAULT_STORE_PATH, fileEntries } from './schema.js';
import { readFusion, readStore, readUplink } from './sections.js';
import { find, type MapTree } from './tree.js';
import type { ConfigProblem, NodeConfig } from './types.js';

export interface ConfigDeps extends ConfigFiles {
  readonly registry: { readonly drivers: readonly DriverDefinition[] };
  /** The directory of the board files: board-configs/boards. */
  readonly boardsPath: string;
}

export type LoadedConfig =
  | { readonly ok: true; readonly config: NodeConfig; readonly warnings: readonly ConfigProblem[] }
  | { readonly ok: false; readonly problems: readonly ConfigProblem[] };

/** The file's own keys; sections are held against their schemas one by one, so that all is reported at once. */
const outline = v.strictObject({
  ...fileEntries,
  parts: v.record(v.string(), v.unknown(), "a mapping, each part 'name: { driver: … }'"),
  fusion: v.optional(v.unknown()),
  store: v.optional(v.unknown()),
  uplink: v.optional(v.unknown()),
});

/** Reads a node file with its fragments and its board file, and checks all that can be known without the hardware. Never throws. */
export function loadConfig(path: string, deps: ConfigDeps): LoadedConfig {
  const problems = new Problems();
  const warnings = new Problems();
  const node = readNodeFile(path, deps, problems);
  const config = node && readNode(node, deps, problems, warnings);
  if (config && problems.count === 0) return { ok: true, config, warnings: warnings.sorted() };
  return { ok: false, problems: problems.sorted() };
}

/** Where a node file puts its store, whatever else in it is wrong; the default where that can't be told. */
export function storePathIn(path: string, files: ConfigFiles): string {
  const node = readNodeFile(path, files, new Problems());
  const found = node && find(node, ['store', 'path']);
  const isText = found?.tree.kind === 'scalar' && typeof found.tree.value === 'string' && found.found === 2;
  return isText ? String(found.tree.value) : DEFAULT_STORE_PATH;
}

function readNode(
  node: MapTree,
  deps: ConfigDeps,
  problems: Problems,
  warnings: Problems,
): NodeConfig | undefined {
  const file = check(node, outline, '', problems);
  const board = readBoard(node, deps, deps.boardsPath, problems);
  const wiring = board && new Wiring(board);
  const parts = readParts(node, wiring, deps.registry.drivers, problems);
  if (wiring) checkConflicts(wiring.board, parts, problems);
  const fusion = readFusion(node, parts, problems);
  const store = readStore(node, problems);
  const uplink = readUplink(node, problems, warnings);
  if (!file || !wiring || !store) return undefined;
  return {
    name: file.node,
    identityPath: file.identity,
    board: wiring.board,
    parts: parts.map((part) => part.config),
    store,
    logLevel: file.log,
    ...(fusion && { fusion }),
    ...(uplink && { uplink }),
  };
}
