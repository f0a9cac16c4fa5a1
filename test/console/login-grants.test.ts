import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { answerTo, makeChallenge } from '../../runtime/console/login/challenge.js';
import { type Grant, signGrant } from '../../runtime/console/login/grant.js';
import { OWNER, type Refusal } from '../../runtime/console/login/judge.js';
import { signNotice } from '../../runtime/console/login/notice.js';
import type { LoginFacts } from '../../runtime/console/login/ports.js';
import { NOTHING_SEEN, type Seen } from '../../runtime/console/login/seen.js';
import { login } from '../../runtime/console/login/session.js';
import { loginState } from '../../runtime/console/login/state.js';
import { CHALLENGE, NODE, NOTICE, OWNER_ID, owner, TECHNICIAN_ID, technician } from './grant-vectors.js';
import { challengeIn, consoleOf } from './typed-console.js';

const ownerKey = owner.publicKey.export({ type: 'spki', format: 'pem' }).toString();
const facts: LoginFacts = { node: NODE, ownerKey, secret: undefined };
const ROE = { role: 'technician', name: 'A. Roe' } as const;

const grantOf = (change: Partial<Grant> = {}) =>
  signGrant(
    { publicKey: technician.publicKey, ...ROE, node: NODE, epoch: 7, ...change },
    OWNER_ID,
    owner.privateKey,
  );
const noticeOf = (epoch: number, revoked: readonly string[] = []) =>
  signNotice({ epoch, revoked }, OWNER_ID, owner.privateKey);
const answerBy = (grant: string) => (said: string) =>
  answerTo(challengeIn(said), technician.privateKey, grant);

/** One login on a node that has seen so much. */
async function tried(typed: readonly ((said: string) => string)[], grants: Seen | undefined = NOTHING_SEEN) {
  const { ports, seen } = consoleOf(typed);
  seen.grants = grants;
  const caller = await login(facts, ports);
  return { caller, ...seen };
}

async function refusedAs(kind: Refusal, told: RegExp, ...args: Parameters<typeof tried>): Promise<void> {
  const { caller, refusals, said, failures } = await tried(...args);
  assert.equal(caller, undefined);
  assert.deepEqual(refusals, [kind]);
  assert.match(said.trim().split('\n').at(-1)!, told);
  assert.equal(failures, 1);
}

test('a grant lets its holder in, by role and name, on its node or on all', async () => {
  for (const node of [NODE, undefined])
    assert.deepEqual((await tried([answerBy(grantOf({ node }))])).caller, ROE);
  const viewer = await tried([answerBy(grantOf({ role: 'viewer', name: 'Visitor' }))]);
  assert.deepEqual(viewer.caller, { role: 'viewer', name: 'Visitor' });
  assert.equal(viewer.failures, 0);
});

test('each thing wrong has its kind; whoever proves the key hears it, a stranger one word', async () => {
  const held = /^Refused: your grant .* the owner/;
  const nothing = /^Refused\.$/;
  await refusedAs('foreignNode', /for another node/, [answerBy(grantOf({ node: '0123456789abcdef' }))]);
  await refusedAs('expired', held, [answerBy(grantOf())], { ...NOTHING_SEEN, epoch: 8 });
  const revoked = { epoch: 7, noticeEpoch: 7, revoked: [TECHNICIAN_ID] };
  await refusedAs('revoked', /^Refused: the owner has revoked your key/, [answerBy(grantOf())], revoked);
  const byOther = (said: string) => answerTo(challengeIn(said), owner.privateKey, grantOf());
  await refusedAs('wrongSignature', nothing, [byOther]);
  await refusedAs('expired', nothing, [byOther], { ...NOTHING_SEEN, epoch: 8 });
  const forged = signGrant(
    { publicKey: technician.publicKey, ...ROE, role: 'owner', node: undefined, epoch: 7 },
    OWNER_ID,
    technician.privateKey,
  );
  await refusedAs('notOfOwner', nothing, [answerBy(forged)]);
  const bare = (said: string) => answerTo(challengeIn(said), technician.privateKey);
  await refusedAs('wrongSignature', nothing, [bare]);
  await refusedAs('malformed', nothing, [() => 'root']);
});

test('an answer to an earlier challenge, to another node, or with another grant put in, is refused', async () => {
  const grant = grantOf();
  await refusedAs('wrongSignature', /./, [() => answerTo(CHALLENGE, technician.privateKey, grant)]);
  const foreign = (said: string) =>
    answerTo(challengeIn(said).replace(NODE, '0123456789abcdef'), technician.privateKey, grant);
  await refusedAs('wrongSignature', /./, [foreign]);
  const swapped = (said: string) => {
    const [signature] = answerBy(grant)(said).split('.');
    return `${signature}.${grantOf({ role: 'owner' })}`;
  };
  await refusedAs('wrongSignature', /./, [swapped]);
});

test('cut anywhere, or any bit of an answer changed: refused', async () => {
  const answer = answerBy(grantOf());
  const length = answer(makeChallenge(NODE, Buffer.alloc(16))).length;
  for (let i = 1; i < length; i++) {
    const { caller } = await tried([(said) => answer(said).slice(0, i)]);
    assert.equal(caller, undefined, `first ${i} characters`);
  }
  for (let bit = 0; bit < length * 8; bit++) {
    const changed = (said: string) => {
      const bytes = Buffer.from(answer(said));
      bytes[bit >> 3]! ^= 1 << (bit & 7);
      return bytes.toString('latin1');
    };
    assert.equal((await tried([changed])).caller, undefined, `bit ${bit}`);
  }
  assert.deepEqual((await tried([answer])).caller, ROE);
});

test('the epoch of any grant that the owner signed is kept, though its bringer is refused', async () => {
  const foreign = grantOf({ epoch: 9, node: '0123456789abcdef' });
  const { grants } = await tried([(said) => answerTo(challengeIn(said), owner.privateKey, foreign)]);
  assert.equal(grants?.epoch, 9);
  await refusedAs('expired', /epoch is over/, [answerBy(grantOf())], grants);
});

test('what another console saw meanwhile counts, and is not taken back', async () => {
  const { ports, seen } = consoleOf([
    (said) => {
      seen.grants = { ...NOTHING_SEEN, epoch: 9 };
      return answerBy(grantOf({ epoch: 8 }))(said);
    },
  ]);
  assert.equal(await login(facts, ports), undefined);
  assert.deepEqual([seen.refusals, seen.grants?.epoch], [['expired'], 9]);
});

test('a notice pasted before the answer counts: it revokes, it expires, and it is no answer', async () => {
  const own = (said: string) => answerTo(challengeIn(said), owner.privateKey);
  await refusedAs('expired', /epoch is over/, [() => NOTICE, answerBy(grantOf())]);
  await refusedAs('revoked', /revoked/, [() => noticeOf(7, [TECHNICIAN_ID]), answerBy(grantOf())]);
  const { caller, grants, failures } = await tried([() => noticeOf(7), own]);
  assert.deepEqual([caller, grants?.noticeEpoch, failures], [OWNER, 7, 0]);
  const only = await tried([() => NOTICE]);
  assert.deepEqual([only.caller, only.failures, only.grants?.revoked], [undefined, 0, [TECHNICIAN_ID]]);
  const forged = signNotice({ epoch: 99, revoked: [] }, OWNER_ID, technician.privateKey);
  await refusedAs('notOfOwner', /^Refused\.$/, [() => forged, own]);
});

test('a good notice takes back no wrong answer', async () => {
  const { ports, seen } = consoleOf([() => 'wrong', () => NOTICE, () => '']);
  await login(facts, ports);
  await login(facts, ports);
  assert.equal(seen.failures, 1);
});

test('a damaged memory lets no grant in, the owner always, and a notice mends it', async () => {
  const tryOn = async (typed: readonly ((said: string) => string)[]) => {
    const { ports, seen } = consoleOf(typed);
    seen.grants = undefined;
    const caller = await login(facts, ports);
    return { caller, seen };
  };
  const technicians = await tryOn([answerBy(grantOf())]);
  assert.deepEqual([technicians.caller, technicians.seen.refusals], [undefined, ['memoryDamaged']]);
  assert.deepEqual((await tryOn([(said) => answerTo(challengeIn(said), owner.privateKey)])).caller, OWNER);
  assert.deepEqual((await tryOn([() => noticeOf(7), answerBy(grantOf())])).caller, ROE);
});

test('a disk that refuses keeps nobody out: what is seen holds for this login', async () => {
  const full = () => {
    throw new Error('ENOSPC');
  };
  const on = async (typed: readonly ((said: string) => string)[]) => {
    const { ports, seen } = consoleOf(typed);
    const caller = await login(facts, { ...ports, writeSeen: full, writeFailures: full });
    assert.match(seen.said, /ENOSPC/);
    return caller;
  };
  assert.deepEqual(await on([answerBy(grantOf())]), ROE);
  assert.equal(await on([() => NOTICE, answerBy(grantOf())]), undefined);
});

test('the challenge is drawn when asked, in either colours, and not for ever', async () => {
  const { said } = await tried([...Array.from({ length: 20 }, (_, i) => () => (i % 2 ? '?' : '??'))]);
  assert.equal(said.match(/other colours/g)?.length, 8);
  assert.equal(said.split('\n').filter((line) => /^[ ▀▄█]{37}$/.test(line)).length, 8 * 19);
});

function folderFor(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'cairn-grants-'));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

test('what was seen outlives the process; any bit of it changed on the disk, and it is damaged, never older', (t) => {
  const folder = folderFor(t);
  const state = loginState(folder);
  assert.deepEqual(state.readSeen(), NOTHING_SEEN);
  const seen: Seen = { epoch: 8, noticeEpoch: 7, revoked: [TECHNICIAN_ID] };
  state.writeSeen(seen);
  const file = join(folder, 'seen');
  const whole = readFileSync(file);
  assert.deepEqual(loginState(folder).readSeen(), seen);
  for (let bit = 0; bit < (whole.length - 1) * 8; bit++) {
    const changed = Buffer.from(whole);
    changed[bit >> 3]! ^= 1 << (bit & 7);
    writeFileSync(file, changed);
    assert.equal(state.readSeen(), undefined, `bit ${bit}`);
  }
  for (let length = 0; length < whole.length - 1; length++) {
    writeFileSync(file, whole.subarray(0, length));
    assert.equal(state.readSeen(), undefined, `${length} bytes`);
  }
});
