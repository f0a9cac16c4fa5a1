import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { drivers } from '../drivers/index.js';
import { boardSchema, nodeSchema } from '../runtime/config/index.js';
import { errorTable, type WrongFile } from './config-errors.js';

/** Writes what is made from the code: the JSON Schemas that editors complete from, and the table of wrong node files. */

/** Generated files by their path from the project's root. */
export function generated(root: string): Readonly<Record<string, string>> {
  return {
    'board-configs/node.schema.json': json(nodeSchema({ drivers })),
    'board-configs/board.schema.json': json(boardSchema()),
    'docs/config-errors.md': errorTable(wrongFiles(root)),
  };
}

function json(schema: object): string {
  return `${JSON.stringify(schema, undefined, 2)}\n`;
}

export function wrongFiles(root: string): readonly WrongFile[] {
  const folder = join(root, 'test', 'config', 'wrong');
  return readdirSync(folder)
    .filter((name) => name.endsWith('.yaml'))
    .sort()
    .map((name) => ({ name, text: readFileSync(join(folder, name), 'utf8') }));
}

if (import.meta.filename === process.argv[1]) {
  for (const [path, text] of Object.entries(generated(process.cwd()))) {
    writeFileSync(join(process.cwd(), path), text);
    process.stdout.write(`${path}\n`);
  }
}
