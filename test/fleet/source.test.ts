import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { connectAsync } from 'mqtt';
import { pino } from 'pino';
import { parseConfig } from '../../fleet/config/index.js';
import { makeParts } from '../../fleet/parts.js';
import { openSource } from '../../fleet/source.js';
import { makeCa } from '../support/broker.js';

test('the own broker with tls and no ca, on this machine: nobody has a certificate to show, and all may come', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'cairn-source-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const { ca, certificate, key } = makeCa(folder).issue('127.0.0.1');
  const broker = { port: 0, tls: { cert: certificate, key } };
  const config = parseConfig(JSON.stringify({ data: folder, broker }), 'it');
  const health = () => ({ services: [] });
  const log = pino({ level: 'silent' });
  const parts = await makeParts(config, { holder: 'a', log, health });
  const opened = await openSource(parts);
  t.after(async () => {
    await opened.source.close();
    await parts.ingest.close();
    await parts.db.close();
  });
  const [, port] = /port (\d+)/.exec(await opened.state()) ?? [];
  const client = await connectAsync(`mqtts://127.0.0.1:${port}`, {
    ...{ ca: readFileSync(ca), clientId: '0123456789abcdef', protocolVersion: 4, reconnectPeriod: 0 },
  });
  assert.ok(client.connected);
  await client.endAsync();
});
