import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { connectAsync } from 'mqtt';
import { pino } from 'pino';
import { parseConfig } from '../../fleet/config/index.js';
import { type RunningFleet, startFleet } from '../../fleet/fleet.js';
import { freePort } from '../support/broker.js';
import { until } from '../support/until.js';
import { startSink } from './alerts/sink.js';

const NODE = '0123456789abcdef';
const PRESSED = JSON.stringify([{ bn: `${NODE}/sos/`, bt: 1_795_400_000, n: 'state', vs: 'pressed' }]);

interface Whole {
  readonly fleet: RunningFleet;
  readonly port: number;
  readonly web: string;
  /** Ends it, and starts it on the same folder. */
  again(): Promise<Whole>;
}

async function start(t: TestContext, folder: string, smtpPort: number): Promise<Whole> {
  const [port, webPort] = [await freePort(), await freePort()];
  const config = parseConfig(
    JSON.stringify({
      data: folder,
      broker: { port },
      web: { port: webPort, open: 'loopback' },
      mail: { url: `smtp://127.0.0.1:${smtpPort}`, from: 'fleet@example.org' },
      tell: ['mail:night@example.org'],
    }),
    'test',
  );
  const fleet = await startFleet(config, pino({ level: 'silent' }));
  const isHealthy = () => fleet.services.health().services.every(({ state }) => state === 'healthy');
  await until('all services are healthy', isHealthy);
  let isStopped = false;
  const stop = async () => {
    if (!isStopped) await fleet.stop();
    isStopped = true;
  };
  t.after(stop);
  const again = async () => {
    await stop();
    return start(t, folder, smtpPort);
  };
  return { fleet, port, web: await fleet.address, again };
}

async function publish(port: number, topic: string, payload: string): Promise<void> {
  const client = await connectAsync(`mqtt://127.0.0.1:${port}`, { clientId: NODE, protocolVersion: 4 });
  await client.publishAsync(topic, payload, { qos: 1 });
  await client.endAsync();
}

test('the whole fleet side: an alarm that its node has no disk for reaches a mailbox within 2 s, and is there after a restart', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'cairn-fleet-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const sink = await startSink();
  t.after(() => sink.stop());
  const whole = await start(t, folder, sink.port);
  const sentMs = Date.now();
  await publish(whole.port, `cairn/1/${NODE}/notice/sos`, PRESSED);
  await until('a mail', () => sink.mails.length > 0);
  const [mail] = sink.mails;
  t.diagnostic(`alarm to mailbox: ${mail!.atMs - sentMs} ms`);
  assert.ok(mail!.atMs - sentMs < 2_000, `${mail!.atMs - sentMs} ms`);
  assert.deepEqual(mail!.to, ['night@example.org']);
  assert.match(mail!.source, /sos/);

  const after = await whole.again();
  await publish(after.port, `cairn/1/${NODE}/notice/sos`, PRESSED);
  const page = await (await fetch(`${after.web}/alerts`, { headers: { accept: 'text/html' } })).text();
  assert.match(page, new RegExp(`notice:${NODE}`));
  await new Promise((resolve) => setTimeout(resolve, 500));
  assert.equal(sink.mails.length, 1, 'the same notice again is no other alarm');
});

test('nobody owns a new fleet: it has a secret to say, and no page for strangers', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'cairn-fleet-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const sink = await startSink();
  t.after(() => sink.stop());
  const { fleet, web } = await start(t, folder, sink.port);
  assert.match((await fleet.firstSecret()) ?? '', /^[A-Z0-9]{4}(-[A-Z0-9]{4}){5}$/);
  const health = await (await fetch(`${web}/health`)).json();
  assert.equal((health as { readonly status: string }).status, 'ok');
  const forwarded = await fetch(`${web}/`, {
    headers: { 'x-forwarded-for': '203.0.113.9' },
    redirect: 'manual',
  });
  assert.equal(forwarded.status, 401, 'who comes through a proxy is not this machine');
});
