import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import pg from 'pg';
import { ConfigError, parseConfig, readConfig } from '../../../fleet/config/index.js';
import { databaseUrl } from '../../../fleet/secrets.js';

function problems(text: string): readonly string[] {
  try {
    parseConfig(text, 'fleet.yaml');
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

test('a folder is enough: everything on loopback, nobody gets in without a sign-in', () => {
  assert.deepEqual(parseConfig('data: /var/lib/cairn-fleet\n', 'fleet.yaml'), {
    data: '/var/lib/cairn-fleet',
    broker: { host: '127.0.0.1', port: 1883, open: 'nobody' },
    retention: {},
    tell: [],
    web: { host: '127.0.0.1', port: 8000, open: 'nobody' },
  });
});

test('an outgrown fleet: a server, a broker, mail and SMS', () => {
  const config = parseConfig(
    `data: /srv/fleet
database: postgresql:///fleet?host=/run/postgresql
broker: { url: 'mqtts://broker.example', shared: fleet, ca: /etc/ca.pem }
listener: {}
mail: { url: 'smtps://mail.example', from: fleet@example.org }
sms: { spool: /var/spool/sms/outgoing }
retention: { readings: 400d, logs: 90d }
`,
    'fleet.yaml',
  );
  assert.deepEqual(config.broker, {
    ...{ url: 'mqtts://broker.example', clientId: 'cairn-fleet', shared: 'fleet', ca: '/etc/ca.pem' },
  });
  assert.deepEqual(config.retention, { readings: 400, logs: 90 });
  assert.deepEqual(config.listener, { host: '127.0.0.1', port: 9000 });
});

test('every problem at once, each at its line and column', () => {
  const found = problems(`data: here
web:
  port: 99999
  colour: red
database: mysql://x
`);
  assert.deepEqual(
    found.map((text) => text.replace(/: .*/, '')),
    ['fleet.yaml:1:7', 'fleet.yaml:3:9', 'fleet.yaml:4:11', 'fleet.yaml:5:11'],
  );
  assert.match(found[2]!, /web\.colour: there is no such key$/);
  assert.match(found[3]!, /database: a URL is wanted that begins with postgresql:\/\/ or postgres:\/\//);
});

test('of a broker the key that is wrong is named, of the one that is meant', () => {
  const found = (text: string) => problems(`data: /x\nbroker:\n  ${text}\n`).join();
  assert.match(found('prt: 1883'), /^fleet\.yaml:3:8: broker\.prt: /);
  assert.match(found("port: '1883'"), /^fleet\.yaml:3:9: broker\.port: /);
  assert.match(found('url: mqtt://x\n  clientID: y'), /^fleet\.yaml:4:13: broker\.clientID: /);
  assert.match(found('url: mqtts://x\n  cert: /c.pem'), /broker: cert and key go together/);
});

test('a broker that listens beyond this machine wants certificates', () => {
  assert.match(problems('data: /x\nbroker: { host: 0.0.0.0 }\n').join(), /CN is its id/);
});

test('what is open to this machine has no proxy before it: through one everybody comes from this machine', () => {
  const web = (url: string) => problems(`data: /x\nweb: { open: loopback, url: '${url}' }\n`);
  assert.match(web('https://fleet.example.org').join(), /^fleet\.yaml:2:6: web: .*open: nobody/);
  const behind = problems('data: /x\nweb: { open: loopback, proxy: [192.0.2.7] }\n');
  assert.match(behind.join(), /open: nobody/);
  for (const url of ['http://localhost:8000', 'http://127.0.0.1:8000', 'http://[::1]:8000'])
    assert.deepEqual(web(url), [], url);
});

test('the web beyond this machine wants https before it; a proxy elsewhere is an address or a network', () => {
  assert.match(problems('data: /x\nweb: { host: 0.0.0.0 }\n').join(), /fleet\.yaml:2:6: web: .*https/);
  assert.match(problems("data: /x\nweb: { host: 0.0.0.0, url: 'http://fleet.example' }\n").join(), /https/);
  const web = (proxy: string) =>
    problems(`data: /x\nweb: { host: '::', url: 'https://fleet.example:8000', proxy: ${proxy} }\n`);
  for (const proxy of ['[192.0.2.7]', '[192.0.2.0/24, "2001:db8::/64"]']) assert.deepEqual(web(proxy), []);
  for (const proxy of ['[]', '[caddy]', '[0.0.0.0/0]', '[192.0.2.0/33]', '[192.0.2.0/24/1]', '["::/129"]'])
    assert.equal(web(proxy).length, 1, proxy);
});

test('tiles have numbers in their address, and somebody to thank', () => {
  const tiles = (text: string) => problems(`data: /x\nweb: { tiles: ${text} }\n`);
  assert.deepEqual(tiles("{ url: 'https://tiles.example/{z}/{x}/{y}.png', attribution: Ada }"), []);
  assert.match(
    tiles("{ url: 'https://tiles.example/{z}/{x}.png', attribution: Ada }").join(),
    /\{z\}, \{x\} and \{y\}/,
  );
  assert.match(tiles("{ url: 'https://{z}.example/{x}/{y}.png', attribution: Ada }").join(), /a path with/);
  assert.equal(tiles("{ url: 'https://tiles.example/{z}/{x}/{y}.png' }").length, 1);
});

test("the database's password in a file of its own", (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'cairn-secret-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const passwordFile = join(folder, 'password');
  writeFileSync(passwordFile, 'a+b &\u00e9/?#\n');
  const url = (text: string) => {
    const { database } = parseConfig(
      `data: /x\ndatabase: { url: '${text}', passwordFile: ${passwordFile} }\n`,
      'fleet.yaml',
    );
    return databaseUrl(database!);
  };
  // What the client that the fleet uses makes of it.
  const far = new pg.Client(url('postgresql://fleet@db.example:5433/fleet'));
  assert.deepEqual([far.user, far.host, far.port, far.database], ['fleet', 'db.example', 5433, 'fleet']);
  const near = new pg.Client(url('postgresql:///fleet?host=/run/postgresql&user=fleet'));
  assert.deepEqual([near.host, near.user, near.database], ['/run/postgresql', 'fleet', 'fleet']);
  assert.deepEqual([far.password, near.password], ['a+b &\u00e9/?#', 'a+b &\u00e9/?#']);
  writeFileSync(passwordFile, '\n');
  assert.throws(
    () => url('postgresql://fleet@db.example/fleet'),
    /password is empty: a password or token is wanted/,
  );
  // As Docker leaves it where the file of a secret is absent.
  rmSync(passwordFile);
  mkdirSync(passwordFile);
  assert.throws(() => url('postgresql://fleet@db.example/fleet'), /password: EISDIR/);
  assert.match(
    problems('data: /x\ndatabase: { url: postgresql://db }\n').join(),
    /either a URL, or url and passwordFile/,
  );
});

test('a problem says what is wanted, in words that need no schema', () => {
  const said = (text: string) => problems(text).join('\n');
  assert.match(said('{}'), /data: is missing$/);
  assert.match(said("data: /x\nweb: { port: '80' }\n"), /web\.port: a number is wanted, not "80"$/);
  assert.match(
    said('data: /x\nlistener: { ids: [4711, "a b"] }\n'),
    /:2:19: listener\.ids\.0: a text is wanted, not 4711\n.*:2:25: listener\.ids\.1: an id of 1 to 32 letters/,
  );
  assert.match(said('data: /x\nlistener: on\n'), /listener: a group of keys and values is wanted, not "on"$/);
  assert.match(
    said('data: /x\nbroker: { open: all }\n'),
    /broker\.open: one of "nobody", "loopback" is wanted/,
  );
  assert.match(said('data: /x\ntell: [ops@example.org]\n'), /tell\.0: mail:.* or sms:.* is wanted$/);
});

test('whom the file names can be reached by what the file has', () => {
  const mail = "mail: { url: 'smtps://mail.example', from: fleet@example.org }";
  assert.match(
    problems("data: /x\ntell: [mail:ops@example.org, 'sms:+33612345678']\n").join('\n'),
    /:2:7: tell: nobody is reached by mail.*\n.*:2:7: tell: nobody is reached by sms/,
  );
  assert.deepEqual(problems(`data: /x\ntell: [mail:ops@example.org]\n${mail}\n`), []);
});

test('what is no YAML, and a file that is not there', () => {
  assert.throws(
    () => readConfig('/nowhere/fleet.yaml'),
    /\/nowhere\/fleet\.yaml: there is no such file; .*enough/,
  );
  assert.match(problems('data: [')[0]!, /^fleet\.yaml:1:\d+: /);
  assert.match(problems('data: *folder')[0]!, /^fleet\.yaml: .*alias.*folder/);
  assert.match(problems(`data: /x\n${'#'.repeat(300_000)}`)[0]!, /more than/);
});
