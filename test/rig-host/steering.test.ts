import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { startHost } from '../../hil/host/index.js';
import { MAX_LINE_BYTES } from '../../hil/host/wire.js';
import { until } from '../contract/serial.js';

/** The host's side without a machine: sockets where QEMU's would be, and a QMP that says yes. */
async function host(t: TestContext) {
  const work = await mkdtemp(join(tmpdir(), 'cairn-host-'));
  const sockets = new Map<string, Socket>();
  const servers: Server[] = [];
  const commands: string[] = [];
  const rig = await startHost(work, { full: false, seed: 5 });
  const listen = (name: string, onSocket: (socket: Socket) => void = () => undefined) =>
    new Promise<void>((resolve) => {
      const server = createServer((socket) => {
        sockets.set(
          name,
          socket.on('error', () => socket.destroy()),
        );
        onSocket(socket);
      });
      servers.push(server.listen(join(work, `${name}.sock`), () => resolve()));
    });
  for (const name of ['uart', 'usb0', 'usb1', 'rig']) await listen(name);
  await listen('qmp', (socket) =>
    socket.on('data', (bytes: Buffer) => {
      for (const line of bytes.toString().trim().split('\n')) {
        const { execute } = JSON.parse(line) as { execute: string };
        commands.push(execute);
        socket.write('{"return":{}}\n');
        if (execute === 'device_del') socket.write('{"event":"DEVICE_DELETED"}\n');
      }
    }),
  );
  await rig.started(join(work, 'qmp.sock'));
  await until('all are connected', () => sockets.has('uart') && sockets.has('rig'));
  t.after(async () => {
    await rig.stop();
    for (const socket of sockets.values()) socket.destroy();
    for (const server of servers) server.close();
    await rm(work, { recursive: true });
  });
  const answers: string[] = [];
  sockets.get('rig')!.on('data', (bytes: Buffer) => answers.push(...bytes.toString().trim().split('\n')));
  const ask = (text: string) => sockets.get('rig')!.write(`${text}\n`);
  const answer = async (id: number) => {
    const found = () => answers.map((line) => JSON.parse(line)).find((one) => one.id === id);
    await until(`the answer ${id}`, () => found() !== undefined);
    return found();
  };
  return { ask, answer, sockets, commands };
}

test('what a suite asks for is done in order, and what cannot be done is told', async (t) => {
  const { ask, answer, sockets, commands } = await host(t);
  let uart = '';
  sockets.get('uart')!.on('data', (bytes: Buffer) => {
    uart += bytes.toString();
  });
  ask('{"id":1,"do":"hello"}');
  ask(`{"id":2,"do":"say","line":"uart","bytes":"${Buffer.from('one').toString('base64')}"}`);
  ask(`{"id":3,"do":"say","line":"uart","bytes":"${Buffer.from('two').toString('base64')}","chunk":1}`);
  assert.equal((await answer(1)).ok.seed, 5);
  assert.deepEqual((await answer(3)).ok, { bytes: 3, hits: 0 });
  await until('the bytes', () => uart === 'onetwo');
  ask('{"id":4,"do":"plug","line":"usb0","serial":"A1"}');
  assert.deepEqual((await answer(4)).ok, {});
  ask('{"id":5,"do":"plug","line":"usb0","serial":"A1"}');
  ask('{"id":6,"do":"plug","line":"uart","serial":"A1"}');
  ask('{"id":7,"do":"file","name":"../secret","from":0}');
  ask('{"id":8,"do":"open the door"}');
  assert.match((await answer(5)).error, /plugged in already/);
  assert.match((await answer(6)).error, /soldered on/);
  assert.match((await answer(7)).error, /not a recording/);
  assert.ok((await answer(8)).error);
  ask('{"id":9,"do":"reset"}');
  assert.deepEqual((await answer(9)).ok, {});
  assert.deepEqual(commands, ['qmp_capabilities', 'device_add', 'device_del']);
});

test('a reset ends what a guest that does not read holds up', async (t) => {
  const { ask, answer, sockets } = await host(t);
  sockets.get('uart')!.pause();
  const bytes = Buffer.alloc(30_000).toString('base64');
  for (let id = 1; id <= 40; id++) ask(`{"id":${id},"do":"say","line":"uart","bytes":"${bytes}"}`);
  ask('{"id":41,"do":"reset"}');
  assert.deepEqual((await answer(41)).ok, {});
  assert.ok((await answer(40)).error, 'not said, and told so');
});

test('a line beyond the bound ends the steering, and no more than that', async (t) => {
  const { ask, sockets } = await host(t);
  const ended = new Promise((resolve) => sockets.get('rig')!.once('close', resolve));
  ask('x'.repeat(MAX_LINE_BYTES + 10));
  await ended;
  assert.ok(!sockets.get('uart')!.destroyed);
});
