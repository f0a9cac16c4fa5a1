import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { type BundleFile, packed } from '../../../runtime/console/bundle/pack.js';
import { Secrets } from '../../../runtime/console/bundle/secrets.js';

const file = (name: string, text: string, isLines = false): BundleFile => ({ name, text, isLines });

function unpacked(files: readonly BundleFile[], maxBytes: number) {
  const contents = {
    files,
    leftOut: [{ name: 'dump.jsonl', why: 'none' }],
    secrets: new Secrets(),
    about: { node: 'x' },
  };
  const input = gunzipSync(packed(contents, maxBytes, 0));
  const names = execFileSync('tar', ['-tf', '-'], { input, encoding: 'utf8' }).trim().split('\n');
  const text = (name: string) =>
    execFileSync('tar', ['-xOf', '-', name], { input, encoding: 'utf8', maxBuffer: 1e8 });
  return { input, names, text, manifest: JSON.parse(text('manifest.json')) };
}

test('the manifest names every file with its SHA-256, and what was left out and why', () => {
  const { names, text, manifest } = unpacked(
    [file('a.json', '{}'), file('log.jsonl', '1\n2\n', true)],
    2_000_000,
  );
  assert.deepEqual(names, ['manifest.json', 'a.json', 'log.jsonl']);
  for (const { name, bytes, sha256 } of manifest.files) {
    assert.equal(Buffer.byteLength(text(name)), bytes);
    assert.equal(createHash('sha256').update(text(name)).digest('hex'), sha256);
  }
  assert.deepEqual(manifest.leftOut, [{ name: 'dump.jsonl', why: 'none' }]);
  assert.equal(manifest.node, 'x');
});

test('what is too much: lines go from the oldest on, a document goes whole, and both are said', () => {
  const lines = Array.from({ length: 10_000 }, (_, i) => `${String(i).padStart(99, '.')}\n`).join('');
  const files = [
    file('a.json', 'a'.repeat(1000)),
    file('b.json', 'b'.repeat(900_000)),
    file('log', lines, true),
    file('short', 'x\n', true),
  ];
  const { input, text, names, manifest } = unpacked(files, 300_000);
  assert.ok(input.length <= 300_000);
  assert.deepEqual(names, ['manifest.json', 'a.json', 'log', 'short']);
  const kept = text('log').split('\n').slice(0, -1);
  assert.equal(Number(kept.at(-1)!.replaceAll('.', '')), 9999);
  assert.equal(Number(kept[0]!.replaceAll('.', '')), 10_000 - kept.length);
  assert.match(
    manifest.files[1].cut,
    new RegExp(
      `^the ${10_000 - kept.length} oldest of 10001 lines had no room$|^the ${10_000 - kept.length} oldest of 10000 `,
    ),
  );
  assert.equal(manifest.files[2].cut, undefined);
  assert.match(manifest.leftOut[1].why, /900000 bytes: there was no room for it/);
});
