import assert from 'node:assert/strict';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { answerTo } from '../../runtime/console/login/challenge.js';
import { type Grant, openGrant, readGrant, signGrant } from '../../runtime/console/login/grant.js';
import { type Notice, openNotice, REVOKED_MAX, signNotice } from '../../runtime/console/login/notice.js';
import { OwnerTextError } from '../../runtime/console/login/owner-text.js';
import { NOTHING_SEEN, withGrant, withNotice } from '../../runtime/console/login/seen.js';
import { keyIdOf } from '../../wire/index.js';
import { root } from '../house/imports.js';
import * as vectors from './grant-vectors.js';
import {
  CHALLENGE,
  GRANT,
  NODE,
  NOTICE,
  OWNER_ID,
  owner,
  TECHNICIAN_ID,
  technician,
} from './grant-vectors.js';

const MEANING: Omit<Grant, 'publicKey'> = { role: 'technician', node: NODE, name: 'A. Roe', epoch: 7 };
const make = (change: Partial<Grant> = {}) =>
  signGrant({ publicKey: technician.publicKey, ...MEANING, ...change }, OWNER_ID, owner.privateKey);

function kindOf(open: () => unknown): string {
  try {
    open();
    return 'believed';
  } catch (error) {
    assert.ok(error instanceof OwnerTextError, String(error));
    return error.kind;
  }
}

test('a grant that another implementation signed is read, and ours is the same word', () => {
  const { publicKey, ...rest } = openGrant(GRANT, owner.publicKey);
  assert.deepEqual([keyIdOf(publicKey), rest], [TECHNICIAN_ID, MEANING]);
  assert.equal(keyIdOf(owner.publicKey), OWNER_ID);
  assert.equal(make(), GRANT);
  const later = openGrant(vectors.GRANT_ONE_FIELD_MORE, owner.publicKey);
  assert.equal(later.epoch, 7, 'a later writer may append');
});

test('so is a notice, and so are both answers', () => {
  const meaning: Notice = { epoch: 8, revoked: [TECHNICIAN_ID] };
  assert.deepEqual(openNotice(NOTICE, owner.publicKey), meaning);
  assert.equal(signNotice(meaning, OWNER_ID, owner.privateKey), NOTICE);
  assert.equal(answerTo(CHALLENGE, owner.privateKey), vectors.OWNERS_ANSWER);
  assert.equal(answerTo(CHALLENGE, technician.privateKey, GRANT), vectors.TECHNICIANS_ANSWER);
});

test('the examples of docs/grants.md are these words', () => {
  const page = readFileSync(join(root, 'docs/grants.md'), 'utf8').replace(/\s/g, '');
  for (const word of [GRANT, NOTICE, CHALLENGE, vectors.TECHNICIANS_ANSWER.split('.')[0]!])
    assert.ok(page.includes(word), word);
  assert.ok(page.includes(Buffer.from(GRANT.slice(3), 'base64url').toString('hex')), 'the dump of the grant');
});

test('of another key, version or purpose: each by its name', () => {
  const stranger = generateKeyPairSync('ed25519');
  const grant = { publicKey: technician.publicKey, ...MEANING };
  const forged = signGrant(grant, OWNER_ID, stranger.privateKey);
  const foreign = signGrant(grant, keyIdOf(stranger.publicKey), stranger.privateKey);
  const open = (text: string) => kindOf(() => openGrant(text, owner.publicKey));
  assert.equal(open(GRANT), 'believed');
  assert.equal(open(forged), 'notOfOwner');
  assert.equal(open(foreign), 'notOfOwner');
  assert.equal(open(vectors.GRANT_VERSION_2), 'unknownVersion');
  assert.equal(open(`g1.${NOTICE.slice(3)}`), 'notOfOwner', 'a notice is no grant');
  const openN = (text: string) => kindOf(() => openNotice(text, owner.publicKey));
  assert.equal(openN(NOTICE), 'believed');
  assert.equal(openN(`n1.${GRANT.slice(3)}`), 'notOfOwner', 'a grant is no notice');
  assert.equal(
    openN(vectors.NOTICE_SIGNED_AS_GRANT),
    'notOfOwner',
    "nor what the owner's key signed as a grant",
  );
  assert.equal(readGrant(forged).name, 'A. Roe', 'its holder reads it without the key');
});

test('cut anywhere, one bit or one more character: not believed', () => {
  for (const [text, open] of [
    [GRANT, openGrant],
    [NOTICE, openNotice],
  ] as const) {
    for (let length = 0; length < text.length; length++)
      assert.equal(
        kindOf(() => open(text.slice(0, length), owner.publicKey)),
        'malformed',
      );
    for (let bit = 0; bit < text.length * 8; bit++) {
      const bytes = Buffer.from(text);
      bytes[bit >> 3]! ^= 1 << (bit & 7);
      assert.notEqual(
        kindOf(() => open(bytes.toString('latin1'), owner.publicKey)),
        'believed',
        `bit ${bit}`,
      );
    }
    assert.equal(
      kindOf(() => open(`${text}A`, owner.publicKey)),
      'malformed',
    );
  }
});

test('a name is 1 to 64 printable characters, an epoch 1 to 2^32 - 1', () => {
  for (const name of ['A', 'Åse Ødegård', '李四', 'x'.repeat(64), '𝔸'.repeat(64)])
    assert.equal(openGrant(make({ name }), owner.publicKey).name, name);
  for (const name of [
    '',
    ' ',
    ' A',
    'A ',
    'x'.repeat(65),
    'a\nb',
    'a\x1b[2J',
    'a\u202eb',
    'a\u200bb',
    '\u2028',
  ])
    assert.equal(
      kindOf(() => make({ name })),
      'malformed',
      JSON.stringify(name),
    );
  for (const epoch of [1, 0xffff_ffff])
    assert.equal(openGrant(make({ epoch }), owner.publicKey).epoch, epoch);
  for (const epoch of [0, -1, 1.5, 2 ** 32, Number.NaN])
    assert.equal(
      kindOf(() => make({ epoch })),
      'malformed',
    );
});

test('the longest of each fits the 1,024 characters of a line', (t) => {
  const longest = make({ name: '𝔸'.repeat(64), epoch: 0xffff_ffff });
  assert.ok(openGrant(longest, owner.publicKey));
  const line = answerTo(CHALLENGE, technician.privateKey, longest);
  const revoked = Array.from({ length: REVOKED_MAX }, () => randomBytes(8).toString('hex'));
  const notice = signNotice({ epoch: 0xffff_ffff, revoked }, OWNER_ID, owner.privateKey);
  assert.deepEqual(openNotice(notice, owner.publicKey).revoked, [...revoked].sort());
  t.diagnostic(`answer with a grant: ${line.length} characters at most; notice: ${notice.length}`);
  assert.ok(`cairn grants accept ${notice}`.length <= 1024 && line.length <= 1024);
  const more = [...revoked, randomBytes(8).toString('hex')];
  assert.equal(
    kindOf(() => signNotice({ epoch: 1, revoked: more }, OWNER_ID, owner.privateKey)),
    'malformed',
  );
});

test('what is seen grows, and does not depend on the order in which notices and grants come', () => {
  const key = fc.constantFrom('a', 'b', 'c', 'd').map((digit) => digit.repeat(16));
  const notice = fc.record({
    epoch: fc.integer({ min: 1, max: 4 }),
    revoked: fc.array(key, { maxLength: 3 }),
  });
  const seenIn = (notices: readonly Notice[]) => notices.reduce(withNotice, NOTHING_SEEN);
  fc.assert(
    fc.property(fc.array(notice, { maxLength: 8 }), (notices) => {
      const newest = Math.max(0, ...notices.map(({ epoch }) => epoch));
      const named = notices.filter(({ epoch }) => epoch === newest).flatMap(({ revoked }) => revoked);
      const seen = seenIn(notices);
      assert.deepEqual(seen, { epoch: newest, noticeEpoch: newest, revoked: [...new Set(named)].sort() });
      assert.deepEqual(seenIn([...notices].reverse()), seen);
    }),
  );
  const grant = (epoch: number): Grant => ({ publicKey: technician.publicKey, ...MEANING, epoch });
  const seen = withNotice(NOTHING_SEEN, { epoch: 3, revoked: ['a'.repeat(16)] });
  assert.equal(withGrant(seen, grant(2)), seen);
  assert.deepEqual(withGrant(seen, grant(9)), { ...seen, epoch: 9 }, 'a later grant forgets no revocation');
});

test('a 65th key in one epoch is refused, and nothing is forgotten', () => {
  const ids = Array.from({ length: REVOKED_MAX + 1 }, (_, i) => i.toString(16).padStart(16, '0'));
  const full = withNotice(NOTHING_SEEN, { epoch: 1, revoked: ids.slice(0, REVOKED_MAX) });
  assert.equal(
    kindOf(() => withNotice(full, { epoch: 1, revoked: ids.slice(-1) })),
    'tooMany',
  );
  assert.deepEqual(withNotice(full, { epoch: 2, revoked: ids.slice(-1) }).revoked, ids.slice(-1));
});
