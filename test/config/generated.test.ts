import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { drivers } from '../../drivers/index.js';
import { generated } from '../../scripts/schema.js';
import { root } from './support.js';

for (const [path, text] of Object.entries(generated(root))) {
  test(`${path} is what the code makes of it now`, () => {
    const stored = readFileSync(join(root, path), 'utf8');
    assert.ok(stored === text, `stale: write it anew by node dist/scripts/schema.js`);
  });
}

test('an editor is offered every driver, and every option with a description', () => {
  const schema = JSON.parse(readFileSync(join(root, 'board-configs/node.schema.json'), 'utf8'));
  const part = schema.properties.parts.additionalProperties;
  assert.deepEqual(
    part.properties.driver.enum,
    drivers.map((driver) => driver.id),
  );
  for (const [index, driver] of drivers.entries()) {
    const { properties, additionalProperties } = part.allOf[index].then;
    assert.equal(additionalProperties, false);
    const options = Object.keys((driver.options as unknown as { entries: object }).entries);
    for (const option of options) {
      assert.equal(
        typeof properties[option].description,
        'string',
        `${driver.id}.${option} has no description`,
      );
    }
  }
});
