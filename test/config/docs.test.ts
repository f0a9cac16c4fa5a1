import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import * as v from 'valibot';
import { boardFile } from '../../runtime/config/board.js';
import { loadConfig } from '../../runtime/config/index.js';
import {
  fileEntries,
  fusionSchema,
  gpioEntries,
  storeSchema,
  uplinkSchema,
} from '../../runtime/config/schema.js';
import { entriesOf } from '../../runtime/config/shape.js';
import { deps, load, messages, root } from './support.js';

const page = readFileSync(join(root, 'docs', 'config.md'), 'utf8');
const blocks = [...page.matchAll(/^```yaml\n([\s\S]*?)^```/gm)].map((match) => match[1]!);

test('every example of docs/config.md loads', () => {
  const nodes = blocks.filter((block) => block.startsWith('node:'));
  assert.ok(nodes.length >= 3);
  const at = join(root, 'board-configs', 'nodes', 'example.yaml');
  for (const text of nodes) {
    const readFile = (path: string) => (path === at ? text : deps.readFile(path));
    assert.deepEqual(messages(loadConfig(at, { ...deps, readFile })), [], text);
  }
  const boards = blocks.filter((block) => block.startsWith('title:'));
  assert.equal(boards.length, 1);
  const node = 'node: n\nboard: ./mine.yaml\nparts: { self: { driver: node } }\n';
  assert.deepEqual(messages(load(node, { 'mine.yaml': boards[0]! })), []);
});

test('docs/config.md names every key', () => {
  const schemas = [
    v.strictObject(fileEntries),
    fusionSchema,
    storeSchema,
    uplinkSchema,
    v.strictObject(gpioEntries),
    boardFile,
  ];
  const keys = schemas.flatMap((schema) => Object.keys(entriesOf(schema) ?? {}));
  assert.ok(keys.length > 30);
  assert.deepEqual(
    keys.filter((key) => !new RegExp(`\`${key}[\`.]`).test(page)),
    [],
  );
});
