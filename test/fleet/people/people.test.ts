import assert from 'node:assert/strict';
import { test } from 'node:test';
import { everywhere, groupsOf, may, rolesText } from '../../../fleet/people/index.js';
import { onBothDatabases } from '../db/databases.js';
import { BROWSER, BY, join, typed, withOwner } from './world.js';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

test('a role holds in its group, and without a group only where it holds in all', () => {
  const ben = { roles: { dev: 'owner', stage: 'operator' } } as const;
  assert.equal(may(ben, 'operator', 'dev'), true);
  assert.equal(may(ben, 'owner', 'stage'), false);
  assert.equal(may(ben, 'viewer', 'prod'), false);
  assert.equal(may(ben, 'viewer'), false);
  assert.equal(may({ roles: everywhere('owner') }, 'viewer'), true);
  assert.deepEqual(groupsOf(ben, 'viewer'), ['dev', 'stage']);
  assert.equal(rolesText(ben.roles), 'operator of stage; owner of dev');
  assert.equal(rolesText({}), 'nothing');
});

onBothDatabases('people', (fresh) => {
  test('a session ends 12 hours after its last use, and 7 days after it began', async () => {
    const { world, people, session } = await withOwner(fresh);
    for (let hours = 0; hours < 7 * 24; hours += 11) {
      assert.ok(await people.sessions.find(session), `after ${hours} h`);
      world.nowMs += 11 * HOUR_MS;
    }
    assert.equal(await people.sessions.find(session), undefined);
    const other = await people.signIn.signIn(typed('Anna'), BROWSER);
    world.nowMs += 12 * HOUR_MS;
    assert.equal(await people.sessions.find(other), undefined);
    await people.tend();
    assert.deepEqual(await world.db.query('SELECT * FROM session'), []);
  });

  test('a session is ended one by one, by its own person only; its token is nowhere', async () => {
    const { world, people, session } = await withOwner(fresh);
    const other = await people.signIn.signIn(typed('Anna'), {
      address: '192.0.2.8',
      agent: 'x'.repeat(5_000),
    });
    const anna = (await people.sessions.find(session))!;
    const ben = await join(people, 'Ben');
    const dump = await world.dump();
    assert.equal(dump.includes(session), false);
    assert.equal(dump.includes(other), false);
    const listed = await people.sessions.of(anna.id);
    assert.equal(listed.length, 2);
    const { key } = (await people.sessions.find(other))!;
    await people.sessions.end(ben, key, BY);
    assert.ok(await people.sessions.find(other));
    await people.sessions.end(anna.id, key, BY);
    assert.equal(await people.sessions.find(other), undefined);
    assert.ok(await people.sessions.find(session));
    assert.equal(await people.sessions.find(key), undefined);
  });

  test('of one person there are at most 20 sessions, the newest', async () => {
    const { world, people, session } = await withOwner(fresh);
    for (let i = 0; i < 20; i++) {
      world.nowMs++;
      await people.signIn.signIn(typed('Anna'), BROWSER);
    }
    assert.equal((await world.db.query('SELECT * FROM session')).length, 20);
    assert.equal(await people.sessions.find(session), undefined);
  });

  test('a token may what its person may, at most, as long as both last', async () => {
    const { world, people } = await withOwner(fresh);
    const id = await join(people, 'Ben', { dev: 'owner', stage: 'viewer' });
    const ben = await people.directory.get(id);
    const make = (name: string, days = 30) =>
      people.tokens.make(ben, { name, roles: everywhere('operator'), days }, BY);
    const token = await make('ci');
    assert.match(token, /^cairn_[\w-]{43}$/);
    assert.equal((await world.dump()).includes(token.slice(6)), false);
    const caller = (await people.tokens.find(token))!;
    assert.deepEqual(caller.roles, { dev: 'operator', stage: 'viewer' });
    assert.equal(caller.name, 'Ben (token ci)');
    assert.equal((await people.tokens.of(id))[0]!.usedMs, world.nowMs);
    await people.directory.setRoles(id, { dev: 'viewer' }, BY);
    assert.deepEqual((await people.tokens.find(token))!.roles, { dev: 'viewer' });
    world.nowMs += 30 * DAY_MS;
    assert.equal(await people.tokens.find(token), undefined);
    const second = await make('second');
    await people.tokens.revoke(id, caller.key, BY);
    await people.tokens.revoke(id, (await people.tokens.find(second))!.key, BY);
    assert.equal(await people.tokens.find(second), undefined);
    const third = await make('third');
    await people.directory.remove(id, BY);
    assert.equal(await people.tokens.find(third), undefined);
  });

  test('a token that could do nothing, or too long, is not made', async () => {
    const { people } = await withOwner(fresh);
    const id = await join(people, 'Ben', { dev: 'viewer' });
    const ben = await people.directory.get(id);
    const make = (name: string, days: number, roles = everywhere('viewer')) =>
      people.tokens.make(ben, { name, roles, days }, BY);
    await assert.rejects(make('', 1), { kind: 'input' });
    for (const days of [0, 731, 1.5, Number.NaN]) await assert.rejects(make('t', days), { kind: 'input' });
    await assert.rejects(make('t', 1, { prod: 'owner' }), { kind: 'input' });
    for (let i = 0; i < 50; i++) await make('t', 1);
    await assert.rejects(make('t', 1), { kind: 'full' });
  });

  test('there is always an owner of all, also where two demote each other at once', async () => {
    const { world, people, session } = await withOwner(fresh);
    const anna = (await people.sessions.find(session))!.id;
    await assert.rejects(people.directory.remove(anna, BY), { kind: 'lastOwner' });
    await assert.rejects(people.directory.setRoles(anna, { dev: 'owner', stage: 'owner' }, BY), {
      kind: 'lastOwner',
    });
    // Who was invited only can't manage anybody yet.
    await people.directory.invite({ name: 'Carl', email: '', roles: everywhere('owner') }, BY);
    await assert.rejects(people.directory.remove(anna, BY), { kind: 'lastOwner' });
    const ben = await join(people, 'Ben', everywhere('owner'));
    const both = await Promise.allSettled(
      [anna, ben].map((id) => world.people().directory.setRoles(id, {}, BY)),
    );
    assert.equal(both.filter(({ status }) => status === 'fulfilled').length, 1);
    assert.equal(await people.signIn.hasOwner(), true);
  });

  test('a name has one person, however it is written; odd ones are refused', async () => {
    const { people } = await withOwner(fresh);
    const invite = (name: string, email = '') => people.directory.invite({ name, email, roles: {} }, BY);
    await assert.rejects(invite('ANNA'), { kind: 'taken' });
    await assert.rejects(invite('ａｎｎａ'), { kind: 'taken' });
    for (const name of ['', ' ', 'a\nb', 'x'.repeat(65), 'a\u202eb', '\0'])
      await assert.rejects(invite(name), { kind: 'input' }, JSON.stringify(name));
    for (const email of ['x', 'a@b, c@d', 'a@b\r\nBcc: c@d', `${'x'.repeat(255)}@b`])
      await assert.rejects(invite('Dora', email), { kind: 'input' }, email);
    await invite('Dörte O’Neill <b>', 'd@example.org');
  });

  test('the audit tells who did what, is never changed, and goes by age', async () => {
    const { world, people, session } = await withOwner(fresh);
    const anna = (await people.sessions.find(session))!;
    await people.signIn.signIn(typed('Anna', 'wrong password'), BROWSER).catch(() => undefined);
    await people.signIn.signIn(typed('my password, in the wrong field'), BROWSER).catch(() => undefined);
    const ben = await join(people, 'Ben');
    await people.directory.setRoles(ben, { dev: 'operator' }, BY);
    await people.audit.write({ ...BY, action: 'alert.acknowledge', about: 'a'.repeat(5_000) });
    await people.signIn.signOut(anna, BY);
    const lines = await people.audit.read(100);
    assert.deepEqual(
      lines
        .map(({ who, action, about, detail }) => [who, action, about.slice(0, 20), detail].join('|'))
        .reverse(),
      [
        'Anna|first.owner||',
        'nobody|sign-in.refused|Anna|password',
        'nobody|sign-in.refused||unknown name',
        'Anna|people.invite|Ben|viewer of all',
        'Ben|people.accept||',
        'Anna|people.roles|Ben|operator of dev',
        `Anna|alert.acknowledge|${'a'.repeat(20)}|`,
        'Anna|session.end|from 192.0.2.7|',
      ],
    );
    assert.equal(lines[1]!.about.length, 256);
    assert.equal((await world.dump()).includes('my password'), false);
    const [newest, next] = await people.audit.read(2);
    assert.equal((await people.audit.read(1, newest!.id))[0]!.id, next!.id);
    await assert.rejects(world.db.query("UPDATE audit SET who = 'Eve'"), { kind: 'constraint' });
    world.nowMs += 400 * DAY_MS + 1;
    await people.audit.write({ ...BY, action: 'late' });
    await people.tend();
    assert.deepEqual(
      (await people.audit.read(100)).map(({ action }) => action),
      ['late'],
    );
  });
});
