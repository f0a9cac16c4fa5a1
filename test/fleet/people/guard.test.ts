import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DatabaseError } from '../../../fleet/db/index.js';
import { everywhere } from '../../../fleet/people/index.js';
import { onBothDatabases } from '../db/databases.js';
import { Browser, owner, serve } from './client.js';
import { BY, join } from './world.js';

onBothDatabases('the guard before all pages', (fresh) => {
  test('nobody sees anything but where to sign in', async (t) => {
    const { app, people } = await serve(t, fresh);
    const nobody = new Browser(app);
    assert.equal((await nobody.get('/sign-in')).headers.location, '/first');
    await owner(app, await people.signIn.firstSecret());
    assert.equal((await nobody.get('/first')).headers.location, '/sign-in');
    assert.equal((await nobody.get('/sign-in')).statusCode, 200);
    assert.deepEqual((await nobody.get('/health')).json(), { isKnown: false });
    for (const url of [
      '/',
      '/people',
      '/me',
      '/people/audit',
      '/nothing',
      '//health',
      '/health/',
      '/HEALTH',
    ]) {
      const { statusCode, headers } = await nobody.get(url);
      assert.equal(statusCode, 303, url);
      assert.match(String(headers.location), /^\/sign-in\?to=/);
    }
    const api = await nobody.send({ method: 'GET', url: '/api/v1/nodes', headers: { accept: '*/*' } });
    assert.equal(api.statusCode, 401);
    assert.equal(api.headers['www-authenticate'], 'Bearer');
    assert.equal((await nobody.post('/people', { name: 'Eve' })).statusCode, 401);
  });

  test('who signs in comes where they wanted to, and never to another site', async (t) => {
    const { app, people } = await serve(t, fresh);
    await owner(app, await people.signIn.firstSecret());
    const browser = new Browser(app);
    assert.equal((await browser.get('/people?x=1')).headers.location, '/sign-in?to=%2Fpeople%3Fx%3D1');
    const to = async (to: string) =>
      (await browser.post('/sign-in', { name: 'Anna', password: 'correct horse battery', to })).headers
        .location;
    assert.equal(await to('/people?x=1'), '/people?x=1');
    assert.deepEqual((await browser.get('/')).json(), { person: 'Anna' });
    for (const evil of [
      '//evil.example',
      '/\\evil.example',
      'https://evil.example',
      '/\r\nSet-Cookie: a=b',
      '/\t/evil',
    ])
      assert.equal(
        await new Browser(app)
          .post('/sign-in', { name: 'Anna', password: 'correct horse battery', to: evil })
          .then(({ headers }) => headers.location),
        '/',
      );
  });

  test('the cookie: by https `__Host-` and Secure; never for scripts', async (t) => {
    const plain = await serve(t, fresh);
    const secure = await serve(t, fresh, { url: 'https://fleet.example' });
    for (const [{ app, people }, expected] of [
      [plain, /^cairn=[\w-]{43}; Max-Age=604800; Path=\/; HttpOnly; SameSite=Lax$/],
      [secure, /^__Host-cairn=[\w-]{43}; Max-Age=604800; Path=\/; HttpOnly; SameSite=Lax; Secure$/],
    ] as const) {
      const secret = (await people.signIn.firstSecret())!;
      const { headers } = await new Browser(app).post('/first', {
        ...{ secret, name: 'Anna', password: 'correct horse battery' },
      });
      assert.match(String(headers['set-cookie']), expected);
    }
  });

  test('a session that somebody planted becomes nobody’s, and signing in makes a new one', async (t) => {
    const { app, people } = await serve(t, fresh);
    const anna = await owner(app, await people.signIn.firstSecret());
    const planted = new Browser(app);
    planted.cookie = `cairn=${'A'.repeat(43)}`;
    await planted.signIn('Anna');
    assert.notEqual(planted.cookie, `cairn=${'A'.repeat(43)}`);
    const before = anna.cookie;
    await anna.get('/sign-in');
    await anna.signIn('Anna');
    assert.notEqual(anna.cookie, before);
    const old = new Browser(app);
    old.cookie = before;
    assert.equal((await old.get('/')).statusCode, 303);
  });

  test('wrong cookies are nobody', async (t) => {
    const { app, people } = await serve(t, fresh);
    const anna = await owner(app, await people.signIn.firstSecret());
    const token = anna.cookie.slice('cairn='.length);
    for (const cookie of [
      ...['cairn=', 'cairn', '=', ';;;', 'cairn=%00', `cairn=${'x'.repeat(10_000)}`, `cairn=${token}x`],
      ...[`xcairn=${token}`, `__Host-cairn=${token}`, `cairn="${token}"`, `cairn=${token.toLowerCase()}`],
    ]) {
      const browser = new Browser(app);
      browser.cookie = cookie;
      assert.equal((await browser.get('/')).statusCode, 303, cookie.slice(0, 60));
    }
    const two = new Browser(app);
    two.cookie = `a=b; ${anna.cookie};c=d`;
    assert.equal((await two.get('/')).statusCode, 200);
  });

  test('a POST by cookie wants the token of its own session', async (t) => {
    const { app, people, acknowledged } = await serve(t, fresh);
    const anna = await owner(app, await people.signIn.firstSecret());
    const ben = new Browser(app);
    await join(people, 'Ben');
    await ben.signIn('Ben');
    await ben.get('/me');
    for (const csrf of ['', 'x', ben.csrf]) {
      assert.equal((await anna.post('/alerts', { csrf })).statusCode, 403);
      assert.equal((await anna.post('/people', { csrf, name: 'Eve' })).statusCode, 403);
      assert.equal((await anna.post('/sign-out', { csrf })).statusCode, 403);
    }
    await anna.get('/me');
    assert.equal((await anna.post('/alerts')).statusCode, 200);
    const json = (headers: Record<string, string>) =>
      anna.send({ method: 'POST', url: '/alerts', payload: {}, headers });
    assert.equal((await json({})).statusCode, 403);
    assert.equal((await json({ 'x-csrf-token': anna.csrf })).statusCode, 200);
    assert.deepEqual(acknowledged, ['Anna', 'Anna']);
    assert.equal((await people.directory.list()).length, 2);
  });

  test('a page of another site posts nothing, signs nobody in, and opens no socket', async (t) => {
    const { app, people, acknowledged } = await serve(t, fresh, { url: 'https://fleet.example' });
    const anna = await owner(app, await people.signIn.firstSecret());
    await anna.get('/me');
    for (const [headers, code] of [
      [{ origin: 'https://evil.example' }, 403],
      [{ origin: 'null' }, 403],
      [{ 'sec-fetch-site': 'cross-site' }, 403],
      [{ 'sec-fetch-site': 'same-site' }, 403],
      [{ origin: 'https://fleet.example' }, 200],
      [{ origin: 'http://localhost:80' }, 200],
      [{ 'sec-fetch-site': 'same-origin' }, 200],
    ] as const) {
      const browser = new Browser(app, headers as Record<string, string>);
      Object.assign(browser, { cookie: anna.cookie, csrf: anna.csrf });
      assert.equal((await browser.post('/alerts')).statusCode, code, JSON.stringify(headers));
      const stranger = new Browser(app, headers as Record<string, string>);
      assert.equal((await stranger.signIn('Anna')).statusCode, code === 200 ? 303 : 403);
      const socket = await browser.send({ method: 'GET', url: '/', headers: { upgrade: 'websocket' } });
      assert.equal(socket.statusCode, code);
    }
    assert.equal(acknowledged.length, 3);
  });

  test('a role is asked in its group; a token may no more than its person, and manages nobody', async (t) => {
    const { app, people, acknowledged } = await serve(t, fresh);
    await owner(app, await people.signIn.firstSecret());
    for (const [name, roles, code] of [
      ['viewer', everywhere('viewer'), 403],
      ['elsewhere', { dev: 'owner' }, 403],
      ['here', { prod: 'operator' }, 200],
    ] as const) {
      const browser = new Browser(app);
      await join(people, name, roles);
      await browser.signIn(name);
      await browser.get('/me');
      assert.equal((await browser.post('/alerts')).statusCode, code, name);
      for (const url of ['/people', '/people/audit']) assert.equal((await browser.get(url)).statusCode, 403);
    }
    const [anna] = await people.directory.list();
    const token = await people.tokens.make(anna!, { name: 'ci', roles: everywhere('owner'), days: 1 }, BY);
    const ask = (method: 'GET' | 'POST', url: string, authorization: string) =>
      app.inject({ method, url, headers: { authorization } });
    assert.deepEqual((await ask('GET', '/api/v1/nodes', `Bearer ${token}`)).json(), {
      person: 'Anna (token ci)',
    });
    assert.equal((await ask('POST', '/alerts', `Bearer ${token}`)).statusCode, 200);
    assert.equal((await ask('POST', '/people', `Bearer ${token}`)).statusCode, 403);
    assert.equal((await ask('GET', '/me', `Bearer ${token}`)).statusCode, 403);
    for (const wrong of [`Bearer ${token}x`, 'Bearer', 'Basic YTpi', `Bearer ${'x'.repeat(10_000)}`, token])
      assert.equal((await ask('GET', '/api/v1/nodes', wrong)).statusCode, 401);
    assert.deepEqual(acknowledged, ['here', 'Anna (token ci)']);
  });

  test('open to loopback: whoever is on this machine looks, and does nothing', async (t) => {
    const { app } = await serve(t, fresh, { open: 'loopback' });
    const closed = await serve(t, fresh);
    const look = (
      remoteAddress: string,
      headers: Record<string, string> = {},
      method: 'GET' | 'POST' = 'GET',
    ) => app.inject({ method, url: method === 'GET' ? '/' : '/alerts', remoteAddress, headers });
    const local = { host: 'localhost:8000' };
    assert.deepEqual((await look('127.0.0.1', local)).json(), { person: 'this machine' });
    const me = await app.inject({
      ...{ url: '/me', remoteAddress: '127.0.0.1' },
      headers: { ...local, accept: 'text/html' },
    });
    assert.equal(me.headers.location, '/sign-in?to=%2Fme');
    assert.equal((await look('::1', { host: '[::1]:8000' })).statusCode, 200);
    assert.equal((await look('192.0.2.1', local)).statusCode, 401);
    assert.equal((await look('127.0.0.1', { host: 'rebound.example' })).statusCode, 401);
    assert.equal((await look('127.0.0.1', { ...local, 'x-forwarded-for': '192.0.2.1' })).statusCode, 401);
    assert.equal((await look('127.0.0.1', local, 'POST')).statusCode, 401);
    const { statusCode } = await closed.app.inject({ url: '/', remoteAddress: '127.0.0.1', headers: local });
    assert.equal(statusCode, 401);
  });

  test('while the database is down, who was let in within the hour still looks', async (t) => {
    const { app, people, world } = await serve(t, fresh);
    const anna = await owner(app, await people.signIn.firstSecret());
    assert.equal((await anna.get('/')).statusCode, 200);
    const { query } = world.db;
    t.after(() => Object.assign(world.db, { query }));
    Object.assign(world.db, {
      query: async () => {
        throw new DatabaseError('down', 'it went');
      },
    });
    assert.deepEqual((await anna.get('/')).json(), { person: 'Anna' });
    const stranger = new Browser(app);
    stranger.cookie = `cairn=${'A'.repeat(43)}`;
    assert.equal((await stranger.get('/')).statusCode, 500);
    world.nowMs += 3_600_000;
    assert.equal((await anna.get('/')).statusCode, 500);
  });

  test('one address is answered 1,200 times a minute', async (t) => {
    const { app } = await serve(t, fresh);
    const codes = [];
    const urls = ['/health', '/', '/nothing'];
    for (let i = 0; i < 1_201; i++) codes.push((await app.inject({ url: urls[i % 3]! })).statusCode);
    assert.deepEqual(codes.slice(0, 3), [200, 401, 401]);
    assert.deepEqual([codes.indexOf(429), codes.at(-1)], [1_200, 429]);
    assert.equal((await app.inject({ url: '/health', remoteAddress: '192.0.2.9' })).statusCode, 200);
  });
});
