import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { drivers } from '../../drivers/index.js';
import { loadConfig } from '../../runtime/config/index.js';
import { ownEntries, RESERVED_NAMES } from '../../runtime/config/parts.js';
import { STREAM_NAME } from '../../wire/index.js';
import { deps, messages, root } from './support.js';

const folder = join(root, 'board-configs', 'nodes');
const real = { ...deps, registry: { drivers } };

for (const file of readdirSync(folder)) {
  test(`${file} loads with the real parts`, () => {
    const loaded = loadConfig(join(folder, file), real);
    assert.deepEqual(messages(loaded), []);
    assert.ok(loaded.ok && loaded.warnings.length === 0);
    for (const part of loaded.config.parts) assert.match(part.id, STREAM_NAME);
  });
}

test('the demo has one of each part', () => {
  const loaded = loadConfig(join(folder, 'demo.yaml'), real);
  assert.ok(loaded.ok);
  const used = new Set(loaded.config.parts.map((part) => part.driver.id));
  assert.deepEqual([...used].sort(), drivers.map((driver) => driver.id).sort());
});

test('no driver names an option like a key that every part may have', () => {
  for (const driver of drivers) {
    const options = Object.keys((driver.options as unknown as { entries: object }).entries);
    const taken = ['driver', ...Object.keys(ownEntries(driver))];
    assert.deepEqual(
      options.filter((option) => taken.includes(option)),
      [],
      driver.id,
    );
  }
});

test('reserved names are stream names', () => {
  for (const name of RESERVED_NAMES) assert.match(name, STREAM_NAME);
});
