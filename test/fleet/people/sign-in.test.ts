import assert from 'node:assert/strict';
import { test } from 'node:test';
import { onBothDatabases } from '../db/databases.js';
import { BROWSER, BY, join, PASSWORD, typed, World, withOwner } from './world.js';

onBothDatabases('signing in', (fresh) => {
  test('the first owner comes by a secret that is good for once, and nobody knows a second one', async () => {
    const { world, people } = await World.open(fresh);
    const stale = (await people.signIn.firstSecret())!;
    const secret = (await people.signIn.firstSecret())!;
    assert.match(secret, /^([A-Z2-7]{4}-){5}[A-Z2-7]{4}$/);
    assert.equal((await world.dump()).includes(secret.replaceAll('-', '')), false);
    const claim = (word: string, name = 'Anna') =>
      people.signIn.claim({ secret: word, name, password: PASSWORD }, BROWSER);
    await assert.rejects(claim(stale), { kind: 'denied' });
    await assert.rejects(claim(''), { kind: 'denied' });
    assert.equal(await people.signIn.hasOwner(), false);
    const session = await claim(secret.toLowerCase().replaceAll('-', ' '));
    assert.deepEqual((await people.sessions.find(session))?.roles, {
      dev: 'owner',
      stage: 'owner',
      prod: 'owner',
    });
    await assert.rejects(claim(secret, 'Eve'), { kind: 'denied' });
    assert.equal(await people.signIn.firstSecret(), undefined);
    assert.equal((await people.directory.list()).length, 1);
  });

  test('two who bring the secret at once: one owns the fleet', async () => {
    const { world, people } = await World.open(fresh);
    const secret = (await people.signIn.firstSecret())!;
    const both = await Promise.allSettled(
      ['Anna', 'Eve'].map((name) =>
        world.people().signIn.claim({ secret, name, password: PASSWORD }, BROWSER),
      ),
    );
    assert.equal(both.filter(({ status }) => status === 'fulfilled').length, 1);
    assert.equal((await people.directory.list()).length, 1);
  });

  test('a wrong password, a wrong name and nobody at all get one answer for one scrypt', async () => {
    const { world, people } = await withOwner(fresh);
    await people.directory.invite({ name: 'Invited', email: '', roles: {} }, BY);
    const answers = [];
    for (const name of ['Anna', 'Nobody', 'Invited', '<b>', 'x'.repeat(5_000), '\0']) {
      const before = world.scrypts;
      const error = await people.signIn.signIn(typed(name, 'wrong password'), BROWSER).catch((e) => e);
      answers.push([error.kind, error.message, world.scrypts - before]);
    }
    for (const answer of answers) assert.deepEqual(answer, ['denied', 'Name, password or code is wrong.', 1]);
    const before = world.scrypts;
    assert.ok(await people.signIn.signIn(typed('  ANNA '), BROWSER));
    assert.equal(world.scrypts - before, 1);
  });

  test('a password of weaker parameters is kept anew when it is next typed', async () => {
    const { world, people } = await withOwner(fresh);
    const weak = new World(world.db);
    const [row] = await world.db.query<{ password: string }>('SELECT password FROM person');
    assert.match(row!.password, /^\$scrypt\$ln=15,r=8,p=3\$/);
    const { createHash } = await import('node:crypto');
    const hash = createHash('sha256').update(`16384 8 1 ${PASSWORD}`).update(Buffer.alloc(16, 7)).digest();
    const unpadded = (bytes: Buffer) => bytes.toString('base64').replaceAll('=', '');
    await world.db.query('UPDATE person SET password = $1', [
      `$scrypt$ln=14,r=8,p=1$${unpadded(Buffer.alloc(16, 7))}$${unpadded(hash)}`,
    ]);
    assert.ok(await people.signIn.signIn(typed('Anna'), BROWSER));
    const [renewed] = await weak.db.query<{ password: string }>('SELECT password FROM person');
    assert.match(renewed!.password, /^\$scrypt\$ln=15,r=8,p=3\$/);
    assert.ok(await people.signIn.signIn(typed('Anna'), BROWSER));
  });

  test('the wait after wrong ones grows to 15 s for a name, survives a restart, and ends', async () => {
    const { world, people } = await withOwner(fresh);
    const waits: number[] = [];
    const wrong = (address: string) =>
      world.people().signIn.signIn(typed('Anna', 'wrong password'), { address, agent: '' });
    for (let i = 0; i < 9; i++) {
      await assert.rejects(wrong(`192.0.2.${i}`), { kind: 'denied' });
      const before = world.scrypts;
      const error = await wrong('198.51.100.1').catch((e) => e);
      // Within the free ones the second try counts as well.
      if (error.kind === 'wait') assert.equal(world.scrypts, before);
      waits.push(error.kind === 'wait' ? error.waitMs : 0);
      world.nowMs += waits.at(-1)!;
    }
    assert.deepEqual(waits, [0, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000, 15_000, 15_000]);
    assert.ok(await people.signIn.signIn(typed('Anna'), BROWSER));
    await assert.rejects(wrong('192.0.2.99'), { kind: 'denied' });
  });

  test('an address that guesses at many names waits, up to a minute; others do not', async () => {
    const { world, people } = await withOwner(fresh);
    const from = (address: string, name: string) =>
      people.signIn.signIn(typed(name, 'wrong password'), { address, agent: '' }).catch((e) => e);
    for (let i = 0; i < 10; i++) assert.equal((await from('2001:db8:1:2::1', `n${i}`)).kind, 'denied');
    assert.equal((await from('2001:db8:1:2:aaaa::9', 'other')).waitMs, 1_000);
    assert.equal((await from('2001:db8:1:3::1', 'other')).kind, 'denied');
    for (let i = 0; i < 12; i++) {
      world.nowMs += 60_000;
      assert.equal((await from('2001:db8:1:2::1', `m${i}`)).kind, 'denied');
    }
    assert.equal((await from('2001:db8:1:2::1', 'm')).waitMs, 60_000);
    world.nowMs += 3_600_001;
    await people.tend();
    assert.equal((await world.db.query('SELECT * FROM attempt')).length, 0);
  });

  test('many wrong ones at once are counted one by one', async () => {
    const { world, people } = await withOwner(fresh);
    const all = await Promise.all(
      Array.from({ length: 20 }, () =>
        people.signIn.signIn(typed('Anna', 'wrong password'), BROWSER).catch((e) => e.kind),
      ),
    );
    assert.equal(all.filter((kind) => kind === 'denied').length, 3);
    assert.equal(all.filter((kind) => kind === 'wait').length, 17);
    const rows = await world.db.query<{ failures: bigint }>('SELECT failures FROM attempt');
    assert.deepEqual(rows.map(({ failures }) => failures).sort(), [3n, 3n]);
  });

  test('a new password wants the old one, and ends all sessions but a new one', async () => {
    const { people, session } = await withOwner(fresh);
    const other = await people.signIn.signIn(typed('Anna'), BROWSER);
    const caller = (await people.sessions.find(session))!;
    const change = (password: string, next: string) =>
      people.signIn.changePassword(caller, { password, next }, BROWSER);
    await assert.rejects(change('wrong password', 'another horse battery'), { kind: 'denied' });
    await assert.rejects(change(PASSWORD, 'elevenchars'), { kind: 'input' });
    await assert.rejects(change(PASSWORD, 'x'.repeat(257)), { kind: 'input' });
    const renewed = await change(PASSWORD, 'another horse battery');
    for (const old of [other, session]) assert.equal(await people.sessions.find(old), undefined);
    assert.equal((await people.sessions.find(renewed))?.id, caller.id);
    await assert.rejects(people.signIn.signIn(typed('Anna'), BROWSER), { kind: 'denied' });
    assert.ok(await people.signIn.signIn(typed('Anna', 'another horse battery'), BROWSER));
  });

  test('a password is the same however a keyboard composes it', async () => {
    const { people, session } = await withOwner(fresh);
    const caller = (await people.sessions.find(session))!;
    const composed = 'Zürich am Morgen';
    const next = composed.normalize('NFD');
    await people.signIn.changePassword(caller, { password: PASSWORD, next }, BROWSER);
    assert.ok(await people.signIn.signIn(typed('Anna', composed.normalize('NFC')), BROWSER));
  });

  test('a link lets in once, ends codes and sessions, and dies after a week', async () => {
    const { world, people } = await withOwner(fresh);
    const id = await join(people, 'Ben');
    const link = await people.directory.inviteAgain(id, BY);
    const old = await people.signIn.signIn(typed('Ben'), BROWSER);
    assert.equal((await people.directory.invited(link))?.name, 'Ben');
    assert.ok(await people.signIn.accept(link, 'another horse battery', BROWSER));
    assert.equal(await people.sessions.find(old), undefined);
    await assert.rejects(people.signIn.accept(link, PASSWORD, BROWSER), { kind: 'gone' });
    const late = await people.directory.inviteAgain(id, BY);
    world.nowMs += 7 * 86_400_000;
    await assert.rejects(people.signIn.accept(late, PASSWORD, BROWSER), { kind: 'gone' });
    assert.equal((await world.dump()).includes(late), false);
  });
});
