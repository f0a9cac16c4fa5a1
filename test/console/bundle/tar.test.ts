import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { tarOf } from '../../../runtime/console/bundle/tar.js';

test('GNU tar reads names, sizes, times and contents', () => {
  const sizes = [0, 1, 511, 512, 513, 70_000];
  const files = sizes.map((size) => ({ name: `folder/of-${size}`, bytes: Buffer.alloc(size, `${size},`) }));
  const input = tarOf(files, Date.UTC(2026, 10, 22, 12) / 1000);
  assert.equal(input.length % 512, 0);
  const listed = execFileSync('tar', ['--utc', '-tvf', '-'], { input, encoding: 'utf8' }).trim().split('\n');
  assert.deepEqual(
    listed.map((line) => line.split(/\s+/)),
    sizes.map((size) => ['-rw-r-----', '0/0', String(size), '2026-11-22', '12:00', `folder/of-${size}`]),
  );
  for (const { name, bytes } of files)
    assert.ok(bytes.equals(execFileSync('tar', ['-xOf', '-', name], { input })), name);
});

test('a name that the format can’t hold is refused', () => {
  assert.doesNotThrow(() => tarOf([{ name: 'x'.repeat(100), bytes: Buffer.alloc(0) }], 0));
  assert.throws(() => tarOf([{ name: 'x'.repeat(101), bytes: Buffer.alloc(0) }], 0), /1 to 100 bytes/);
  assert.throws(() => tarOf([{ name: '', bytes: Buffer.alloc(0) }], 0), /1 to 100 bytes/);
});
