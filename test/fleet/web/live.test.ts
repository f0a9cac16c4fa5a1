import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { changesOfMoved } from '../../../fleet/web/index.js';
import { until } from '../../support/until.js';
import { serve } from './served.js';

const { app, news } = serve();
let url = '';
before(async () => {
  url = (await app.listen({ host: '127.0.0.1', port: 0 })).replace('http', 'ws');
});
after(() => app.close());

async function follow(watch: unknown, headers: Record<string, string> = {}) {
  const told: { topics?: string[]; reload?: boolean }[] = [];
  const socket = new WebSocket(`${url}/live`, { headers });
  socket.on('message', (data) => told.push(JSON.parse(String(data))));
  await once(socket, 'open');
  socket.send(JSON.stringify({ watch }));
  await wait(50);
  return { socket, told };
}

test('a client is told of what it follows, at most once a second', async () => {
  const { socket, told } = await follow(['node:a', 'logs']);
  const beganMs = Date.now();
  for (let i = 0; i < 50; i++) {
    news.emit('change', { kind: 'node', node: 'a', streamId: BigInt(i % 2) });
    news.emit('change', { kind: 'node', node: 'b', streamId: 9n });
    news.emit('change', { kind: 'alert' });
    await wait(50);
  }
  socket.close();
  const seconds = (Date.now() - beganMs) / 1000;
  assert.ok(told.length >= 1 && told.length <= seconds + 1, `${told.length} in ${seconds} s`);
  for (const { topics } of told) assert.deepEqual([...topics!].sort(), ['node:a', 'stream:0', 'stream:1']);
});

test('a client that would be told too much is told to load anew', async () => {
  const { socket, told } = await follow(['node:a']);
  for (let i = 0; i < 10_000; i++) news.emit('change', { kind: 'node', node: 'a', streamId: BigInt(i) });
  await until('it is told', () => told.length > 0);
  socket.close();
  assert.deepEqual(told[0], { reload: true });
});

test('what may be of any stream of a node is told as that', async () => {
  const { socket, told } = await follow(['node:a', 'logs', 'alerts']);
  for (const change of changesOfMoved('a')) news.emit('change', change);
  await until('it is told', () => told.length > 0);
  socket.close();
  assert.deepEqual(told, [{ topics: ['node:a', 'streams', 'logs', 'alerts'] }]);
});

test('everybody is told of health', async () => {
  const { socket, told } = await follow([]);
  news.emit('change', { kind: 'health' });
  await until('it is told', () => told.length > 0);
  socket.close();
  assert.deepEqual(told, [{ topics: ['health'] }]);
});

test('pages of others, and who asks for too much, are sent away', async () => {
  const foreign = new WebSocket(`${url}/live`, { headers: { origin: 'https://elsewhere.example' } });
  assert.deepEqual((await once(foreign, 'close'))[0], 1008);
  const greedy = await follow(Array.from({ length: 17 }, (_, i) => `node:${i}`));
  if (greedy.socket.readyState !== WebSocket.CLOSED)
    assert.deepEqual((await once(greedy.socket, 'close'))[0], 1008);
});
