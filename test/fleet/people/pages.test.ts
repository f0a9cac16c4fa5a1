import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TOTP } from 'otpauth';
import { onBothDatabases } from '../db/databases.js';
import { Browser, owner, serve } from './client.js';
import { PASSWORD } from './world.js';

const ATTACK = '<img src=x onerror=alert(1)>"\'&';

onBothDatabases('the pages of people', (fresh) => {
  test('from the first secret to a second person who signs in', async (t) => {
    const { app, people } = await serve(t, fresh);
    const anna = await owner(app, await people.signIn.firstSecret());
    await anna.get('/people');
    const invited = await anna.post('/people', {
      name: ATTACK,
      email: 'b@example.org',
      role_dev: 'operator',
    });
    assert.equal(invited.statusCode, 200);
    assert.equal(invited.headers['cache-control'], 'no-store');
    const link = /http:\/\/localhost:80(\/invitation\?link=[\w-]{43})/.exec(invited.body)![1]!;
    const ben = new Browser(app);
    const welcome = await ben.get(link);
    assert.equal(welcome.body.includes('<img'), false);
    assert.match(welcome.body, /&#60;img src=x/);
    const word = link.split('=')[1]!;
    assert.equal((await ben.post('/invitation', { link: word, password: 'short' })).statusCode, 400);
    assert.equal((await ben.post('/invitation', { link: word, password: PASSWORD })).headers.location, '/');
    assert.match((await ben.get('/me')).body, /operator of dev/);
    for (const url of ['/people', '/people/audit']) {
      const { body, headers } = await anna.get(url);
      assert.equal(body.includes('<img'), false, url);
      assert.match(body, /&#60;img src=x/);
      assert.match(String(headers['content-type']), /^text\/html/);
    }
    assert.equal((await new Browser(app).get(link)).body.includes('<form'), false);
  });

  test('an owner changes roles, makes a link, removes; what is typed wrong is said', async (t) => {
    const { app, people } = await serve(t, fresh);
    const anna = await owner(app, await people.signIn.firstSecret());
    await anna.get('/people');
    await anna.post('/people', { name: 'Ben', role_dev: 'viewer', role_prod: 'king' });
    const [annasId, id] = (await people.directory.list()).map((person) => person.id);
    assert.deepEqual((await people.directory.get(id!)).roles, { dev: 'viewer' });
    assert.match((await anna.get(`/people/${id}`)).body, /<h1>Ben<\/h1>/);
    assert.equal(
      (await anna.post(`/people/${id}/roles`, { role_prod: 'owner' })).headers.location,
      '/people',
    );
    assert.deepEqual((await people.directory.get(id!)).roles, { prod: 'owner' });
    assert.match((await anna.post(`/people/${id}/link`)).body, /Link for Ben/);
    assert.equal((await anna.post('/people', { name: 'BEN' })).statusCode, 409);
    assert.equal((await anna.post(`/people/${annasId}/remove`, { confirm: 'Anna' })).statusCode, 409);
    assert.equal((await anna.post(`/people/${id}/remove`, { confirm: 'Anna' })).statusCode, 400);
    assert.equal((await anna.post(`/people/${id}/remove`, { confirm: 'Ben' })).statusCode, 303);
    for (const odd of [id!, 'x', '%00', `${id}%00`]) {
      assert.equal((await anna.get(`/people/${odd}`)).statusCode, 410, odd);
      assert.equal((await anna.post(`/people/${odd}/remove`)).statusCode, 410, odd);
    }
  });

  test('a code: enrolled with a secret as text and address, asked, used once, dropped', async (t) => {
    const { app, people, world } = await serve(t, fresh);
    const anna = await owner(app, await people.signIn.firstSecret());
    await anna.get('/me');
    assert.equal((await anna.post('/me/code', { old: 'wrong password' })).statusCode, 401);
    assert.equal((await anna.post('/me/code', { old: PASSWORD })).headers.location, '/me');
    const { body } = await anna.get('/me');
    const secret = /secret=([A-Z2-7]{32})/.exec(body)![1]!;
    assert.ok(body.includes(secret.match(/.{4}/g)!.join(' ')));
    const code = () => new TOTP({ secret }).generate({ timestamp: world.nowMs });
    assert.equal((await anna.post('/me/code/confirm', { code: '12345' })).statusCode, 401);
    const recovery = await anna.post('/me/code/confirm', { code: code() });
    assert.equal(recovery.body.match(/<li><code>([A-Z2-7]{4}-){3}[A-Z2-7]{4}<\/code>/g)?.length, 10);
    const signIn = async (typed: string) =>
      (await new Browser(app).signIn('Anna', PASSWORD, typed)).statusCode;
    assert.equal(await signIn(code()), 401);
    world.nowMs += 30_000;
    assert.equal(await signIn(code()), 303);
    assert.equal(await signIn(code()), 401);
    assert.equal((await anna.post('/me/code/drop', { old: PASSWORD })).statusCode, 303);
    assert.equal(await signIn(''), 303);
  });

  test('sessions are listed and ended, tokens shown once and revoked, and signing out ends this one', async (t) => {
    const { app, people } = await serve(t, fresh);
    const anna = await owner(app, await people.signIn.firstSecret());
    const other = new Browser(app, { 'user-agent': ATTACK });
    await other.signIn('Anna');
    const { body } = await anna.get('/me');
    assert.equal(body.includes('<img'), false);
    const session = /\/me\/sessions\/([0-9a-f]{64})/.exec(body)![1]!;
    assert.equal((await anna.post(`/me/sessions/${session}`)).statusCode, 303);
    assert.equal((await other.get('/')).statusCode, 303);
    const made = await anna.post('/me/tokens', {
      old: PASSWORD,
      name: ATTACK,
      days: '1',
      role_dev: 'viewer',
    });
    const token = /cairn_[\w-]{43}/.exec(made.body)![0];
    assert.equal((await anna.get('/me')).body.includes(token), false);
    const api = () => app.inject({ url: '/api/v1/nodes', headers: { authorization: `Bearer ${token}` } });
    assert.equal((await api()).statusCode, 200);
    const id = /\/me\/tokens\/([0-9a-f]{64})/.exec((await anna.get('/me')).body)![1]!;
    await anna.post(`/me/tokens/${id}`);
    assert.equal((await api()).statusCode, 401);
    const { cookie } = anna;
    assert.match(String((await anna.post('/sign-out')).headers['set-cookie']), /^cairn=; Max-Age=0;/);
    anna.cookie = cookie;
    assert.equal((await anna.get('/')).statusCode, 303);
  });

  test('a new password ends every session, a copy of this one too, and this browser gets another', async (t) => {
    const { app, people } = await serve(t, fresh);
    const anna = await owner(app, await people.signIn.firstSecret());
    await anna.get('/me');
    const stolen = new Browser(app);
    stolen.cookie = anna.cookie;
    assert.equal((await stolen.get('/')).statusCode, 200);
    const changed = await anna.post('/me/password', { old: PASSWORD, password: 'another horse battery' });
    assert.deepEqual([changed.statusCode, changed.headers.location], [303, '/me']);
    assert.equal((await anna.get('/')).statusCode, 200);
    assert.equal((await stolen.get('/')).statusCode, 303);
    assert.equal((await people.audit.read(1))[0]!.action, 'password');
  });

  test('too many wrong ones: 429, and when to come again', async (t) => {
    const { app, people } = await serve(t, fresh);
    await owner(app, await people.signIn.firstSecret());
    const eve = new Browser(app);
    for (let i = 0; i < 3; i++) assert.equal((await eve.signIn('Anna', 'wrong password')).statusCode, 401);
    const { statusCode, headers, body } = await eve.signIn('Anna', PASSWORD);
    assert.deepEqual([statusCode, headers['retry-after']], [429, '1']);
    assert.match(body, /Try again in 1 s/);
  });

  test('an address whose parts come twice is a fault of nobody', async (t) => {
    const { app, people } = await serve(t, fresh);
    assert.equal((await new Browser(app).get('/invitation?link=a&link=b')).statusCode, 200);
    const anna = await owner(app, await people.signIn.firstSecret());
    const { body } = await anna.get('/sign-in?to=/a&to=/b');
    assert.match(body, /name="to" value="\/"/);
    assert.equal((await anna.get('/people/audit?before=1&before=2')).statusCode, 200);
  });

  test('bodies of 10 MB, of other kinds and without sense are refused', async (t) => {
    const { app, people, world } = await serve(t, fresh);
    const anna = await owner(app, await people.signIn.firstSecret());
    await anna.get('/people');
    const before = world.scrypts;
    const send = (payload: string | Buffer, type: string) =>
      new Browser(app).send({ method: 'POST', url: '/sign-in', payload, headers: { 'content-type': type } });
    const form = 'application/x-www-form-urlencoded';
    assert.equal((await send('name='.padEnd(10_000_000, 'x'), form)).statusCode, 413);
    assert.equal((await send('x'.padEnd(10_000_000, 'x'), 'application/json')).statusCode, 413);
    assert.equal((await send('<a/>', 'application/xml')).statusCode, 415);
    assert.equal(world.scrypts, before);
    for (const odd of [
      '',
      '&&&===',
      '__proto__=x&constructor=y',
      `name=${'%00'.repeat(50)}`,
      'name=%ff%fe&password=%',
    ]) {
      assert.equal((await send(odd, form)).statusCode, 401, odd);
      world.nowMs += 15_000;
    }
    const json = await send(JSON.stringify({ name: { toString: 1 }, password: ['x'] }), 'application/json');
    assert.equal(json.statusCode, 401);
  });
});
