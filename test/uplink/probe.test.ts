import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { Resolver as Cares } from 'node:dns';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, type TestContext, test } from 'node:test';
import { createServer as createTls } from 'node:tls';
import { systemClock, systemWallClock } from '../../runtime/clock/index.js';
import type { UplinkConfig } from '../../runtime/config/types.js';
import {
  type ProbeCost,
  type ProbePorts,
  type ProbeResult,
  probeLink,
  probePortsHere,
} from '../../runtime/uplink/index.js';
import { defaultInterfaceOf } from '../../runtime/uplink/probe/ports.js';
import {
  makeCa,
  selfSigned,
  startMosquitto,
  type TestCa,
  type TlsFiles,
  WITHOUT_MOSQUITTO,
} from '../support/broker.js';
import { StubNameServer } from '../support/dns.js';
import { StubBroker } from '../support/stub-broker.js';
import { until } from '../support/until.js';
import { realUplink } from './real.js';

const NODE = '9fb306acefe48c5a';
const ORDER = ['interface', 'dns', 'tcp', 'tls', 'mqtt', 'publish'];
let folder: string;
let ca: TestCa;

before(() => {
  folder = mkdtempSync(join(tmpdir(), 'cairn-probe-'));
  ca = makeCa(join(folder, 'ca'));
});
after(() => rmSync(folder, { recursive: true, force: true }));

/** Of the test's CA, good from 2098 on. */
function notYetValid(): TlsFiles {
  const files = ca.issue('127.0.0.1');
  const stem = files.certificate.replace(/\.pem$/, '');
  const at = (name: string) => join(folder, name);
  const config = [
    '[ca]\ndefault_ca=d',
    `[d]\ndatabase=${at('index')}\nnew_certs_dir=${folder}\nserial=${at('serial')}\ndefault_md=sha256\npolicy=p`,
    '[p]\ncommonName=supplied\n',
  ];
  writeFileSync(at('ca.conf'), config.join('\n'));
  writeFileSync(at('index'), '');
  writeFileSync(at('serial'), '77\n');
  const signed = [
    '-in',
    `${stem}.csr`,
    '-cert',
    ca.ca,
    '-keyfile',
    at('ca/ca.key'),
    '-out',
    files.certificate,
  ];
  const span = ['-startdate', '20980101000000Z', '-enddate', '20990101000000Z', '-extfile', `${stem}.ext`];
  execFileSync('openssl', ['ca', '-batch', '-notext', '-config', at('ca.conf'), ...signed, ...span], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  return files;
}

interface Tested {
  readonly results: readonly ProbeResult[];
  readonly cost: ProbeCost;
  /** The step that failed. */
  readonly failed: ProbeResult | undefined;
  text(step: string): string;
}

async function probed(
  config: Partial<UplinkConfig> & { url: string },
  {
    ports = {},
    deadlineMs = 5_000,
    node = NODE,
  }: { ports?: Partial<ProbePorts>; deadlineMs?: number; node?: string } = {},
): Promise<Tested> {
  const whole: UplinkConfig = {
    ...{ protocol: 'auto', payloads: ['packet'], window: 50, pubackDeadlineMs: 5_000, keepAliveS: 10 },
    ...{ backoffMinMs: 50, backoffMaxMs: 400 },
    ...config,
  };
  const results: ProbeResult[] = [];
  let cost: ProbeCost | undefined;
  const all = { ...probePortsHere(systemClock(), systemWallClock()), ...ports };
  for await (const found of probeLink({ config: whole, node, ports: all, deadlineMs }))
    if ('step' in found) results.push(found);
    else cost = found;
  assert.deepEqual(
    results.map(({ step }) => step),
    ORDER,
  );
  const at = results.findIndex(({ outcome }) => outcome === 'failed');
  const rest = at < 0 ? [] : results.slice(at + 1);
  assert.ok(rest.every(({ outcome, text }) => outcome === 'notReached' && text === ''));
  const text = (step: string) => results.find((result) => result.step === step)!.text;
  return { results, cost: cost!, failed: results[at], text };
}

/** A server that does with each connection what it is told to. */
async function serving(t: TestContext, server: Server): Promise<number> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
  });
  server.on('tlsClientError', () => undefined);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

async function broker(t: TestContext): Promise<StubBroker> {
  const stub = await StubBroker.start();
  t.after(() => stub.close());
  return stub;
}

const options = { timeout: 60_000 };
const KNOWN: Partial<ProbePorts> = {
  askAll: (_, answer) => answer(null, [{ address: '127.0.0.1', family: 4 }]),
};

test('all the way: the name, the address, the CONNACK, and what each PUBACK says', options, async (t) => {
  const stub = await broker(t);
  const topics: string[] = [];
  let code = 0;
  stub.onPublish = ({ topic, puback }) => {
    topics.push(topic);
    puback(code);
  };
  const ports = {
    ...KNOWN,
    interfaces: () => ({ eth7: [{ address: '192.0.2.4', internal: false } as never] }),
    defaultInterface: () => 'eth7',
  };
  const url = `mqtt://broker.test:${stub.port}`;
  const good = await probed({ url }, { ports });
  assert.equal(good.failed, undefined);
  assert.equal(good.text('interface'), 'eth7 192.0.2.4; the default route is by eth7');
  assert.equal(good.text('dns'), 'broker.test is 127.0.0.1');
  assert.match(good.text('tcp'), new RegExp(`^connected to 127\\.0\\.0\\.1 port ${stub.port}, from 127`));
  assert.match(good.text('mqtt'), /^MQTT 5; CONNACK 0x00, a new session, receiveMaximum 65535/);
  assert.match(good.text('publish'), /^PUBACK 0x00: /);
  code = 0x10;
  const alone = await probed({ url }, { ports });
  assert.equal(alone.failed, undefined);
  assert.match(alone.text('publish'), /^PUBACK 0x10: the broker took it; nobody listens/);
  code = 0x87;
  const refused = await probed({ url }, { ports });
  assert.equal(refused.failed?.kind, 'notTaken');
  assert.match(refused.failed?.text ?? '', /^PUBACK 0x87 .*access list refuses/);
  assert.deepEqual(new Set(topics), new Set([`cairn/1/${NODE}/test/uplink`]));
  await until('it is gone', () => stub.open === 0);
});

test('MQTT 3.1.1, asked for or found out: its PUBACK says less, and that is said', options, async (t) => {
  const stub = await broker(t);
  const old = await probed({ url: stub.url, protocol: '3.1.1' });
  assert.match(old.text('mqtt'), /^MQTT 3\.1\.1; CONNACK 0x00/);
  assert.match(old.text('publish'), /doesn't say whether anybody listens/);
  const connects = stub.connects;
  Object.defineProperty(stub, 'accepts', { get: () => stub.connects > connects + 1 });
  const found = await probed({ url: stub.url });
  assert.equal(found.failed, undefined);
  assert.match(found.text('mqtt'), /^MQTT 3\.1\.1; .*MQTT 5 was refused$/);
});

test(
  'no network, no name, a name server that is silent, nobody there: each at its step',
  options,
  async (t) => {
    const url = 'mqtt://broker.test:1';
    const loopback = { lo: [{ address: '127.0.0.1', internal: true } as never] };
    const bare = await probed({ url }, { ports: { interfaces: () => loopback } });
    assert.deepEqual([bare.failed?.step, bare.failed?.kind], ['interface', 'noNetwork']);

    const up = { interfaces: () => ({ eth0: [{ address: '192.0.2.4', internal: false } as never] }) };
    const unknown: Partial<ProbePorts> = {
      ...up,
      askAll: (_, answer) => answer(Object.assign(new Error('ENOTFOUND'), { code: 'ENOTFOUND' }), []),
    };
    const nameless = await probed({ url }, { ports: unknown });
    assert.deepEqual([nameless.failed?.step, nameless.failed?.kind], ['dns', 'dns']);

    const names = await StubNameServer.start();
    names.answers = false;
    t.after(() => names.close());
    const cares = new Cares({ timeout: 30_000, tries: 1 });
    cares.setServers([names.place]);
    t.after(() => cares.cancel());
    const dead: Partial<ProbePorts> = {
      ...up,
      askAll: (host, answer) =>
        cares.resolve4(host, (error, found = []) =>
          answer(
            error,
            found.map((address) => ({ address, family: 4 })),
          ),
        ),
    };
    const silent = await probed({ url }, { ports: dead, deadlineMs: 1500 });
    assert.deepEqual([silent.failed?.step, silent.failed?.kind], ['dns', 'dns']);
    assert.match(silent.failed!.text, /nothing came back within 1\.5 s/);
    assert.ok(silent.failed!.ms >= 1490 && names.questions > 0);

    const nobody = await probed({ url: 'mqtt://127.0.0.1:1' });
    assert.deepEqual([nobody.failed?.step, nobody.failed?.kind], ['tcp', 'refused']);
    assert.deepEqual(nobody.cost, { sentBytes: 0, receivedBytes: 0 });
  },
);

test(
  'a captive portal: one that answers with a page, with and without TLS, and one that is silent',
  options,
  async (t) => {
    let heardBytes = 0;
    const page = 'HTTP/1.1 302 Found\r\nLocation: http://login/\r\nContent-Length: 0\r\n\r\n';
    const portal = createServer((socket) =>
      socket.on('data', (chunk) => {
        heardBytes += chunk.length;
        socket.end(page);
      }),
    );
    const port = await serving(t, portal);
    const plain = await probed({ url: `mqtt://127.0.0.1:${port}` });
    assert.deepEqual([plain.failed?.step, plain.failed?.kind], ['mqtt', 'captivePortal']);
    assert.deepEqual(plain.cost, { sentBytes: heardBytes, receivedBytes: page.length });
    const secure = await probed({ url: `mqtts://127.0.0.1:${port}` });
    assert.deepEqual([secure.failed?.step, secure.failed?.kind], ['tls', 'captivePortal']);

    const mute = await serving(t, createServer());
    const plainMute = await probed({ url: `mqtt://127.0.0.1:${mute}` }, { deadlineMs: 300 });
    assert.deepEqual([plainMute.failed?.step, plainMute.failed?.kind], ['mqtt', 'deadline']);
    const secureMute = await probed({ url: `mqtts://127.0.0.1:${mute}` }, { deadlineMs: 300 });
    assert.deepEqual([secureMute.failed?.step, secureMute.failed?.kind], ['tls', 'timeout']);
  },
);

test(
  'TLS: expired, not valid yet, another name, another CA: told apart, with who answered, and nothing said',
  options,
  async (t) => {
    const other = makeCa(join(folder, 'other'));
    const cases = [
      ['tlsExpired', ca.issue('127.0.0.1', -1), 'CN=127.0.0.1, issued by CN=Cairn test CA'],
      ['tlsNotYetValid', notYetValid(), 'CN=127.0.0.1, issued by CN=Cairn test CA'],
      ['tlsName', ca.issue('elsewhere.example'), 'CN=elsewhere.example, issued by CN=Cairn test CA'],
      ['tlsUntrusted', other.issue('127.0.0.1'), 'CN=127.0.0.1, issued by CN=Cairn test CA'],
      ['tlsUntrusted', selfSigned(join(folder, 'self')), 'CN=127.0.0.1, issued by CN=127.0.0.1'],
    ] as const;
    for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
      for (const [kind, files, who] of cases) {
        const [cert, key] = [readFileSync(files.certificate), readFileSync(files.key)];
        let heardBytes = 0;
        const server = createTls({ cert, key, maxVersion }, (socket) =>
          socket
            .on('error', () => undefined)
            .on('data', ({ length }) => {
              heardBytes += length;
            }),
        );
        const url = `mqtts://127.0.0.1:${await serving(t, server)}`;
        const { failed } = await probed({ url, ca: ca.ca });
        assert.deepEqual([failed?.step, failed?.kind], ['tls', kind], `${maxVersion}: ${failed?.text}`);
        assert.ok(failed!.text.includes(`who answered: ${who}, valid 20`), failed!.text);
        assert.equal(failed!.text.includes("this machine's clock: 20"), /Expired|NotYet/.test(kind));
        assert.equal(heardBytes, 0);
      }
    }
  },
);

test(
  'a certificate of ours that can’t be read, or that the broker wants and we have none',
  options,
  async (t) => {
    const files = ca.issue('127.0.0.1');
    const secrets = { cert: readFileSync(files.certificate), key: readFileSync(files.key) };
    for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
      const wanting = { ...secrets, ca: readFileSync(ca.ca), requestCert: true, rejectUnauthorized: true };
      const server = createTls({ ...wanting, maxVersion }, (socket) => socket.on('error', () => undefined));
      const url = `mqtts://127.0.0.1:${await serving(t, server)}`;
      const { failed } = await probed({ url, ca: ca.ca });
      // With TLS 1.3 the server says so only once our side of the handshake is done.
      assert.equal(failed?.step, maxVersion === 'TLSv1.2' ? 'tls' : 'mqtt', failed?.text);
      assert.equal(failed?.kind, 'tlsClient', failed?.text);
    }
    const absent = await probed({
      url: (await broker(t)).url.replace('mqtt:', 'mqtts:'),
      ca: join(folder, 'no.pem'),
    });
    assert.deepEqual([absent.failed?.step, absent.failed?.kind], ['tls', 'credentials']);
  },
);

test('mosquitto with certificates: who vouches for it is named, and a node that is online stays so', {
  ...options,
  skip: WITHOUT_MOSQUITTO,
}, async (t) => {
  const secure = ['require_certificate true', 'use_identity_as_username true'];
  const running = await startMosquitto(secure, ca.issue('127.0.0.1'));
  const me = ca.issue('node-1');
  const config = { url: running.url, ca: ca.ca, certificate: me.certificate, key: { file: me.key } };
  const { uplink, store } = realUplink(config);
  t.after(async () => {
    await uplink.stop(0);
    await running.remove();
  });
  uplink.start();
  await until('online', () => uplink.status().link.state === 'online');
  const { failed, text, cost } = await probed(config, { node: store.node });
  assert.equal(failed, undefined);
  assert.match(text('tls'), /^TLSv1\.3; CN=127\.0\.0\.1, issued by CN=Cairn test CA, valid 20/);
  assert.ok(text('tls').endsWith(`verified by CN=Cairn test CA (${ca.ca})`), text('tls'));
  assert.deepEqual([uplink.status().link.state, uplink.status().connects], ['online', 1]);
  t.diagnostic(`${cost.sentBytes} bytes sent, ${cost.receivedBytes} received`);
});

test('mosquitto that lets nobody in: the reason code in words, and whose id it was', {
  ...options,
  skip: WITHOUT_MOSQUITTO,
}, async (t) => {
  const running = await startMosquitto(['allow_anonymous false']);
  t.after(() => running.remove());
  const { failed } = await probed({ url: running.url });
  assert.deepEqual([failed?.step, failed?.kind], ['mqtt', 'auth']);
  assert.match(failed!.text, /Not authorized.*reason 0x87.*client id is 9fb306acefe48c5atest/);
});

test('the default route by the kernel’s tables, least metric first, IPv6 where there is no other', () => {
  const head = 'Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n';
  const wlan = 'wlan0\t00000000\t0101A8C0\t0003\t0\t0\t600\t00000000\t0\t0\t0\n';
  const eth = 'eth0\t00000000\t0102A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0\n';
  const near = 'eth0\t0002A8C0\t00000000\t0001\t0\t0\t100\t00FFFFFF\t0\t0\t0\n';
  const zeros = '0'.repeat(32);
  const six = `${zeros} 00 ${zeros} 00 fe800000000000000000000000000001 00000400 00000001 00000000 00000003 wwan0\n`;
  const none = `${zeros} 00 ${zeros} 00 ${zeros} ffffffff 00000001 00000000 00200200       lo\n`;
  assert.equal(defaultInterfaceOf(head + wlan + near + eth, six), 'eth0');
  assert.equal(defaultInterfaceOf(head + near, none + six), 'wwan0');
  assert.equal(defaultInterfaceOf(head + near, none), undefined);
});
