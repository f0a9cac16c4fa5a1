import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { WebSocket } from 'ws';
import { DatabaseError } from '../../../fleet/db/index.js';
import { type Change, createWeb, peoplePlugin } from '../../../fleet/web/index.js';
import { type Fresh, onBothDatabases } from '../db/databases.js';
import { Browser, owner } from '../people/client.js';
import { World } from '../people/world.js';
import { FakeStore, NOW_MS } from './fake-store.js';

const NODE = '/nodes/a1b2c3d400000000';

/** All pages behind the real sign-in; Anna owns them. `stop` takes the database and the store away, as when one server has both. */
async function serve(t: TestContext, fresh: Fresh, url?: string) {
  const { world, people } = await World.open(fresh);
  world.nowMs = NOW_MS;
  const store = new FakeStore();
  const news = new EventEmitter<{ change: [Change] }>();
  const services = [{ name: 'database', state: 'healthy' as 'healthy' | 'unhealthy', sinceMs: NOW_MS }];
  const nowMs = () => world.nowMs;
  const app = createWeb({
    ...{ store, news, nowMs, audit: async () => undefined, openAlerts: async () => new Map() },
    health: () => ({ services }),
    plugins: [peoplePlugin({ people, nowMs, url })],
  });
  t.after(() => app.close());
  const anna = await owner(app, await people.signIn.firstSecret());
  const { query, transaction } = world.db;
  const stop = () => {
    store.isDown = true;
    const down = async () => {
      throw new DatabaseError('down', 'connect ECONNREFUSED 10.0.0.5:5432');
    };
    Object.assign(world.db, { query: down, transaction: down });
    services[0] = { ...services[0]!, state: 'unhealthy' };
    Object.assign(services[0], { why: 'connect ECONNREFUSED 10.0.0.5:5432' });
  };
  t.after(() => Object.assign(world.db, { query, transaction }));
  return { app, world, people, news, anna, stop };
}

onBothDatabases('pages behind the sign-in', (fresh) => {
  test('while the database is down, a session that was ended before sees no page that it saw', async (t) => {
    const { app, anna, stop } = await serve(t, fresh);
    const stolen = new Browser(app);
    stolen.cookie = anna.cookie;
    assert.equal((await stolen.get(NODE)).statusCode, 200);
    await anna.get('/me');
    await anna.post('/sign-out');
    await anna.signIn('Anna');
    assert.equal((await anna.get(NODE)).statusCode, 200);
    assert.equal((await stolen.get(NODE)).statusCode, 303);
    stop();
    assert.equal((await anna.get(NODE)).statusCode, 200);
    assert.equal((await stolen.get(NODE)).statusCode, 503);
  });

  test('while the database is down, who lost a group sees none of its pages any more', async (t) => {
    const { app, people, stop } = await serve(t, fresh);
    const link = await people.directory.invite(
      { name: 'Ben', email: '', roles: { prod: 'viewer', dev: 'viewer' } },
      { who: 'Anna', from: 'here' },
    );
    const ben = new Browser(app);
    await ben.post('/invitation', { link, password: 'correct horse battery' });
    assert.equal((await ben.get(NODE)).statusCode, 200);
    const { id } = (await people.directory.list()).find(({ name }) => name === 'Ben')!;
    await people.directory.setRoles(id, { dev: 'viewer' }, { who: 'Anna', from: 'here' });
    assert.equal((await ben.get(NODE)).statusCode, 404);
    stop();
    assert.equal((await ben.get(NODE)).statusCode, 503);
  });

  test('nobody learns why a service is down, only that not all is well', async (t) => {
    const { app, anna, stop } = await serve(t, fresh);
    assert.equal((await anna.get('/')).statusCode, 200);
    stop();
    for (const url of ['/health', '/invitation?link=x']) {
      const { body } = await new Browser(app).get(url);
      assert.match(body, /class="notice">Not all services are well\./, url);
      assert.ok(!body.includes('10.0.0.5'), url);
    }
    assert.match((await anna.get('/')).body, /10\.0\.0\.5/);
  });

  test('what answers anybody answers while the database is down, to a cookie that nobody can look up too', async (t) => {
    const { app, stop } = await serve(t, fresh);
    stop();
    const browser = new Browser(app);
    browser.cookie = `cairn=${'A'.repeat(43)}`;
    assert.equal((await browser.get('/assets/style.css')).statusCode, 200);
    const { statusCode, body } = await browser.get('/health');
    assert.deepEqual([statusCode, /Not all services are well/.test(body)], [200, true]);
    assert.equal((await browser.get('/')).statusCode, 503);
    assert.equal((await browser.get('/sign-in')).statusCode, 503);
  });

  test('who is refused is told in the form that the API describes', async (t) => {
    const { app, anna } = await serve(t, fresh);
    const json = { accept: 'application/json' };
    const unknown = await app.inject({ url: '/api/v1/nodes', headers: json });
    const elsewhere = {
      method: 'POST' as const,
      url: NODE,
      headers: { ...json, origin: 'https://evil.example' },
    };
    for (const [answer, code] of [
      [unknown, 401],
      [await anna.send(elsewhere), 403],
      [await anna.send({ method: 'GET', url: '/api/v1/nodes/nobody', headers: json }), 404],
    ] as const) {
      const { statusCode, error, message } = answer.json();
      assert.deepEqual([answer.statusCode, statusCode], [code, code]);
      assert.ok(typeof error === 'string' && typeof message === 'string', answer.body);
    }
    assert.match((await anna.get('/nodes/nobody')).body, /<h1>Not found<\/h1>/);
  });

  test('only pages of this server follow, also where a proxy calls it by another name', async (t) => {
    const { app, anna } = await serve(t, fresh, 'https://fleet.example');
    await app.listen({ host: '127.0.0.1', port: 0 });
    const { port } = app.server.address() as AddressInfo;
    const follow = async (headers: Record<string, string>) => {
      const socket = new WebSocket(`ws://127.0.0.1:${port}/live`, { headers });
      t.after(() => socket.terminate());
      const [event] = await Promise.race([
        once(socket, 'open'),
        once(socket, 'unexpected-response').then(([, response]) => [response.statusCode]),
      ]);
      return event ?? 'open';
    };
    const { cookie } = anna;
    assert.equal(await follow({ cookie, origin: 'https://fleet.example' }), 'open');
    assert.equal(await follow({ cookie, origin: `http://127.0.0.1:${port}` }), 'open');
    assert.equal(await follow({ cookie, origin: 'https://elsewhere.example' }), 403);
    assert.equal(await follow({ origin: 'https://fleet.example' }), 401);
  });
});
