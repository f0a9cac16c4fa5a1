import assert from 'node:assert/strict';
import { test } from 'node:test';
import { onBothDatabases } from '../db/databases.js';
import { BROWSER, BY, typed, withOwner } from './world.js';

/** RFC 6238 appendix B, SHA-1; of eight digits the last six are the code of six (RFC 4226 §5.3). */
const VECTORS = [
  [59, '94287082'],
  [1_111_111_109, '07081804'],
  [1_111_111_111, '14050471'],
  [1_234_567_890, '89005924'],
  [2_000_000_000, '69279037'],
  [20_000_000_000, '65353130'],
] as const;
/** Its secret, `12345678901234567890`, in base32. */
const SECRET = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ';

onBothDatabases('codes', (fresh) => {
  async function withCode() {
    const { world, people, session } = await withOwner(fresh);
    const { id } = (await people.sessions.find(session))!;
    await people.factors.begin(id);
    await world.db.query('UPDATE person SET totp_pending = $1', [SECRET]);
    world.nowMs = 0;
    const recovery = await people.factors.confirm(id, '755224', BY);
    const signIn = (code: string) => people.signIn.signIn(typed('Anna', undefined, code), BROWSER);
    return { world, people, id, recovery, signIn };
  }

  test('are those of RFC 6238, each good for once', async () => {
    const { world, signIn } = await withCode();
    for (const [seconds, digits] of VECTORS) {
      world.nowMs = seconds * 1_000;
      assert.ok(await signIn(digits.slice(2)), digits);
      await assert.rejects(signIn(digits.slice(2)), { kind: 'denied' }, 'replayed');
      world.nowMs += 30_000;
      await assert.rejects(signIn(digits.slice(2)), { kind: 'denied' }, 'replayed a step later');
    }
  });

  test('a clock may be one step off, no more; an older code than the last is dead', async () => {
    const { world, signIn } = await withCode();
    world.nowMs = 1_111_111_109_000 + 30_000;
    assert.ok(await signIn('081804'));
    world.nowMs = 1_234_567_890_000 + 60_000;
    await assert.rejects(signIn('005924'), { kind: 'denied' });
    world.nowMs = 1_111_111_111_000;
    assert.ok(await signIn('050471'));
    await assert.rejects(signIn('081804'), { kind: 'denied' });
  });

  test('a password alone is not enough, and the right code does not use itself up on a wrong one', async () => {
    const { world, people, signIn } = await withCode();
    world.nowMs = 59_000;
    await assert.rejects(signIn(''), { kind: 'denied' });
    await assert.rejects(people.signIn.signIn(typed('Anna', 'wrong password', '287082'), BROWSER), {
      kind: 'denied',
    });
    assert.ok(await signIn('287 082'));
  });

  test('one code brought twice at once lets one in', async () => {
    const { world, signIn } = await withCode();
    world.nowMs = 59_000;
    const both = await Promise.allSettled([signIn('287082'), signIn('287082')]);
    assert.equal(both.filter(({ status }) => status === 'fulfilled').length, 1);
  });

  test('recovery codes stand for a code, each once; only their hashes are kept', async () => {
    const { world, people, id, recovery, signIn } = await withCode();
    assert.equal(new Set(recovery).size, 10);
    const dump = await world.dump();
    for (const code of recovery) assert.equal(dump.includes(code.replaceAll('-', '')), false);
    assert.ok(await signIn(recovery[0]!.toLowerCase()));
    await assert.rejects(signIn(recovery[0]!), { kind: 'denied' });
    assert.ok(await signIn(recovery[9]!.replaceAll('-', '')));
    await people.factors.end(id, BY);
    assert.ok(await signIn(''));
  });

  test('who has the password guesses 96 codes a day at the most; a recovery code lets its owner in all the same', async () => {
    const { world, recovery, signIn } = await withCode();
    world.nowMs = 1_111_111_109_000;
    const beganMs = world.nowMs;
    let guesses = 0;
    for (let tries = 0; tries < 100; tries++) {
      const error = await signIn('000000').catch((e) => e);
      if (error.kind === 'denied') guesses++;
      else world.nowMs += error.waitMs;
    }
    const days = (world.nowMs - beganMs) / 86_400_000;
    // 5 at once, ten while the wait doubles from 1 s to 900 s, then one each 900 s.
    assert.ok(guesses > 20 && guesses <= 16 + 96 * days, `${guesses} in ${days} days`);
    assert.equal((await signIn('000000').catch((e) => e)).kind, 'wait');
    // As long as this address waits.
    world.nowMs += 60_000;
    assert.ok(await signIn(recovery[0]!));
  });

  test('nothing is asked until a first code proved the secret', async () => {
    const { world, people, session } = await withOwner(fresh);
    const { id } = (await people.sessions.find(session))!;
    await assert.rejects(people.factors.confirm(id, '000000', BY), { kind: 'gone' });
    await people.factors.begin(id);
    const { secret, uri } = (await people.factors.pending(id))!;
    assert.match(secret, /^[A-Z2-7]{32}$/);
    assert.match(uri, new RegExp(`^otpauth://totp/Cairn:Anna\\?.*secret=${secret}`));
    await assert.rejects(people.factors.confirm(id, 'x', BY), { kind: 'denied' });
    assert.ok(await people.signIn.signIn(typed('Anna'), BROWSER));
    world.nowMs += 1;
  });
});
