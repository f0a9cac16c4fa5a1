import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { registry } from '../../runtime/board/index.js';
import { formatProblem, loadConfig, type NodeConfig } from '../../runtime/config/index.js';

/** A file that the image carries beside what it is made of; root's and 0644 when nothing is said. */
export interface ImageFile {
  readonly path: string;
  readonly text: string;
  readonly mode?: number;
  /** `user:group`, by the image's names. */
  readonly owner?: string;
}

const FOLDER = '/etc/cairn/config';

/**
 * The node file and all that it includes, for /etc/cairn. The root is read-only and the data partition the only place that isn't, so a
 * node file of the image's own lies over it and says where identity and store are. Throws on a file that `cairn check` would refuse.
 */
export function nodeFiles(
  nodeFile: string,
  project: string,
): { config: NodeConfig; files: readonly ImageFile[] } {
  const path = resolve(nodeFile);
  if (!existsSync(path)) throw new Error(`${nodeFile}: no such node file`);
  const boards = join(project, 'board-configs/boards');
  const read = new Map<string, string>();
  const loaded = loadConfig(path, {
    readFile: (file) => {
      const text = readFileSync(file, 'utf8');
      read.set(resolve(file), text);
      return text;
    },
    listFiles: (folder) => readdirSync(folder),
    registry,
    boardsPath: boards,
  });
  if (!loaded.ok) throw new Error(loaded.problems.map(formatProblem).join('\n'));
  const own = [...read.keys()].filter((file) => !file.startsWith(boards + sep));
  const top = commonFolder(own);
  const place = (file: string) => join(FOLDER, relative(top, file));
  const over = [
    '# Written by npm run image: the node file, and where things are in an image.',
    `include: [${relative('/etc/cairn', place(path))}]`,
    'identity: /var/lib/cairn/identity',
    'store: { path: /var/lib/cairn/store }',
  ];
  return {
    config: loaded.config,
    files: [
      ...own.map((file) => ({ path: place(file), text: read.get(file) ?? '' })),
      { path: '/etc/cairn/node.yaml', text: `${over.join('\n')}\n` },
    ],
  };
}

function commonFolder(files: readonly string[]): string {
  let folder = dirname(files[0] ?? '/');
  while (!files.every((file) => file.startsWith(folder === '/' ? '/' : folder + sep)))
    folder = dirname(folder);
  return folder;
}
