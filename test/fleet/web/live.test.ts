import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { changesOfMoved } from '../../../fleet/web/index.js';
import { until } from '../../support/until.js';
import { ADA, serve } from './served.js';

/** A server of its own for each test; `follow` resolves once the client follows. */
async function start(t: TestContext) {
  const served = serve();
  t.after(() => served.app.close());
  const url = (await served.app.listen({ host: '127.0.0.1', port: 0 })).replace('http', 'ws');
  async function follow(watch: unknown) {
    const told: { topics?: string[]; reload?: boolean }[] = [];
    const socket = new WebSocket(`${url}/live`);
    const closed = once(socket, 'close').then(([code]) => code);
    t.after(() => socket.terminate());
    socket.on('message', (data) => told.push(JSON.parse(String(data))));
    await once(socket, 'open');
    socket.send(JSON.stringify({ watch }));
    await wait(50);
    return { socket, told, closed };
  }
  const [prod, , dev] = served.store.summaries.map(({ node }) => node) as [string, string, string];
  return { served, news: served.news, follow, prod, dev };
}

test('a client is told of what it follows, at most once a second', async (t) => {
  const { news, follow, prod, dev } = await start(t);
  const { told } = await follow([`node:${prod}`, 'logs']);
  const beganMs = Date.now();
  for (let i = 0; i < 50; i++) {
    for (const streamId of [0n, 1n]) news.emit('change', { kind: 'node', node: prod, streamId });
    news.emit('change', { kind: 'node', node: dev, streamId: 9n });
    news.emit('change', { kind: 'alert' });
    await wait(50);
  }
  const seconds = (Date.now() - beganMs) / 1000;
  assert.ok(told.length >= 1 && told.length <= seconds + 1, `${told.length} in ${seconds} s`);
  for (const { topics } of told)
    assert.deepEqual([...topics!].sort(), [`node:${prod}`, 'stream:0', 'stream:1']);
});

test('a client that would be told too much is told to load anew', async (t) => {
  const { news, follow, prod } = await start(t);
  const { told } = await follow([`node:${prod}`]);
  for (let i = 0; i < 10_000; i++) news.emit('change', { kind: 'node', node: prod, streamId: BigInt(i) });
  await until('it is told', () => told.length > 0);
  assert.deepEqual(told[0], { reload: true });
});

test('what may be of any stream of a node is told as that', async (t) => {
  const { news, follow, prod } = await start(t);
  const { told } = await follow([`node:${prod}`, 'logs', 'alerts']);
  for (const change of changesOfMoved(prod)) news.emit('change', change);
  await until('it is told', () => told.length > 0);
  assert.deepEqual(told, [{ topics: [`node:${prod}`, 'streams', 'logs', 'alerts'] }]);
});

test('everybody is told of health', async (t) => {
  const { news, follow } = await start(t);
  const { told } = await follow([]);
  news.emit('change', { kind: 'health' });
  await until('it is told', () => told.length > 0);
  assert.deepEqual(told, [{ topics: ['health'] }]);
});

test('who asks for too much is sent away', async (t) => {
  const { follow } = await start(t);
  const { closed } = await follow(Array.from({ length: 17 }, (_, i) => `node:${i}`));
  assert.equal(await closed, 1008);
});

test('one person has 64 connections at most, and keeps nobody else out', async (t) => {
  const { served, follow } = await start(t);
  for (let i = 0; i < 64; i++) await follow([]);
  const { closed } = await follow([]);
  assert.equal(await closed, 1013);
  served.person = { ...ADA, id: 'bob' };
  const { socket } = await follow(['fleet']);
  assert.equal(socket.readyState, WebSocket.OPEN);
});

test('what is followed is said once: each time costs a look at every node in it', async (t) => {
  const { follow, prod } = await start(t);
  const { socket, closed } = await follow([`node:${prod}`]);
  socket.send(JSON.stringify({ watch: ['fleet'] }));
  assert.equal(await closed, 1008);
});

test('nobody is told of a node that they may not see', async (t) => {
  const { served, news, follow, prod, dev } = await start(t);
  served.person = { ...ADA, roles: { dev: 'viewer' } };
  const { told } = await follow([`node:${prod}`, 'node:unknown', `node:${dev}`]);
  for (const node of [prod, 'unknown', dev]) news.emit('change', { kind: 'node', node });
  await until('they are told of theirs', () => told.length > 0);
  assert.deepEqual(told, [{ topics: [`node:${dev}`, 'streams'] }]);
});

test('who lost a role is told no more of its nodes within half a minute, and who signed out of nothing', async (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const { served, news, follow, prod } = await start(t);
  const { closed, told } = await follow([`node:${prod}`, 'logs']);
  served.person = { ...ADA, roles: { dev: 'viewer' } };
  t.mock.timers.tick(30_000);
  await wait(50);
  news.emit('change', { kind: 'node', node: prod });
  news.emit('change', { kind: 'log', node: prod });
  t.mock.timers.tick(1_000);
  await until('they are told', () => told.length > 0);
  assert.deepEqual(told, [{ topics: ['logs'] }]);
  served.person = undefined;
  t.mock.timers.tick(30_000);
  assert.equal(await closed, 1008);
});
