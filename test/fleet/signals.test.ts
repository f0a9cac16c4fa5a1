import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { freePort } from '../support/broker.js';
import { until } from '../support/until.js';

const MAIN = join(import.meta.dirname, '../../fleet/main.js');

test('SIGHUP reads the file anew and keeps the old one where the new one is wrong; SIGUSR1 is maintenance; SIGTERM ends it in order', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'cairn-signals-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const [brokerPort, first, second] = [await freePort(), await freePort(), await freePort()];
  const file = join(folder, 'fleet.yaml');
  const write = (port: number) =>
    writeFileSync(
      file,
      `data: ${folder}/data\nbroker: { port: ${brokerPort} }\nweb: { port: ${port}, open: loopback }\n`,
    );
  write(first);
  const child = spawn(process.execPath, [MAIN, '--config', file], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => child.kill('SIGKILL'));
  let said = '';
  child.stdout.on('data', (text: Buffer) => {
    said += text;
  });
  const states = async (port: number): Promise<readonly string[]> => {
    const response = await fetch(`http://127.0.0.1:${port}/health`).catch(() => undefined);
    const health = (await response?.json()) as
      | { readonly services: readonly { state: string }[] }
      | undefined;
    return health?.services.map(({ state }) => state) ?? [];
  };
  const are = (port: number, wanted: string) =>
    until(`${wanted} at ${port}`, async () => {
      const all = await states(port);
      return all.length > 0 && all.every((state) => state === wanted);
    });

  await are(first, 'healthy');
  child.kill('SIGUSR1');
  await are(first, 'maintenance');
  child.kill('SIGUSR1');
  await are(first, 'healthy');

  writeFileSync(file, 'data: nowhere\n');
  child.kill('SIGHUP');
  await until('it says what is wrong', () => /the old configuration stays: .*fleet\.yaml:1:7/.test(said));
  await are(first, 'healthy');

  child.kill('SIGUSR1');
  await are(first, 'maintenance');
  write(second);
  child.kill('SIGHUP');
  await are(second, 'maintenance');
  child.kill('SIGUSR1');
  await are(second, 'healthy');
  assert.deepEqual(await states(first), [], 'the old address is gone');

  child.kill('SIGTERM');
  assert.deepEqual(await once(child, 'exit'), [0, null]);
});

test('SIGTERM ends it soon where a port is taken and where a broker takes the connection and says nothing', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'cairn-signals-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const mute = createServer().listen(0, '127.0.0.1');
  await once(mute, 'listening');
  t.after(() => mute.close());
  const { port } = mute.address() as AddressInfo;
  for (const [broker, said] of [
    [`{ port: ${port} }`, /broker didn't start: .*EADDRINUSE/],
    [`{ url: 'mqtt://127.0.0.1:${port}' }`, /the web is at/],
  ] as const) {
    const file = join(folder, 'fleet.yaml');
    writeFileSync(file, `data: ${folder}/data\nbroker: ${broker}\nweb: { port: 0 }\n`);
    const child = spawn(process.execPath, [MAIN, '--config', file], { stdio: ['ignore', 'pipe', 'inherit'] });
    t.after(() => child.kill('SIGKILL'));
    let text = '';
    child.stdout.on('data', (chunk: Buffer) => {
      text += chunk;
    });
    await until(`${said}`, () => said.test(text));
    const before = performance.now();
    child.kill('SIGTERM');
    assert.deepEqual(await once(child, 'exit'), [0, null]);
    assert.ok(performance.now() - before < 8_000);
  }
});

test('a reload waits for no browser that opened a connection ahead, and for no page that answers no goodbye', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'cairn-signals-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const [brokerPort, port] = [await freePort(), await freePort()];
  const file = join(folder, 'fleet.yaml');
  writeFileSync(
    file,
    `data: ${folder}/data\nbroker: { port: ${brokerPort} }\nweb: { port: ${port}, open: loopback }\n`,
  );
  const child = spawn(process.execPath, [MAIN, '--config', file], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => child.kill('SIGKILL'));
  let said = '';
  child.stdout.on('data', (text: Buffer) => {
    said += text;
  });
  await until('the web is there', () => /the web is at/.test(said));
  // RFC 6455, 1.3: the opening handshake.
  const upgrade = [
    ...['GET /live HTTP/1.1', `Host: 127.0.0.1:${port}`, `Origin: http://127.0.0.1:${port}`],
    ...['Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13'],
    ...['Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==', '', ''],
  ].join('\r\n');
  const [idle, asleep] = [connect(port, '127.0.0.1'), connect(port, '127.0.0.1')];
  t.after(() => [idle, asleep].map((socket) => socket.destroy()));
  asleep.write(upgrade);
  const [answer] = await once(asleep, 'data');
  assert.match(String(answer), /^HTTP\/1\.1 101 /);
  said = '';
  const before = performance.now();
  child.kill('SIGHUP');
  await until('it is there again', () => /the web is at/.test(said));
  assert.ok(performance.now() - before < 8_000);
  assert.doesNotMatch(said, /didn't stop/);
  child.kill('SIGTERM');
  assert.deepEqual(await once(child, 'exit'), [0, null]);
});
