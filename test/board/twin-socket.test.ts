import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { halErrorKind } from '../../drivers/contract/index.js';
import { openBoard, registry } from '../../runtime/board/index.js';
import { SocketI2c } from '../../runtime/board/twin-socket.js';
import { onMessages, sendMessage, type TwinRequest } from '../../runtime/board/twin-socket-wire.js';
import { until } from '../contract/serial.js';
import { nodeConfig, partConfig, testDeps } from './fixture.js';

const CHIP_ID = { kind: 'readRegisters', register: 0xd0, length: 1 } as const;

/** Runs a script of this folder; it ends with the test at the latest. */
async function start(t: TestContext, script: string, ...args: string[]): Promise<ChildProcess> {
  const file = fileURLToPath(new URL(script, import.meta.url));
  const child = spawn(process.execPath, [file, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => end(child, 'SIGKILL'));
  await new Promise((resolve) => child.stdout.once('data', resolve));
  return child;
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill(signal);
  await gone;
}

async function socketPath(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'cairn-twins-'));
  t.after(() => rm(folder, { recursive: true }));
  return join(folder, 'bus');
}

async function served(bus: SocketI2c): Promise<number> {
  const answer = await bus.ask('test', { op: 'served' });
  assert.ok('served' in answer);
  return answer.served[String(0x76)] ?? 0;
}

test('twins of another process outlive a node killed with -9, and know what they served', async (t) => {
  const path = await socketPath(t);
  await start(t, 'twin-process.js', path, 'bme280@0x76');
  const bus = new SocketI2c('i2c-9', path);
  t.after(() => bus.close());
  let heard = 0;
  for (let round = 0; round < 3; round++) {
    const client = await start(t, 'twin-client.js', path);
    heard++;
    client.stdout!.on('data', (dots: Buffer) => {
      heard += dots.length;
    });
    await new Promise((resolve) => setTimeout(resolve, 100));
    await end(client, 'SIGKILL');
    const count = await served(bus);
    // Each read heard was served; each kill can cost the one answer that was on its way.
    assert.ok(count >= heard && count <= heard + round + 1, `${count} served, ${heard} heard`);
    assert.ok(heard > 5);
  }
});

test('the process with the twins goes away and comes back: absent meanwhile, then good, by the same bus', async (t) => {
  const path = await socketPath(t);
  const bus = new SocketI2c('i2c-9', path);
  t.after(() => bus.close());
  const kind = () => bus.transfer(0x76, CHIP_ID).then(() => 'good', halErrorKind);
  assert.equal(await kind(), 'absent');
  for (let round = 0; round < 2; round++) {
    const server = await start(t, 'twin-process.js', path, 'bme280@0x76');
    assert.equal(await kind(), 'good');
    await end(server, 'SIGKILL');
    await until('gone', async () => (await kind()) === 'absent');
  }
});

test('faults are set over the socket; a real driver runs on a board whose bus is elsewhere', async (t) => {
  const path = await socketPath(t);
  await start(t, 'twin-process.js', path, 'bme280@0x76');
  const definition = registry.drivers.find((driver) => driver.id === 'bme280')!;
  const part = partConfig('air', definition, { kind: 'i2c', bus: 'main', address: 0x76 });
  const i2c = { main: { device: `unix:${path}`, pins: [], timeoutMs: 200 } };
  const board = await openBoard(nodeConfig([part], { i2c }), testDeps());
  t.after(() => board.close());
  assert.deepEqual(board.choices, [`i2c main: twins of another process, at ${path}`]);
  const { driver } = board.parts[0]!;
  const knobs = new SocketI2c('i2c-9', path);
  t.after(() => knobs.close());
  assert.equal((await driver.probe()).model, 'BME280');

  await knobs.ask('test', { op: 'faults', address: 0x76, faults: { noAcknowledgeProbability: 1 } });
  await assert.rejects(driver.probe(), { kind: 'noAcknowledge', where: 'main 0x76' });
  await knobs.ask('test', {
    op: 'faults',
    address: 0x76,
    faults: { noAcknowledgeProbability: 0, sdaStuck: true },
  });
  await assert.rejects(driver.probe(), { kind: 'busStuck' });
  assert.equal(await board.recover('i2c:main'), true);
  await driver.probe();
});

test('what is no request is refused; what is no message ends the connection, and no other', async (t) => {
  const path = await socketPath(t);
  await start(t, 'twin-process.js', path, 'bme280@0x76');
  const good = new SocketI2c('i2c-9', path);
  t.after(() => good.close());
  await assert.rejects(good.ask('test', { op: 'explode' } as never), { kind: 'unsupported' });
  await assert.rejects(good.ask('test', { op: 'powerCycle', address: 0x10 }), { kind: 'absent' });
  await assert.rejects(good.ask('test', { op: 'read', address: 0x76, length: 1e9 }), { kind: 'invalid' });
  for (const bytes of [Buffer.alloc(8, 0xff), Buffer.from([0, 0, 0, 2, 0x7b, 0x7b])]) {
    const bad = connect(path);
    const closed = new Promise((resolve) => bad.once('close', resolve));
    bad.on('error', () => undefined);
    bad.write(bytes);
    await closed;
  }
  assert.equal((await good.transfer(0x76, CHIP_ID)).length, 1);
});

test('messages come out as they went in, wherever the stream is cut', () => {
  const seed = Date.now() % 2 ** 31;
  console.log(`seed ${seed}`);
  const write = fc.record(
    {
      id: fc.nat(),
      op: fc.constant('write' as const),
      address: fc.integer({ min: 3, max: 0x77 }),
      hex: fc.uint8Array({ maxLength: 32 }).map((bytes) => Buffer.from(bytes).toString('hex')),
    },
    { noNullPrototype: true },
  );
  fc.assert(
    fc.property(fc.array(write, { maxLength: 8 }), fc.integer({ min: 1, max: 40 }), (messages, cut) => {
      const sent: Buffer[] = [];
      const out = { write: (bytes: Buffer) => sent.push(bytes) } as unknown as Socket;
      for (const message of messages) sendMessage(out, message);
      const taken: TwinRequest[] = [];
      const stream = new PassThrough();
      onMessages(stream as unknown as Socket, (message) => taken.push(message as TwinRequest));
      const bytes = Buffer.concat(sent);
      for (let at = 0; at < bytes.length; at += cut) stream.emit('data', bytes.subarray(at, at + cut));
      assert.deepEqual(taken, messages);
    }),
    { seed, numRuns: 200 },
  );
});
