import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { nodeScrypt, Passwords } from '../../../fleet/people/passwords.js';

const sources = { nowMs: () => 0, random: randomBytes };

test('a record of RFC 7914 §12 opens, and is renewed with the cost of now', async () => {
  const passwords = new Passwords(sources, nodeScrypt);
  // N = 16384, r = 8, p = 1: the first 32 of its 64 bytes, which are what 32 asked for give (PBKDF2's first block).
  const hash = Buffer.from('7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2', 'hex');
  const base64 = (bytes: Buffer) => bytes.toString('base64').replaceAll('=', '');
  const record = `$scrypt$ln=14,r=8,p=1$${base64(Buffer.from('SodiumChloride'))}$${base64(hash)}`;
  const { isRight, renewed } = await passwords.check('pleaseletmein', record);
  assert.equal(isRight, true);
  assert.match(renewed!, /^\$scrypt\$ln=15,r=8,p=3\$[\w+/]{22}\$[\w+/]{43}$/);
  assert.deepEqual(await passwords.check('pleaseletmein', renewed), { isRight: true });
  assert.deepEqual(await passwords.check('pleaseletmeout', renewed), { isRight: false });
});

test('two at a time, 32 more wait, and who comes then is told so', async () => {
  let running = 0;
  let most = 0;
  const passwords = new Passwords(sources, async () => {
    most = Math.max(most, ++running);
    await new Promise(setImmediate);
    running--;
    return new Uint8Array(32);
  });
  const all = await Promise.allSettled(
    Array.from({ length: 40 }, () => passwords.check('a password', undefined)),
  );
  assert.equal(most, 2);
  const refused = all.filter((each) => each.status === 'rejected');
  assert.equal(refused.length, 40 - 34);
  for (const { reason } of refused) assert.equal(reason.kind, 'busy');
  assert.deepEqual(await passwords.check('a password', undefined), { isRight: false });
});

test('what is no record opens for nobody', async () => {
  const passwords = new Passwords(sources, async () => new Uint8Array(32));
  for (const record of ['', '$scrypt$', 'plain', '$scrypt$ln=15,r=8,p=3$$'])
    assert.deepEqual(await passwords.check('', record), { isRight: false });
});
