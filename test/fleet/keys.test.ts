import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createPublicKey } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { receiptKeyOf } from '../../fleet/keys.js';

const KEYS = join(import.meta.dirname, '../../fleet/keys.js');
const hasPrlimit = spawnSync('prlimit', ['--version']).status === 0;

test('a disk that is full while the key is written is no key: the next start makes one', {
  skip: hasPrlimit ? false : 'prlimit is not installed',
}, (t) => {
  const data = mkdtempSync(join(tmpdir(), 'cairn-keys-'));
  t.after(() => rmSync(data, { recursive: true, force: true }));
  // fleet.pub has 113 bytes, receipt.key 119 (RFC 8410, in PEM).
  const program = `(await import(${JSON.stringify(KEYS)})).receiptKeyOf(${JSON.stringify(data)})`;
  const { status, stderr } = spawnSync(
    'sh',
    [
      '-c',
      `trap '' XFSZ; exec prlimit --fsize=115 "$0" --input-type=module -e "$1"`,
      process.execPath,
      program,
    ],
    { encoding: 'utf8' },
  );
  assert.notEqual(status, 0);
  assert.match(stderr, /EFBIG/);
  const { privateKey } = receiptKeyOf(data);
  const pem = createPublicKey(privateKey).export({ type: 'spki', format: 'pem' });
  assert.equal(readFileSync(join(data, 'fleet.pub'), 'utf8'), pem);
  assert.equal(statSync(join(data, 'receipt.key')).mode & 0o777, 0o600);
});
