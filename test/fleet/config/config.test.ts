import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConfigError, parseConfig } from '../../../fleet/config/index.js';

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
    ['fleet.yaml:1:7', 'fleet.yaml:5:11', 'fleet.yaml:3:9', 'fleet.yaml:4:11'],
  );
  assert.match(found[1]!, /database: a URL is wanted that begins with postgresql:\/\/ or postgres:\/\//);
});

test('a broker that listens beyond this machine wants certificates', () => {
  assert.match(problems('data: /x\nbroker: { host: 0.0.0.0 }\n').join(), /CN is its id/);
});

test('what is open to this machine has no proxy before it: through one everybody comes from this machine', () => {
  const web = (url: string) => problems(`data: /x\nweb: { open: loopback, url: '${url}' }\n`);
  assert.match(web('https://fleet.example.org').join(), /^fleet\.yaml:2:6: web: .*open: nobody/);
  for (const url of ['http://localhost:8000', 'http://127.0.0.1:8000', 'http://[::1]:8000'])
    assert.deepEqual(web(url), [], url);
});

test('what is no YAML, and a file that is not there', () => {
  assert.match(problems('data: [')[0]!, /^fleet\.yaml:1:\d+: /);
  assert.match(problems(`data: /x\n${'#'.repeat(300_000)}`)[0]!, /more than/);
});
