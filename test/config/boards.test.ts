import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { BoardConfig } from '../../runtime/config/index.js';
import { load, messages, mustLoad, root } from './support.js';

const SELF = 'parts: { self: { driver: node } }';

function board(name: string): BoardConfig {
  return mustLoad(`node: n\nboard: ${name}\n${SELF}\n`).board;
}

test('every board file loads', () => {
  for (const file of readdirSync(join(root, 'board-configs/boards'))) board(file.replace('.yaml', ''));
});

const facts = join(
  process.env.CAIRN_REAL_DATA ?? join(root, '..', 'shared', 'data'),
  'boards',
  'board_facts.json',
);
const skip = existsSync(facts) ? false : 'real data absent: boards/board_facts.json';

test("the Pis' lines, names and pins are those of the kernel's device trees", { skip }, () => {
  const known = JSON.parse(readFileSync(facts, 'utf8'));
  const pins = Object.entries<number>(known.raspberry_pi_header_pin_to_line);
  const cases = [
    {
      name: 'raspberry-pi-4',
      label: known.pi4.label,
      names: [known.pi4.line_names_0_27_downstream, known.pi4.line_names_0_27_mainline],
    },
    { name: 'raspberry-pi-5', label: known.pi5.label, names: [known.pi5.line_names_0_27] },
  ];
  for (const { name, label, names } of cases) {
    const { gpio } = board(name);
    assert.equal(Object.keys(gpio).length, pins.length);
    for (const [pin, offset] of pins) {
      const lineNames = [...new Set(names.map((list: string[]) => list[offset]))];
      assert.deepEqual(gpio[`GPIO${offset}`], { chipLabels: [label], lineNames, offset, pin: Number(pin) });
    }
  }
  const twin = board('twin').gpio;
  for (const [key, line] of Object.entries(twin)) {
    assert.equal(known.raspberry_pi_header_pin_to_line[String(line.pin)], Number(key.slice('GPIO'.length)));
    assert.deepEqual(line.chipLabels, []);
  }
});

// raspberrypi.com, config.txt and UART pages: I2C1 is GPIO2/3, the header's UART GPIO14/15; serial0 is not on a Pi 5's header.
test('buses and ports of the Pis', () => {
  for (const [name, device] of [
    ['raspberry-pi-4', '/dev/serial0'],
    ['raspberry-pi-5', '/dev/ttyAMA0'],
  ] as const) {
    const { i2c, serial, kind } = board(name);
    assert.equal(kind, 'linux');
    assert.deepEqual(i2c, { 'i2c-1': { device: '/dev/i2c-1', pins: [3, 5], timeoutMs: 100 } });
    assert.deepEqual(serial, { uart0: { device, pins: [8, 10] } });
  }
});

test('a generic board takes lines by chip and ports by path', () => {
  const config = mustLoad(`node: n
board: generic
parts:
  sos: { driver: contact, line: { chip: pinctrl-foo, line: 17 } }
  door: { driver: contact, line: { chip: pinctrl-foo, line: DOOR } }
  gps: { driver: gnss, port: /dev/ttyUSB0 }
`);
  const lines = config.parts.map(({ attachment }) =>
    attachment.kind === 'gpio' ? config.board.gpio[attachment.line] : undefined,
  );
  assert.deepEqual(lines.slice(0, 2), [
    { chipLabels: ['pinctrl-foo'], lineNames: [], offset: 17 },
    { chipLabels: ['pinctrl-foo'], lineNames: ['DOOR'] },
  ]);
  const { attachment } = config.parts[2]!;
  assert.ok(attachment.kind === 'serial');
  assert.deepEqual(config.board.serial[attachment.port], { device: '/dev/ttyUSB0', pins: [] });
});

test('a line by chip and offset is the same line as by its name', () => {
  const loaded = load(`node: n
board: raspberry-pi-5
parts:
  sos: { driver: contact, line: GPIO17 }
  door: { driver: contact, line: { chip: pinctrl-rp1, line: 17 } }
`);
  assert.deepEqual(
    messages(loaded).map((text) => text.split(' (wanted')[0]),
    ["node.yaml:5:34: parts.door: GPIO17 (pin 11) is in use by part 'sos' at node.yaml:4:33"],
  );
});

test("a wrong board file is told at the board file's own lines", () => {
  const loaded = load(`node: n\nboard: ./my.yaml\n${SELF}\n`, {
    'my.yaml': `title: Mine
kind: linux
i2c:
  i2c-0: { pins: [3, 5] }
serial:
  uart0: { device: /dev/ttyS0, pin: [8, 10] }
`,
  });
  assert.deepEqual(messages(loaded), [
    "my.yaml:6:32: serial.uart0 has no key 'pin'; did you mean 'pins'? (wanted: device or pins)",
  ]);
  const shaped = load(`node: n\nboard: ./my.yaml\n${SELF}\n`, {
    'my.yaml': `title: Mine
kind: linux
i2c:
  i2c-0: { pins: [3, 5] }
gpio:
  chips: [foo]
  lines:
    A: { pin: 7 }
    B: { pin: 7 }
`,
  });
  assert.deepEqual(messages(shaped), [
    "my.yaml:4:3: i2c.i2c-0 lacks 'device' (wanted: 'device': its path below /dev)",
    'my.yaml:9:15: pin 7 is both A and B (wanted: one line a pin)',
  ]);
});

/** A board whose sensors' supply hangs on a line. */
function switchedBoard(supply: string): string {
  return `title: Mine
kind: linux
i2c:
  i2c-0: { device: /dev/i2c-0, supply: ${supply} }
gpio:
  chips: [chip]
  lines: { GPIO22: {}, GPIO23: {} }
`;
}
const SWITCHED = 'node: n\nboard: ./mine.yaml\nparts:\n  air: { driver: bme280, bus: i2c-0 }\n';

test('a bus may have a supply that is switched; its line is no one else’s', () => {
  const files = { 'mine.yaml': switchedBoard('{ line: GPIO23 }') };
  assert.deepEqual(mustLoad(SWITCHED, files).board.i2c, {
    'i2c-0': {
      device: '/dev/i2c-0',
      pins: [],
      timeoutMs: 100,
      supply: { line: 'GPIO23', activeLow: false },
    },
  });
  assert.deepEqual(messages(load(`${SWITCHED}  door: { driver: contact, line: GPIO23 }\n`, files)), [
    'node.yaml:5:34: parts.door: GPIO23 is in use by the supply of bus i2c-0 at node.yaml:4:31 (wanted: a free line: GPIO22)',
  ]);
  const [unknown] = messages(load(SWITCHED, { 'mine.yaml': switchedBoard('{ line: GPIO24 }') }));
  assert.match(
    unknown!,
    /^mine\.yaml:4:48: i2c\.i2c-0\.supply: there is no line 'GPIO24' \(wanted: .*GPIO22/,
  );
});
