import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { TestNode } from '../acceptance/harness.js';
import { root } from '../house/imports.js';

/** What is installed on a node, in a folder of its own, with these packages and no others. */
function staged(t: TestContext, packages: readonly string[]): string {
  const folder = mkdtempSync(join(tmpdir(), 'cairn-bundle-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const to = join(folder, 'cairn');
  execFileSync('sh', [join(root, 'install/stage.sh'), root, join(import.meta.dirname, '../..'), to]);
  mkdirSync(join(to, 'node_modules'));
  for (const name of packages) symlinkSync(join(root, 'node_modules', name), join(to, 'node_modules', name));
  return to;
}

const NODE = `
node: bundled
board: twin
parts: { climate: { driver: bme280, bus: i2c-1, address: 0x76, every: 200ms } }
store: { path: STORE, size: 16 MB }
`;

test('the installed runtime needs no package but those that load add-ons, and its first start makes the key', async (t) => {
  const to = staged(t, ['classic-level', 'node-gyp-build']);
  const node = new TestNode(NODE);
  t.after(() => node.remove());
  rmSync(join(node.folder, 'identity'), { recursive: true });
  node.start([join(to, 'dist/runtime/main.js'), 'run', '--init', '--config', node.configFile]);
  await node.until('samples', ({ parts }) => parts.some(({ samples }) => samples > 3));
  assert.ok(existsSync(join(node.folder, 'identity/node.key')));
  assert.equal(await node.stop(), 0);
});

test('few files are read at a start', (t) => {
  const to = staged(t, []);
  const files = readdirSync(join(to, 'dist'), { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.js'),
  );
  assert.ok(files.length <= 24, files.join(' '));
});
