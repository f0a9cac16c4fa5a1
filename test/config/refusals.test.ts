import assert from 'node:assert/strict';
import { test } from 'node:test';
import { load, messages } from './support.js';

/** What the files of wrong/ leave out: one text each, and the whole of what is said. */

const HEAD = 'node: n\nboard: twin\n';
const SELF = `${HEAD}parts: { self: { driver: node } }\n`;
const TLS = 'url: mqtts://broker.example';

const cases: readonly (readonly [title: string, text: string, ...said: string[]])[] = [
  [
    'a live part whose rows are not stored',
    `${HEAD}parts:\n  imu: { driver: lsm6dso, bus: i2c-1, keep: false, live: true }\nfusion: { imu: imu }\n`,
    "node.yaml:4:58: parts.imu is live, but its rows are not stored (wanted: keep: true, or no 'live')",
  ],
  [
    'a slow interval that is no slower',
    `${HEAD}parts:\n  imu: { driver: lsm6dso, bus: i2c-1, every: 1s, slow: { when: still, every: 500ms } }\nfusion: { imu: imu }\n`,
    'node.yaml:4:78: parts.imu.slow.every is 500ms, not slower than every: 1s (wanted: more than 1s)',
  ],
  [
    'a flash of no known size, that lasts for ever, and a commit that is neither auto nor a time',
    `${SELF}store: { flash: { size: 32, cycles: 1, life: 100y }, commit: never }\n`,
    "node.yaml:4:25: store.flash.size can't be 32 (wanted: a size with its unit, such as 512 MB or 1 GiB)",
    "node.yaml:4:37: store.flash.cycles can't be 1 (wanted: a whole number from 10 to 1000000)",
    "node.yaml:4:46: store.flash.life can't be 100y (wanted: at most 50y)",
    "node.yaml:4:62: store.commit can't be never (wanted: auto, or a duration or rate with its unit, such as 10s, 250ms, 5min or 10 Hz)",
  ],
  [
    'an authority for a link without TLS',
    `${SELF}uplink:\n  url: mqtt://broker.example\n  ca: { file: ca.pem }\n`,
    "node.yaml:6:3: uplink.ca is never used with mqtt:// (wanted: mqtts:// as url, or no 'ca')",
  ],
  [
    'a key without its certificate, and a password without its user',
    `${SELF}uplink:\n  ${TLS}\n  key: { file: k }\n  password: { file: p }\n`,
    "node.yaml:6:3: uplink has 'key' without 'certificate' (wanted: 'certificate' beside it)",
    "node.yaml:7:3: uplink has 'password' without 'username' (wanted: 'username' beside it)",
  ],
  [
    'a back-off that starts above its end',
    `${SELF}uplink:\n  ${TLS}\n  backoff: { min: 10min, max: 1min }\n`,
    'node.yaml:6:3: uplink.backoff: min is longer than max (wanted: min of at most max)',
  ],
  [
    'fleet keys that are never used, and a receipt that is never asked for',
    `${SELF}uplink:\n  ${TLS}\n  custody: broker\n  fleetKeys: [{ file: fleet.pub }]\n  receipt: 2min\n`,
    "node.yaml:7:3: uplink.fleetKeys is never used with custody: broker (wanted: custody: fleet with fleetKeys, or no 'fleetKeys')",
    "node.yaml:8:3: uplink.receipt is never used with custody: broker (wanted: custody: fleet with fleetKeys, or no 'receipt')",
  ],
  [
    'receipts for SenML alone',
    `${SELF}uplink:\n  ${TLS}\n  payloads: [senml+json]\n  fleetKeys: [{ file: fleet.pub }]\n`,
    "node.yaml:6:3: uplink.payloads: nobody signs receipts for SenML alone, and no block would ever be freed (wanted: 'packet' among them, or custody: broker without fleetKeys)",
  ],
  [
    'no fleet key, a text for one, and another word for custody',
    `${SELF}uplink:\n  ${TLS}\n  custody: cloud\n  fleetKeys: fleet.pub\n  receipt: 1s\n`,
    "node.yaml:6:12: uplink.custody can't be cloud (wanted: fleet or broker)",
    "node.yaml:7:14: uplink.fleetKeys can't be fleet.pub (wanted: a list of public keys, such as [{ file: /etc/cairn/fleet.pub }])",
    "node.yaml:8:12: uplink.receipt can't be 1s (wanted: at least 5s)",
  ],
  [
    'a payload given twice, and a window of none',
    `${SELF}uplink:\n  ${TLS}\n  payloads: [packet, packet]\n  window: 0\n`,
    "node.yaml:6:13: uplink.payloads can't be a list (wanted: each payload once)",
    "node.yaml:7:11: uplink.window can't be 0 (wanted: a whole number from 1 to 1000)",
  ],
  [
    'an inertial sensor that is a thermometer, and one part twice over',
    `${HEAD}parts:\n  t: { driver: bme280, bus: i2c-1 }\n  imu: { driver: lsm6dso, bus: i2c-1 }\nfusion: { imu: t, magnetometer: imu, shock: 4 }\n`,
    "node.yaml:6:45: fusion.shock can't be 4 (wanted: an acceleration with its unit, such as 40 m/s2 or 4 g)",
  ],
  [
    'fusion with parts that have each other’s role',
    `${HEAD}parts:\n  mag: { driver: lis3mdl, bus: i2c-1 }\n  imu: { driver: lsm6dso, bus: i2c-1 }\nfusion: { imu: mag, magnetometer: imu }\n`,
    "node.yaml:6:16: fusion.imu: part 'mag' (lis3mdl) isn't an accelerometer and gyroscope (wanted: imu)",
    "node.yaml:6:35: fusion.magnetometer: part 'imu' (lsm6dso) isn't a magnetometer (wanted: mag)",
  ],
  [
    'a part that fusion names and that is wrong itself is told once',
    `${HEAD}parts:\n  imu: { driver: lsm6dso, bus: i2c-1, every: 1 }\nfusion: { imu: imu }\n`,
    "node.yaml:4:46: parts.imu.every can't be 1 (wanted: a duration or rate with its unit, such as 10s, 250ms, 5min or 10 Hz)",
  ],
  [
    'a quota without its sign',
    `${SELF}store: { quota: { alarm: 5 } }\n`,
    "node.yaml:4:26: store.quota.alarm can't be 5 (wanted: a percentage with its sign, such as 5%)",
  ],
  [
    'no line and no pin',
    `${HEAD}parts:\n  sos: { driver: contact }\n`,
    "node.yaml:4:8: parts.sos lacks 'line' (wanted: line (such as GPIO17) or pin (of the header, such as 11), one of them)",
  ],
  [
    'lists where mappings are wanted',
    `${HEAD}parts: { self: [node] }\nstore: [1 GB]\n`,
    "node.yaml:3:16: parts.self can't be a list (wanted: { driver: … })",
    "node.yaml:4:8: store can't be a list (wanted: a mapping such as { size: 512 MB })",
  ],
  [
    'a document behind another',
    `${SELF}---\nnode: m\n`,
    "node.yaml:4:1: not YAML: a second document starts here (wanted: one document a file, without '---' between)",
  ],
  [
    'a value with a colon, told once',
    `${SELF}log: a: b\n`,
    "node.yaml:4:6: not YAML: a 'key: value' inside a value (wanted: one a line, or a text with ': ' in quotes)",
  ],
  [
    'a bracket too many',
    `${HEAD}parts: { self: { driver: node } }}\n`,
    'node.yaml:3:34: not YAML: a closing bracket that closes nothing (wanted: as many closing as opening ones)',
  ],
  [
    'a comma too few',
    `${HEAD}parts: { self: { driver: node every: 1s } }\n`,
    'node.yaml:3:26: not YAML: two entries in one place between brackets (wanted: a comma between them)',
  ],
  [
    'a tag',
    `node: !secret n\nboard: twin\n`,
    'node.yaml:1:7: not YAML: a !tag (wanted: the value without it)',
  ],
  [
    'an alias of nothing',
    `${HEAD}parts: { self: *base }\n`,
    "node.yaml:3:10: parts.self can't be empty (wanted: { driver: … })",
    'node.yaml:3:16: *base names nothing (wanted: an &base above)',
  ],
];

for (const [title, text, ...said] of cases) {
  test(`refused: ${title}`, () => assert.deepEqual(messages(load(text)), said));
}

test("a driver's schema without words of its own still says what is wanted", () => {
  const said = (option: string) =>
    messages(load(`${HEAD}parts:\n  imu: { driver: lsm6dso, bus: i2c-1, ${option} }\n`));
  assert.deepEqual(said('range: mid'), [
    "node.yaml:4:46: parts.imu.range can't be mid (wanted: low or high)",
  ]);
  assert.deepEqual(said('gain: 9'), [
    "node.yaml:4:45: parts.imu.gain can't be 9 (wanted: at most 8: Times that the signal is amplified)",
  ]);
  assert.deepEqual(said('gain: 0'), [
    "node.yaml:4:45: parts.imu.gain can't be 0 (wanted: at least 1: Times that the signal is amplified)",
  ]);
  assert.deepEqual(said("gain: '2'"), [
    "node.yaml:4:45: parts.imu.gain can't be '2' (wanted: a number: Times that the signal is amplified)",
  ]);
  assert.deepEqual(said('gain: 1.5'), [
    "node.yaml:4:45: parts.imu.gain can't be 1.5 (wanted: a whole number: Times that the signal is amplified)",
  ]);
});

test('what a file says never breaks the line of a message, nor steers the terminal', () => {
  const text = `node: n
board: generic
include: ["a\\nb"]
parts: { self: { driver: gnss, port: "tty\\nx" }, c: { driver: contact, line: "a\\u001b[31m\\u202e" } }
`;
  assert.deepEqual(messages(load(text)), [
    'node.yaml:3:11: include a·b: there is no such file (a·b) (wanted: the path of a fragment, relative to this file)',
    "node.yaml:4:38: parts.self: board generic has no port 'tty·x' (wanted: a path such as /dev/serial/by-id/usb-…)",
    "node.yaml:4:78: parts.c: board generic has no line 'a·[31m·' (wanted: { chip: label, line: name or offset })",
  ]);
});

test('a file that is no node file by its length', () => {
  assert.deepEqual(messages(load(`${SELF}#${'x'.repeat(262_144)}`)), [
    "node.yaml:1:1: the file is too long (wanted: at most 262144 characters; a node's takes a few thousand)",
  ]);
});

test('a bus and a port in use that share a header pin', () => {
  const board = `title: Mine
kind: twin
i2c:
  i2c-0: { pins: [3, 5] }
serial:
  uart0: { pins: [5, 7] }
`;
  const node = `node: n
board: ./my.yaml
parts:
  gps: { driver: gnss, port: uart0 }
  climate: { driver: bme280, bus: i2c-0 }
`;
  assert.deepEqual(messages(load(node, { 'my.yaml': board })), [
    "node.yaml:5:35: bus i2c-0 (part 'climate'): pin 5 is in use by port uart0 (part 'gps') at node.yaml:4:30 (wanted: another bus or port than bus i2c-0: they share a pin)",
  ]);
});
