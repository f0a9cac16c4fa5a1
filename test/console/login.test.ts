import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  answerTo,
  challenger,
  isSignedBy,
  makeChallenge,
  parseAnswer,
} from '../../runtime/console/login/challenge.js';
import { OWNER } from '../../runtime/console/login/judge.js';
import { delayMs, type LoginFacts } from '../../runtime/console/login/ports.js';
import { secretRecord, secretText } from '../../runtime/console/login/secret.js';
import { login } from '../../runtime/console/login/session.js';
import { loginState } from '../../runtime/console/login/state.js';
import { challengeIn, consoleOf } from './typed-console.js';

const NODE = '9fb306acefe48c5a';
const owner = generateKeyPairSync('ed25519');
const ownerPem = owner.publicKey.export({ type: 'spki', format: 'pem' }).toString();
const stranger = generateKeyPairSync('ed25519');
const secret = secretText(randomBytes(16));
const record = secretRecord(secret, randomBytes(16));

/** Whether the owner's key made this answer. */
function isAnswer(text: string, challenge: string): boolean {
  const answer = parseAnswer(text);
  return answer !== undefined && isSignedBy(answer, challenge, owner.publicKey);
}

const byKey: LoginFacts = { node: NODE, ownerKey: ownerPem, secret: undefined };

test('the owner of the key gets in, whoever made the signature', async (t) => {
  const { ports } = consoleOf([(said) => ` ${answerTo(challengeIn(said), owner.privateKey)} `]);
  assert.deepEqual(await login(byKey, ports), OWNER);

  if (spawnSync('openssl', ['version']).status !== 0) return t.skip('openssl absent');
  const folder = mkdtempSync(join(tmpdir(), 'cairn-login-'));
  try {
    writeFileSync(join(folder, 'key'), owner.privateKey.export({ type: 'pkcs8', format: 'pem' }));
    const challenge = makeChallenge(NODE, randomBytes(16));
    writeFileSync(join(folder, 'text'), `cairn console login\n${challenge}`);
    const signed = spawnSync('openssl', [
      ...['pkeyutl', '-sign', '-rawin', '-inkey', join(folder, 'key'), '-in', join(folder, 'text')],
    ]);
    assert.equal(isAnswer(signed.stdout.toString('base64url'), challenge), true);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('a stranger is refused: nothing, a word, another key, the secret of a node that has an owner', async () => {
  const tries: readonly ((said: string) => string)[] = [
    () => '',
    () => 'root',
    (said) => answerTo(challengeIn(said), stranger.privateKey),
    () => secret,
  ];
  for (const answer of tries) {
    const { ports, seen } = consoleOf([answer]);
    assert.equal(await login({ ...byKey, secret: record }, ports), undefined);
    assert.equal(seen.installed, undefined);
  }
});

test('an answer opens the console that asked, once', async () => {
  let kept = '';
  const first = consoleOf([(said) => (kept = answerTo(challengeIn(said), owner.privateKey))]);
  assert.deepEqual(await login(byKey, first.ports), OWNER);
  assert.equal(await login(byKey, consoleOf([() => kept]).ports), undefined, 'replayed');
  const foreign = (said: string) =>
    answerTo(challengeIn(said).replace(NODE, '0123456789abcdef'), owner.privateKey);
  assert.equal(await login(byKey, consoleOf([foreign]).ports), undefined, "another node's challenge");
});

test('one changed character of the challenge or of the answer refuses it', () => {
  const challenge = makeChallenge(NODE, randomBytes(16));
  const answer = answerTo(challenge, owner.privateKey);
  assert.equal(challenger(challenge), NODE);
  for (let i = 0; i < challenge.length; i++) {
    const other = challenge.slice(0, i) + (challenge[i] === 'a' ? 'b' : 'a') + challenge.slice(i + 1);
    assert.equal(isAnswer(answer, other), false, other);
  }
  for (let i = 0; i < answer.length; i++) {
    const other = answer.slice(0, i) + (answer[i] === 'a' ? 'b' : 'a') + answer.slice(i + 1);
    assert.equal(isAnswer(other, challenge), false, other);
  }
  assert.equal(isAnswer(`${answer}=`, challenge), false);
});

test('a signature of the bare challenge, made for another purpose, is no answer', async () => {
  const { sign } = await import('node:crypto');
  const challenge = makeChallenge(NODE, randomBytes(16));
  const bare = sign(null, Buffer.from(challenge), owner.privateKey).toString('base64url');
  assert.equal(isAnswer(bare, challenge), false);
});

test('waits grow with wrong answers in a row, up to a minute, and end with a right one', async () => {
  const { ports, seen } = consoleOf([
    ...Array.from({ length: 9 }, () => () => 'wrong'),
    (said: string) => answerTo(said.match(/c1\.\S+/g)?.at(-1) ?? '', owner.privateKey),
    () => 'wrong',
    () => 'wrong',
  ]);
  for (let i = 0; i < 9; i++) assert.equal(await login(byKey, ports), undefined);
  assert.deepEqual(await login(byKey, ports), OWNER, 'never locked out');
  await login(byKey, ports);
  await login(byKey, ports);
  const s = 1000;
  assert.deepEqual(
    seen.delays,
    [1, 2, 4, 8, 16, 32, 60, 60, 60, 1].map((x) => x * s),
  );
  assert.equal(delayMs(1e9), 60_000);
});

test('a wrong answer is counted before it is judged, an empty line never', async () => {
  const { ports, seen } = consoleOf([() => 'wrong', () => '']);
  let counted = -1;
  const said = ports.out;
  await login(byKey, {
    ...ports,
    out: (text) => {
      if (text === 'Refused.') counted = seen.failures;
      said(text);
    },
  });
  assert.equal(counted, 1);
  await login(byKey, ports);
  assert.equal(seen.failures, 1);
});

test('a disk that refuses keeps no owner out, and makes everybody wait', async () => {
  const { ports, seen } = consoleOf([(said) => answerTo(challengeIn(said), owner.privateKey)]);
  const full = () => {
    throw new Error('ENOSPC');
  };
  assert.deepEqual(await login(byKey, { ...ports, writeFailures: full }), OWNER);
  assert.deepEqual(seen.delays, [8000]);
});

test('the one-time secret installs a key, opens no shell, and is dead afterwards', async () => {
  const bySecret: LoginFacts = { node: NODE, ownerKey: undefined, secret: record };
  const pem = ownerPem.trim().split('\n');
  const spoken = secret.toLowerCase().replaceAll('-', ' ').replace('1', 'l').replace('0', 'o');
  const { ports, seen } = consoleOf([() => spoken, ...pem.map((line) => () => line)]);
  assert.equal(await login(bySecret, ports), undefined, 'no shell by the secret');
  assert.equal(seen.installed, ownerPem);
  const again = consoleOf([() => secret, ...pem.map((line) => () => line)]);
  assert.equal(await login({ ...bySecret, ownerKey: seen.installed }, again.ports), undefined);
  assert.equal(again.seen.installed, undefined, 'burnt');
});

test('with the secret: a wrong one, a private key, another kind of key, half a key change nothing', async () => {
  const bySecret: LoginFacts = { node: NODE, ownerKey: undefined, secret: record };
  const rsa = generateKeyPairSync('rsa', { modulusLength: 1024 });
  const pems = [
    owner.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    rsa.publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    ownerPem.slice(0, 60),
    `${ownerPem.slice(0, 60)}\n-----END PUBLIC KEY-----`,
  ];
  for (const pem of pems) {
    const { ports, seen } = consoleOf([() => secret, ...pem.split('\n').map((line) => () => line)]);
    await login(bySecret, ports);
    assert.equal(seen.installed, undefined, pem);
  }
  const other = secretText(randomBytes(16));
  const { ports, seen } = consoleOf([() => other, ...ownerPem.split('\n').map((line) => () => line)]);
  await login(bySecret, ports);
  assert.equal(seen.installed, undefined);
  assert.equal(seen.failures, 1);
});

test('a key that was damaged on the disk does not bring the secret back', async () => {
  const { ports, seen } = consoleOf([() => secret, ...ownerPem.split('\n').map((line) => () => line)]);
  assert.equal(await login({ node: NODE, ownerKey: '', secret: record }, ports), undefined);
  assert.equal(seen.installed, undefined);
});

test('a secret has 128 bits, in digits that nobody mistakes', () => {
  assert.equal(secretText(new Uint8Array(16)), '0000-0000-0000-0000-0000-0000-00');
  assert.equal(secretText(new Uint8Array(16).fill(255)), '7ZZZ-ZZZZ-ZZZZ-ZZZZ-ZZZZ-ZZZZ-ZZ');
  assert.equal(
    secretText(Buffer.from('000102030405060708090a0b0c0d0e0f', 'hex')).replaceAll('-', '').length,
    26,
  );
  assert.doesNotMatch(record, new RegExp(secret.slice(0, 4)));
});

test('the count and the key outlive the process; a file of noise counts as none', () => {
  const folder = mkdtempSync(join(tmpdir(), 'cairn-login-'));
  try {
    const state = loginState(join(folder, 'console'));
    assert.equal(state.readFailures(), 0);
    assert.equal(state.ownerKey(), undefined);
    state.writeFailures(12);
    state.installOwner(ownerPem);
    const later = loginState(join(folder, 'console'));
    assert.equal(later.readFailures(), 12);
    assert.equal(later.ownerKey(), ownerPem);
    writeFileSync(join(folder, 'console/wrong-answers'), Buffer.from([0, 255, 7]));
    assert.equal(later.readFailures(), 0);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
