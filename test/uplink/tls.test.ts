import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createHttp } from 'node:http';
import type { AddressInfo, Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { createServer } from 'node:tls';
import { startReceiver } from '../../fleet/receive/index.js';
import { makeCa, startMosquitto, type TestCa, type TlsFiles, WITHOUT_MOSQUITTO } from '../support/broker.js';
import { until } from '../support/until.js';
import { realUplink } from './real.js';

const options = { skip: WITHOUT_MOSQUITTO, timeout: 30_000 };
let folder: string;
let ca: TestCa;

before(() => {
  folder = mkdtempSync(join(tmpdir(), 'cairn-tls-'));
  ca = makeCa(join(folder, 'ca'));
});
after(() => rmSync(folder, { recursive: true, force: true }));

test(
  'a certificate of the given CA for the given name: blocks go, the client shows its own',
  options,
  async () => {
    const broker = await startMosquitto(
      ['require_certificate true', 'use_identity_as_username true'],
      ca.issue('127.0.0.1'),
    );
    const me = ca.issue('node-1');
    const { uplink, store, reason } = realUplink({
      ...{ url: broker.url, ca: ca.ca, certificate: me.certificate, key: { file: me.key } },
    });
    const tls = {
      ca: readFileSync(ca.ca),
      certificate: readFileSync(me.certificate),
      key: readFileSync(me.key),
    };
    const running = await startReceiver({ url: broker.url, clientId: 'r', ...tls });
    try {
      await running.subscribed;
      store.commit([{ class: 'telemetry', stream: 'climate' }]);
      uplink.start();
      await until('it has its receipt', () => store.left.length === 0);
      const stranger = realUplink({ url: broker.url, ca: ca.ca });
      stranger.uplink.start();
      await until('no certificate, no link', () => stranger.uplink.status().link.state === 'waiting');
      await stranger.uplink.stop(0);
      assert.equal(reason(), 'online');
    } finally {
      await uplink.stop(0);
      await running.stop();
      await broker.remove();
    }
  },
);

/** A TLS server that counts the bytes which it is told after the handshake. */
async function listen(files: TlsFiles): Promise<{ server: Server; port: number; heard: () => number }> {
  let bytes = 0;
  const keys = { cert: readFileSync(files.certificate), key: readFileSync(files.key) };
  const server = createServer(keys, (socket) => {
    socket.on('data', (chunk) => {
      bytes += chunk.length;
    });
    socket.on('error', () => socket.destroy());
  });
  server.on('tlsClientError', () => undefined);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, port: (server.address() as AddressInfo).port, heard: () => bytes };
}

test(
  'wrong name, expired, not signed by our CA: refused, classified, and no password is said',
  options,
  async () => {
    const secret = join(folder, 'password');
    writeFileSync(secret, 'hunter2\n', { mode: 0o600 });
    const other = makeCa(join(folder, 'other'));
    const cases = [
      ['tlsName', ca.issue('elsewhere.example')],
      ['tlsExpired', ca.issue('127.0.0.1', -1)],
      ['tlsUntrusted', other.issue('127.0.0.1')],
    ] as const;
    for (const [kind, files] of cases) {
      const { server, port, heard } = await listen(files);
      const url = `mqtts://127.0.0.1:${port}`;
      const login = { username: 'me', password: { file: secret } };
      const { uplink, reason } = realUplink({ url, ca: ca.ca, ...login });
      uplink.start();
      try {
        await until(kind, () => reason().startsWith(kind));
        assert.equal(heard(), 0, 'nothing was said to it');
      } finally {
        await uplink.stop(0);
        server.close();
      }
    }
  },
);

test('a captive portal is one, in plain text and where TLS was expected', { timeout: 20_000 }, async () => {
  const portal = createHttp((_, response) => response.writeHead(302, { location: 'http://login/' }).end());
  // What a portal says to a protocol it doesn't know.
  portal.on('clientError', (_, socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
  portal.listen(0, '127.0.0.1');
  await once(portal, 'listening');
  const { port } = portal.address() as AddressInfo;
  for (const scheme of ['mqtt', 'mqtts']) {
    const { uplink, reason } = realUplink({ url: `${scheme}://127.0.0.1:${port}` });
    uplink.start();
    try {
      await until(`a portal behind ${scheme}`, () => reason().startsWith('captivePortal'), 4_000);
    } finally {
      await uplink.stop(0);
    }
  }
  portal.close();
});

test('nobody there, no such name, no such file: each by its name', { timeout: 20_000 }, async () => {
  const cases = [
    ['refused', { url: 'mqtt://127.0.0.1:1' }],
    ['dns', { url: 'mqtt://no-such-host.invalid' }],
    ['credentials', { url: 'mqtts://127.0.0.1:1', ca: join(folder, 'absent.pem') }],
  ] as const;
  for (const [kind, config] of cases) {
    const { uplink, reason } = realUplink(config);
    uplink.start();
    try {
      await until(kind, () => reason().startsWith(kind), 8_000);
    } finally {
      await uplink.stop(0);
    }
  }
});
