import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { drivers } from '../../drivers/index.js';
import { loadConfig } from '../../runtime/config/index.js';
import { partsOf } from '../../scripts/config-errors.js';
import { wrongFiles } from '../../scripts/schema.js';
import { deps, messages, root } from './support.js';

const files = wrongFiles(root);

test('there are at least twenty-five wrong node files', () => {
  assert.ok(files.length >= 25);
});

for (const file of files) {
  const { title, expected } = partsOf(file);
  test(`refused: ${title}`, () => {
    const path = join(root, 'test/config/wrong', file.name);
    const loaded = loadConfig(path, { ...deps, registry: { drivers } });
    assert.ok(expected.length > 0, 'the file says what it expects');
    assert.deepEqual(
      messages(loaded),
      expected.map((line) => `test/config/wrong/${file.name}:${line}`),
    );
    assert.doesNotMatch(messages(loaded).join('\n'), /hunter2/, 'no secret in a message');
  });
}
