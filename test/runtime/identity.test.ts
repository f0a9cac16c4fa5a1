import assert from 'node:assert/strict';
import { createHash, createPublicKey, generateKeyPairSync, sign, verify } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { ensureIdentity, IdentityError, installPublicKey, loadIdentity } from '../../runtime/identity.js';

function folderFor(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'cairn-identity-'));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

const refusal = (text: RegExp) => (error: unknown) =>
  error instanceof IdentityError && text.test(error.message);
const mode = (path: string) => statSync(path).mode & 0o777;

/** RFC 8037: the JWK's x is the raw public key. */
function idFromJwk(pem: string | Buffer): string {
  const { x } = createPublicKey(pem).export({ format: 'jwk' });
  return createHash('sha256').update(Buffer.from(x!, 'base64url')).digest().subarray(0, 8).toString('hex');
}

// RFC 8032 §7.1, TEST 1: secret key 9d61…7f60, public key d75a…511a; PKCS#8 as RFC 8410 §7 frames it.
const RFC8032_SECRET = '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60';
const RFC8032_PUBLIC = 'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a';

test('the id is the first 8 bytes of SHA-256 of the raw key: RFC 8032’s first', (t) => {
  const folder = folderFor(t);
  const der = Buffer.from(`302e020100300506032b657004220420${RFC8032_SECRET}`, 'hex').toString('base64');
  writeFileSync(
    join(folder, 'node.key'),
    `-----BEGIN PRIVATE KEY-----\n${der}\n-----END PRIVATE KEY-----\n`,
    { mode: 0o600 },
  );
  const wanted = createHash('sha256').update(Buffer.from(RFC8032_PUBLIC, 'hex')).digest('hex').slice(0, 16);
  assert.equal(wanted, '21fe31dfa154a261', 'as sha256sum has it');
  assert.equal(loadIdentity(folder).node, wanted);
});

test('a key is made once, private, whole, with its public half beside it, and kept', (t) => {
  const folder = join(folderFor(t), 'a', 'b');
  const first = ensureIdentity(folder);
  assert.equal(first.made, true);
  assert.deepEqual(readdirSync(folder).sort(), ['node.key', 'node.pub']);
  assert.equal(mode(folder), 0o750);
  assert.equal(mode(join(folder, 'node.key')), 0o600);
  assert.equal(mode(join(folder, 'node.pub')), 0o644);
  assert.equal(first.identity.node, idFromJwk(readFileSync(join(folder, 'node.pub'))));
  assert.equal(first.identity.node, idFromJwk(readFileSync(join(folder, 'node.key'))));
  const signature = sign(null, Buffer.from('x'), first.identity.privateKey);
  assert.ok(verify(null, Buffer.from('x'), first.identity.publicKey, signature));

  const before = readFileSync(join(folder, 'node.key'));
  rmSync(join(folder, 'node.pub'));
  const second = ensureIdentity(folder);
  assert.deepEqual([second.made, second.identity.node], [false, first.identity.node]);
  assert.deepEqual(readFileSync(join(folder, 'node.key')), before);
  assert.ok(existsSync(join(folder, 'node.pub')), 'made again where it was lost');
  assert.notEqual(ensureIdentity(join(folder, 'c')).identity.node, first.identity.node);
});

test('a key that others may read, of another type, garbage or none at all is refused by name', (t) => {
  const folder = folderFor(t);
  const path = join(folder, 'node.key');
  assert.throws(() => loadIdentity(folder), refusal(/no such key; make one with: cairn init/));
  ensureIdentity(folder);
  for (const bits of [0o644, 0o640, 0o604, 0o610]) {
    chmodSync(path, bits);
    assert.throws(() => loadIdentity(folder), refusal(/readable by others .*chmod 600/));
    assert.throws(() => ensureIdentity(folder), refusal(/readable by others/));
  }
  chmodSync(path, 0o600);
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  writeFileSync(path, privateKey.export({ type: 'pkcs8', format: 'pem' }));
  assert.throws(() => loadIdentity(folder), refusal(/type ec; an Ed25519 key is wanted/));
  for (const garbage of ['', 'garbage', '-----BEGIN PRIVATE KEY-----\n']) {
    writeFileSync(path, garbage);
    assert.throws(() => loadIdentity(folder), refusal(/not a key in PEM form/));
    assert.throws(() => ensureIdentity(folder), refusal(/not a key in PEM form/));
    assert.equal(readFileSync(path, 'utf8'), garbage, 'what is there is left alone');
  }
});

test('a public key is installed as it is; a private one is refused and never copied', (t) => {
  const folder = folderFor(t);
  const from = join(folder, 'given');
  const target = join(folder, 'fleet.pub');
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  writeFileSync(from, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
  assert.throws(() => installPublicKey(folder, 'fleet', from), refusal(/a private key/));
  assert.ok(!existsSync(target));

  const pem = publicKey.export({ type: 'spki', format: 'pem' });
  writeFileSync(from, pem);
  assert.equal(installPublicKey(folder, 'fleet', from), idFromJwk(pem as string));
  assert.equal(readFileSync(target, 'utf8'), pem);
  assert.equal(mode(target), 0o644);
  const wrong = generateKeyPairSync('x25519').publicKey.export({ type: 'spki', format: 'pem' });
  writeFileSync(from, wrong);
  assert.throws(() => installPublicKey(folder, 'fleet', from), refusal(/type x25519/));
  assert.throws(
    () => installPublicKey(folder, 'owner', join(folder, 'none')),
    refusal(/can't be read: ENOENT/),
  );
  assert.equal(readFileSync(target, 'utf8'), pem, 'the one that was there stays');
});
