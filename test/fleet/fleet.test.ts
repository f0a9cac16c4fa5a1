import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { connectAsync } from 'mqtt';
import { pino } from 'pino';
import { parseConfig } from '../../fleet/config/index.js';
import { type RunningFleet, startFleet } from '../../fleet/fleet.js';
import { makeParts } from '../../fleet/parts.js';
import { freePort } from '../support/broker.js';
import { until } from '../support/until.js';
import { startSink } from './alerts/sink.js';
import { block } from './ingest/messages.js';

const NODE = '0123456789abcdef';
const PRESSED = JSON.stringify([{ bn: `${NODE}/sos/`, bt: 1_795_400_000, n: 'state', vs: 'pressed' }]);

interface Whole {
  readonly fleet: RunningFleet;
  readonly port: number;
  readonly web: string;
  /** Ends it, and starts it on the same folder. */
  again(): Promise<Whole>;
}

async function start(
  t: TestContext,
  folder: string,
  smtpPort: number,
  log = pino({ level: 'silent' }),
): Promise<Whole> {
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
  const fleet = await startFleet(config, log);
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

test('while the database can not be had, what comes is held on the disk all the same', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'cairn-fleet-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const database = `postgres://nobody@127.0.0.1:${await freePort()}/fleet`;
  const config = parseConfig(JSON.stringify({ data: folder, database }), 'test');
  const health = () => ({ services: [] });
  const { ingest, db } = await makeParts(config, { holder: 'a', log: pino({ level: 'silent' }), health });
  t.after(() => db.close());
  t.after(() => ingest.close());
  for (const stream of ['climate', 'sos']) {
    const { topic, payload } = block(0, [1], stream, NODE, stream === 'sos' ? 'alarm' : 'telemetry');
    assert.deepEqual(await ingest.take(topic, payload), { kind: 'held' }, stream);
  }
});

test('a folder is of one process: another is told so, and gets it once the first has ended', async (t) => {
  const data = mkdtempSync(join(tmpdir(), 'cairn-fleet-'));
  t.after(() => rmSync(data, { recursive: true, force: true }));
  const [port, webPort] = [await freePort(), await freePort()];
  const config = parseConfig(JSON.stringify({ data, web: { port: webPort }, broker: { port } }), 'test');
  const log = pino({ level: 'silent' });
  const first = await startFleet(config, log);
  await assert.rejects(startFleet(config, log), /another process has .*give this one a folder of its own/);
  await first.stop();
  const second = await startFleet(config, log);
  await second.stop();
});

test('nobody owns a new fleet: it says a secret, once, and has no page for strangers', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'cairn-fleet-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const sink = await startSink();
  t.after(() => sink.stop());
  const lines: string[] = [];
  const log = pino({}, { write: (line: string) => void lines.push(line) });
  const { web } = await start(t, folder, sink.port, log);
  assert.equal(lines.join('').match(/one-time secret: [A-Z2-7]{4}(-[A-Z2-7]{4}){5}"/g)?.length, 1);
  const health = await (await fetch(`${web}/health`)).json();
  assert.equal((health as { readonly status: string }).status, 'ok');
  const forwarded = await fetch(`${web}/`, {
    headers: { 'x-forwarded-for': '203.0.113.9' },
    redirect: 'manual',
  });
  assert.equal(forwarded.status, 401, 'who comes through a proxy is not this machine');
});
