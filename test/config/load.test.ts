import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkSecrets, formatProblem, loadConfig } from '../../runtime/config/index.js';
import { deps, load, messages, mustLoad } from './support.js';

const HEAD = 'node: n\nboard: twin\n';
const SELF = `${HEAD}parts: { self: { driver: node } }\n`;

test('a whole node file becomes a checked config, units and all', () => {
  const config = mustLoad(`node: depot-7
board: twin
identity: /srv/id
parts:
  climate: { driver: bme280, bus: i2c-2, every: 10 Hz, class: bulk, title: Inside, low: 5, live: true }
  imu: { driver: lsm6dso, bus: i2c-1, address: 0x6b, every: 250ms, keep: false }
  gps: { driver: gnss, port: uart0, baud: 4800 }
  sos: { driver: contact, pin: 11, role: sos, bias: pullUp, activeLow: true, debounce: 1.5ms }
  self: { driver: node, slow: { when: still, every: 5min } }
fusion: { imu: imu, orientation: { every: 2 Hz }, noMotion: 10min, shock: 4 g }
store: { path: data, size: 1 GiB, quota: { alarm: 5% }, commit: 500ms, reserve: 30s, memory: 2 MiB, flash: { size: 32 GB, life: 400d } }
uplink:
  url: mqtts://broker.example:8883
  username: '7'
  password: { file: secret }
  protocol: '5'
  keepAlive: 90s
  backoff: { max: 1h }
log: warn
`);
  assert.equal(config.name, 'depot-7');
  assert.equal(config.identityPath, '/srv/id');
  assert.equal(config.logLevel, 'warn');
  const [climate, imu, gps, sos, self] = config.parts;
  assert.deepEqual(climate?.attachment, { kind: 'i2c', bus: 'i2c-2', address: 0x76 });
  assert.equal(climate?.intervalMs, 100);
  assert.equal(climate?.class, 'bulk');
  assert.equal(climate?.live, true);
  assert.equal(climate?.title, 'Inside');
  assert.deepEqual(climate?.options, { low: 5, high: 40 });
  assert.deepEqual(climate?.place, { file: 'node.yaml', line: 5, column: 3 });
  assert.deepEqual(imu?.attachment, { kind: 'i2c', bus: 'i2c-1', address: 0x6b });
  assert.equal(imu?.keep, false);
  assert.deepEqual(gps?.attachment, { kind: 'serial', port: 'uart0', baud: 4800 });
  assert.equal(gps?.intervalMs, undefined);
  assert.deepEqual(sos?.attachment, {
    kind: 'gpio',
    line: 'GPIO17',
    activeLow: true,
    bias: 'pullUp',
    debounceUs: 1500,
  });
  assert.equal(self?.intervalMs, 60_000);
  assert.deepEqual(self?.slow, { when: 'still', intervalMs: 300_000 });
  assert.deepEqual(config.fusion, {
    imu: 'imu',
    orientationIntervalMs: 500,
    noMotionMs: 600_000,
    shockMps2: 4 * 9.80665,
  });
  assert.deepEqual(config.store, {
    path: 'data',
    sizeBytes: 1_073_741_824,
    quotaPercent: { alarm: 5, event: 10, telemetry: 40, bulk: 10, log: 5 },
    commitIntervalMs: 500,
    reserveAheadMs: 30_000,
    memoryBytes: 2_097_152,
    flash: { sizeBytes: 32e9, lifeMs: 400 * 86_400_000 },
    places: {
      commit: { file: 'node.yaml', line: 11, column: 65 },
      flash: { file: 'node.yaml', line: 11, column: 108 },
    },
  });
  assert.deepEqual(config.uplink, {
    url: 'mqtts://broker.example:8883',
    protocol: '5',
    username: '7',
    password: { file: 'secret', place: { file: 'node.yaml', line: 15, column: 21 } },
    payloads: ['packet'],
    window: 64,
    backlog: 'oldest',
    links: [],
    pubackDeadlineMs: 20_000,
    keepAliveS: 90,
    backoffMinMs: 1000,
    backoffMaxMs: 3_600_000,
  });
});

test('a fragment lies under the file, and its errors are told at its own lines', () => {
  const node = `${HEAD}include: [a.yaml, b.yaml]\nparts: { climate: { every: 5s } }\n`;
  const a = 'parts:\n  climate: { driver: bme280, bus: i2c-1, every: 1s, low: 3 }\nlog: debug\n';
  const config = mustLoad(node, { 'a.yaml': a, 'b.yaml': 'log: error\n' });
  assert.equal(config.parts[0]?.intervalMs, 5000, 'the file over its fragments');
  assert.deepEqual(
    config.parts[0]?.options,
    { low: 3, high: 40 },
    'what it leaves out comes from the fragment',
  );
  assert.equal(config.logLevel, 'error', 'a later fragment over an earlier one');
  const wrong = load(node, { 'a.yaml': a.replace('low: 3', 'low: x'), 'b.yaml': 'log: loud\n' });
  assert.deepEqual(messages(wrong), [
    "a.yaml:2:58: parts.climate.low can't be x (wanted: a number of °C)",
    "b.yaml:1:6: log can't be loud (wanted: debug, info, warn or error)",
  ]);
});

test('fragments that include each other are refused', () => {
  const loaded = load(`${SELF}include: [a.yaml]\n`, { 'a.yaml': 'include: [node.yaml]\n' });
  assert.deepEqual(messages(loaded), [
    'a.yaml:1:11: include node.yaml includes itself (wanted: a chain of at most 8 files, without a circle)',
  ]);
});

test('a node file that is absent, empty or no mapping', () => {
  const absent = loadConfig('nowhere.yaml', deps);
  assert.deepEqual(messages(absent), [
    'nowhere.yaml:1:1: the node file: there is no such file (nowhere.yaml) (wanted: the path of a node file)',
  ]);
  assert.deepEqual(messages(load('# nothing\n')), [
    "node.yaml:1:1: the file is empty (wanted: lines of 'key: value')",
  ]);
  assert.deepEqual(messages(load('- a\n')), [
    "node.yaml:1:1: the file holds no mapping (wanted: lines of 'key: value')",
  ]);
});

test('aliases work, and can neither loop nor explode', () => {
  const config = mustLoad(
    `${HEAD}parts: { a: &b { driver: bme280, bus: i2c-1 }, c: { driver: node, every: &t 5s }, d: { driver: bme280, bus: i2c-2, every: *t } }\n`,
  );
  assert.equal(config.parts[2]?.intervalMs, 5000);
  const loop = load('a: &a { b: *a }\n');
  assert.ok(!loop.ok && messages(loop).some((text) => text.includes('nested too deep')));
  const levels = Array.from(
    { length: 12 },
    (_, i) => `l${i + 1}: &l${i + 1} [${Array(10).fill(`*l${i}`).join(', ')}]`,
  );
  const bomb = load(`l0: &l0 [x]\n${levels.join('\n')}\n`);
  assert.ok(!bomb.ok && messages(bomb).some((text) => text.includes('grows too large by its aliases')));
});

test('a password in the clear is a warning, but not on the loopback', () => {
  const uplink = (host: string) =>
    `${SELF}uplink: { url: 'mqtt://${host}', username: a, password: { file: p } }\n`;
  const remote = load(uplink('broker.example:1883'));
  assert.ok(remote.ok);
  assert.deepEqual(remote.warnings.map(formatProblem), [
    'node.yaml:4:11: uplink sends the password to broker.example in the clear (wanted: mqtts:// with ca)',
  ]);
  for (const host of ['127.0.0.1', 'localhost:1883', '[::1]:1883']) {
    const local = load(uplink(host));
    assert.ok(local.ok && local.warnings.length === 0, host);
  }
});

test('a secret must be there and be read by its owner only', () => {
  const config = mustLoad(`${SELF}uplink:
  url: mqtts://broker.example
  certificate: { file: node.pem }
  key: { file: node.key }
  username: a
  password: { file: p }
`);
  const modes = new Map([
    ['node.key', 0o100600],
    ['p', 0o100644],
  ]);
  const stat = (path: string) => (modes.has(path) ? { mode: modes.get(path)! } : undefined);
  assert.deepEqual(checkSecrets(config, stat).map(formatProblem), [
    'node.yaml:9:21: uplink.password: others may read p (mode 0644) (wanted: a file with the secret that only its user may read: chmod 600 p)',
  ]);
  modes.delete('node.key');
  modes.set('p', 0o100400);
  assert.deepEqual(checkSecrets(config, stat).map(formatProblem), [
    'node.yaml:7:16: uplink.key: there is no file node.key (wanted: a file with the secret that only its user may read: chmod 600 node.key)',
  ]);
});

test('fleet keys make custody fleet; without them it is the broker', () => {
  const uplink = (more: string) => mustLoad(`${SELF}uplink:\n  url: mqtts://broker.example\n${more}`).uplink!;
  assert.equal(uplink('').fleet, undefined);
  assert.deepEqual(uplink('  receipt: 2min\n  fleetKeys: [{ file: a.pub }, { file: b.pub }]\n').fleet, {
    keys: [
      { file: 'a.pub', place: { file: 'node.yaml', line: 7, column: 23 } },
      { file: 'b.pub', place: { file: 'node.yaml', line: 7, column: 40 } },
    ],
    receiptDeadlineMs: 120_000,
  });
});

test('a secret that this user may not even see is told, not thrown', () => {
  const config = mustLoad(`${SELF}uplink: { url: 'mqtts://h', username: a, password: { file: p } }\n`);
  const stat = () => {
    throw Object.assign(new Error('no'), { code: 'EACCES' });
  };
  assert.deepEqual(checkSecrets(config, stat).map(formatProblem), [
    'node.yaml:4:60: uplink.password: p: this user may not read it (wanted: a file with the secret that only its user may read: chmod 600 p)',
  ]);
});

test('a file of Windows, with a byte order mark, reads the same', () => {
  assert.equal(mustLoad(`\ufeff${SELF.replaceAll('\n', '\r\n')}`).name, 'n');
  const loaded = load(`\ufeff${HEAD}parts: { self: { driver: nod } }\n`.replaceAll('\n', '\r\n'));
  assert.match(messages(loaded)[0]!, /^node.yaml:3:26: /);
});

test('a secret key in the wrong form is never shown', () => {
  const loaded = load(
    `${SELF}uplink: { url: 'mqtts://h', key: 'hunter2', password: [hunter2], pasword: hunter2 }\n`,
  );
  assert.ok(!loaded.ok && loaded.problems.length === 3);
  assert.doesNotMatch(messages(loaded).join('\n'), /hunter2/);
});

test('keys of an option schema that contradict each other are told at the part', () => {
  const loaded = load(`${HEAD}parts:\n  climate: { driver: bme280, bus: i2c-1, low: 30, high: 20 }\n`);
  assert.deepEqual(messages(loaded), [
    "node.yaml:4:3: parts.climate: its keys don't go together (wanted: low below high)",
  ]);
});

test('every unknown key is told, names of JavaScript among them', () => {
  const loaded = load(
    `${HEAD}parts: { self: { driver: node, aa: 1, constructor: 2, __proto__: 3 } }\ntoString: 4\nstore: { quota: { x: 5%, y: 5% } }\n`,
  );
  assert.deepEqual(
    messages(loaded).map((text) => text.split(' (wanted')[0]),
    [
      "node.yaml:3:32: parts.self has no key 'aa'",
      "node.yaml:3:39: parts.self has no key 'constructor'",
      "node.yaml:3:55: parts.self has no key '__proto__'",
      "node.yaml:4:1: the file has no key 'toString'",
      "node.yaml:5:19: store.quota has no key 'x'",
      "node.yaml:5:26: store.quota has no key 'y'",
    ],
  );
});

test('budgets of links: bytes a day, by interface, in the order of the file; keep-alives that eat them are a warning', () => {
  const links =
    '  keepAlive: KEEP\n  links:\n    satellite: { interface: ppp*, budget: 50 kB/day }\n    mobile: { interface: wwan0, budget: 20 MB/day, thin: [bulk, log] }\n';
  const warnings = (keepAlive: string) => {
    const loaded = load(`${SELF}uplink:\n  url: mqtts://broker.example\n${links.replace('KEEP', keepAlive)}`);
    return loaded.ok ? loaded.warnings.map(formatProblem) : messages(loaded);
  };
  const config = mustLoad(`${SELF}uplink:\n  url: mqtts://broker.example\n${links.replace('KEEP', '18h')}`);
  assert.deepEqual(config.uplink?.links, [
    { name: 'satellite', interface: 'ppp*', budgetBytesPerDay: 50_000, thin: ['bulk'] },
    { name: 'mobile', interface: 'wwan0', budgetBytesPerDay: 20_000_000, thin: ['bulk', 'log'] },
  ]);
  assert.deepEqual(warnings('18h'), []);
  assert.deepEqual(warnings('60s'), [
    "node.yaml:8:35: keep-alives alone take 230 kB of the 50 kB a day of links 'satellite' (wanted: a keepAlive of at least 19min, or a larger budget)",
  ]);
});
