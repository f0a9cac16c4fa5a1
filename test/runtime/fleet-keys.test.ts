import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { readFleetKeys } from '../../runtime/fleet-keys.js';
import { CONFIG } from '../uplink/rig.js';

test('keys as openssl makes them are read; what is none is told at its place in the node file', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'cairn-fleet-keys-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const path = (name: string) => join(folder, name);
  const openssl = (...args: string[]) => execFileSync('openssl', args, { stdio: 'pipe' });
  openssl('genpkey', '-algorithm', 'ed25519', '-out', path('receipt.key'));
  openssl('pkey', '-in', path('receipt.key'), '-pubout', '-out', path('fleet.pub'));
  openssl('genpkey', '-algorithm', 'x25519', '-out', path('other.key'));
  openssl('pkey', '-in', path('other.key'), '-pubout', '-out', path('other.pub'));
  const keysOf = (...names: string[]) => {
    const keys = names.map((name, i) => ({ file: path(name), place: { file: 'n', line: 9, column: i } }));
    return readFleetKeys({ ...CONFIG, fleet: { keys, receiptDeadlineMs: 60_000 } });
  };
  assert.deepEqual(keysOf('fleet.pub').problems, []);
  assert.equal(keysOf('fleet.pub').keys[0]?.asymmetricKeyType, 'ed25519');
  const { keys, problems } = keysOf('fleet.pub', 'receipt.key', 'other.pub', 'absent.pub');
  assert.equal(keys.length, 1);
  assert.deepEqual(
    problems.map(({ line, column }) => [line, column]),
    [
      [9, 1],
      [9, 2],
      [9, 3],
    ],
  );
  assert.match(problems[0]!.what, /private key, which stays with its owner/);
  assert.match(problems[1]!.what, /x25519/);
  assert.match(problems[2]!.what, /ENOENT/);
  assert.deepEqual(readFleetKeys(undefined), { keys: [], problems: [] });
});
