import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { before, type TestContext, test } from 'node:test';
import type { I2cTwin } from '../../drivers/contract/index.js';
import { Wires } from '../../hil/i2c-adapter/wires.js';
import { makeSimChip, SimLine } from '../../hil/inside/gpio-sim.js';
import { checkWiring } from '../../hil/wiring/index.js';
import { createWorld } from '../../runtime/board/index.js';
import { linuxSystemFiles } from '../../runtime/board/linux-system.js';
import type { GpioLineConfig, PartConfig } from '../../runtime/config/types.js';
import { nodeConfig, partConfig, realClock, testDeps } from '../board/fixture.js';
import { chip, driver, i2cTwin, linesOf, onI2c } from '../wiring/support.js';
import { native, needs, rig } from './rig.js';
import { serialLines } from './serial-wiring.js';
import { serveTwinsOnAdapter } from './twins-on-adapter.js';

/** Wrong wirings on a real kernel: the lines that cairn parts and the rig say of them. */
needs('buses.main.twins', 'buses.second.twins', 'simulated', 'programs.socat');

const [MAIN, SECOND] = ['i2c-10', 'i2c-11'] as const;
const PINS = { [MAIN]: [3, 5], [SECOND]: [27, 28] };
const climate = onI2c('climate', 'bme280', MAIN, 0x76);
const battery = onI2c('battery', 'ina219', MAIN, 0x40);
const worldAt = createWorld(1, 0n);

/** Twins on the two real buses until the test ends. */
function wire(t: TestContext, main: Readonly<Record<number, I2cTwin>>, second = {}): void {
  for (const [twins, bus] of [
    [main, rig.bus('main')],
    [second, rig.bus('second')],
  ] as const) {
    const byAddress = new Map(Object.entries<I2cTwin>(twins).map(([at, twin]) => [Number(at), twin]));
    t.after(serveTwinsOnAdapter(byAddress, () => worldAt(realClock.nowNs()), bus.twins));
  }
}

/** What is said of these parts on these buses, with the kernel's own sysfs. */
function said(...parts: readonly PartConfig[]): Promise<readonly string[]> {
  const bus = (name: keyof typeof PINS) => ({ device: `/dev/${name}`, pins: PINS[name], timeoutMs: 1000 });
  const i2c = { [MAIN]: bus(MAIN), [SECOND]: bus(SECOND) };
  return linesOf(nodeConfig(parts, { kind: 'linux', i2c }), { files: linuxSystemFiles() });
}

/** Code that runs for the first time on a busy machine that translates it is slower than the second that the kernel gives a transfer. */
before(async () => {
  const world = () => worldAt(realClock.nowNs());
  const stop = serveTwinsOnAdapter(new Map([[0x76, i2cTwin('bme280')]]), world, rig.bus('main').twins);
  for (let tries = 0; tries < 5 && (await said(climate)).length > 0; tries++);
  stop();
});

test('parts that are all where they belong', async (t) => {
  wire(t, { 118: i2cTwin('bme280'), 64: i2cTwin('ina219') });
  assert.deepEqual(await said(climate, battery), []);
});

test('1: a part at the other address of its kind', async (t) => {
  wire(t, { 119: i2cTwin('bme280') });
  assert.deepEqual(await said(climate), [
    'climate: i2c-10 0x76 (pins 3 and 5): expected bme280; found no answer there, and bme280 at 0x77; write address: 0x77, or strap the part to 0x76',
  ]);
});

test('2: another part at the address', async (t) => {
  wire(t, { 118: chip(0xd0, 0x58) });
  assert.deepEqual(await said(climate), [
    'climate: i2c-10 0x76 (pins 3 and 5): expected BME280 (chip id 0x60); found chip id 0x58 (BMP280, which has no humidity); put bme280 there, or name the driver of the part that is',
  ]);
});

test('3: a part that is missing', async (t) => {
  wire(t, { 64: i2cTwin('ina219'), 28: i2cTwin('lis3mdl') });
  assert.deepEqual(await said(climate, battery), [
    "climate: i2c-10 0x76 (pins 3 and 5): expected bme280; found no answer there, while 0x1c and 0x40 answer; check the part's power, ground, SDA and SCL",
  ]);
});

test('4: a part on another bus', async (t) => {
  wire(t, { 64: i2cTwin('ina219') }, { 118: i2cTwin('bme280') });
  assert.deepEqual(await said(climate, battery), [
    'climate: i2c-10 0x76 (pins 3 and 5): expected bme280; found no answer there, and bme280 at i2c-11 0x76 (pins 27 and 28); write bus: i2c-11, or move its SDA and SCL',
  ]);
});

test('5: a bus on which nothing answers', async (t) => {
  wire(t, {});
  assert.deepEqual(await said(climate, battery), [
    'climate, battery: i2c-10 (pins 3 and 5): expected bme280 at 0x76, ina219 at 0x40; found no answer at any of 22 addresses; check power and ground of the parts, and whether SDA and SCL are swapped',
  ]);
});

test('5: a bus whose data line a part holds', async (t) => {
  wire(t, { 64: i2cTwin('ina219') });
  const wires = new Wires(rig.bus('main').twins!);
  wires.holdSda(1_000_000);
  t.after(() => wires.holdSda(0));
  assert.deepEqual(await said(climate, battery), [
    'climate, battery: i2c-10 (pins 3 and 5): expected bme280 at 0x76, ina219 at 0x40; found a line held low at each of the 3 addresses tried; SDA or SCL is held low, has no pull-up, or the two are swapped: take the parts off one by one',
  ]);
});

test('5: a bus whose clock a part holds', async (t) => {
  wire(t, {});
  const wires = new Wires(rig.bus('main').twins!);
  wires.holdScl(true);
  t.after(() => wires.holdScl(false));
  assert.deepEqual(await said(climate), [
    'climate: i2c-10 (pins 3 and 5): expected bme280 at 0x76; found no end of the transfer at each of the 3 addresses tried; SDA or SCL is held low, has no pull-up, or the two are swapped: take the parts off one by one',
  ]);
});

test('6: a bus that the kernel does not have', async () => {
  const part = onI2c('climate', 'bme280', 'i2c-9', 0x76);
  const i2c = { 'i2c-9': { device: '/dev/i2c-9', pins: [], timeoutMs: 1000 } };
  const lines = await linesOf(nodeConfig([part], { kind: 'linux', i2c }), { files: linuxSystemFiles() });
  assert.equal(lines.length, 1);
  assert.match(
    lines[0]!,
    /^climate: i2c-9: expected an I2C bus; found no such bus, but i2c-10 \(cairn-i2c-0\).* and i2c-1\d \(cairn-i2c-\d\); name one that is there, or switch this one on in the boot config$/,
  );
});

test('7: an address that a driver of the kernel holds', async (t) => {
  wire(t, { 118: i2cTwin('bme280') });
  // The kernel's own driver for clients that others hold (i2c-core-base.c).
  writeFileSync(`/sys/bus/i2c/devices/${MAIN}/new_device`, 'dummy 0x76');
  t.after(() => writeFileSync(`/sys/bus/i2c/devices/${MAIN}/delete_device`, '0x76'));
  assert.deepEqual(await said(climate), [
    'climate: i2c-10 0x76 (pins 3 and 5): expected bme280, free; found the address held by the kernel\'s driver "dummy"; echo 10-0076 > /sys/bus/i2c/drivers/dummy/unbind, or take it out of the device tree',
  ]);
});

const WIRED = 'cairn-wired';
const LINES = ['OUT1', 'IN1', 'OUT2', 'IN2'] as const;
type LineName = (typeof LINES)[number];
makeSimChip(WIRED, LINES);

/** Wires of a bench between the lines of gpio-sim: what a line is pulled to, every few milliseconds. */
function jumpers(t: TestContext, nets: Partial<Record<LineName, () => 0 | 1>>): void {
  const timer = setInterval(() => {
    for (const [name, level] of Object.entries(nets)) outside(name as LineName).drive(level());
  }, 10);
  t.after(() => clearInterval(timer));
}
const outside = (name: LineName) => new SimLine(WIRED, LINES.indexOf(name));

/** What the rig's own check says of these two wires. */
function saidOfWires(): Promise<readonly string[]> {
  const line = (name: LineName, jumper?: LineName) => ({
    chip: WIRED,
    line: name,
    ...(jumper ? { jumper } : {}),
  });
  const lines = {
    OUT1: line('OUT1'),
    OUT2: line('OUT2'),
    IN1: line('IN1', 'OUT1'),
    IN2: line('IN2', 'OUT2'),
  };
  const { name, machine } = rig.manifest;
  const manifest = { name, machine, lines, programs: [], suites: ['wiring'], nodeSuites: [], lacks: {} };
  return checkWiring(manifest, testDeps());
}

test('wires that are where they belong', async (t) => {
  jumpers(t, { IN1: () => outside('OUT1').level(), IN2: () => outside('OUT2').level() });
  assert.deepEqual(await saidOfWires(), []);
});

test('8: two wires changed over', async (t) => {
  jumpers(t, { IN1: () => outside('OUT2').level(), IN2: () => outside('OUT1').level() });
  assert.deepEqual(await saidOfWires(), [
    'OUT1 to IN1, OUT2 to IN2: cairn-wired: expected IN1 following OUT1, IN2 following OUT2; found IN2 following OUT1 and IN1 following OUT2; change the wires at IN1 and IN2 over',
  ]);
});

test('9: an open wire', async (t) => {
  jumpers(t, { IN2: () => outside('OUT2').level() });
  assert.deepEqual(await saidOfWires(), [
    'OUT1 to IN1: cairn-wired: expected IN1 following OUT1; found IN1 going with its own pull-up and pull-down only; the wire is open: plug it in at both ends',
  ]);
});

test('10: a line that is shorted, and one that is inverted', async (t) => {
  jumpers(t, { IN1: () => 0, IN2: () => (outside('OUT2').level() === 1 ? 0 : 1) });
  assert.deepEqual(await saidOfWires(), [
    'OUT1 to IN1: cairn-wired: expected IN1 following OUT1; found IN1 at 0 whatever OUT1 is, with its pull-up and with its pull-down; look for a short to ground, for a part that drives it, or, on a chip without biases, for an open wire',
    'OUT2 to IN2: cairn-wired: expected IN2 following OUT2; found IN2 at 1 while OUT2 is at 0, and the other way round; take out what inverts it, or write activeLow for the one that is',
  ]);
});

function saidOfLine(config: GpioLineConfig): Promise<readonly string[]> {
  const attachment = {
    kind: 'gpio',
    line: 'GPIO17',
    activeLow: false,
    bias: 'asIs',
    debounceUs: 0,
  } as const;
  const sos = partConfig('sos', driver('contact'), attachment);
  return linesOf(nodeConfig([sos], { kind: 'linux', gpio: { GPIO17: config } }), {
    files: linuxSystemFiles(),
  });
}

test('11: a line that somebody else holds, a chip and a line that are not there', async (t) => {
  const { path, name } = native.gpioChips().find(({ label }) => label === WIRED)!;
  const request = { direction: 'in', activeLow: false, bias: 'asIs', debounceUs: 0, edges: false } as const;
  const held = native.gpioOpen(path, { ...request, offset: 1, consumer: 'heater' });
  t.after(() => held.close());
  assert.deepEqual(await saidOfLine({ chipLabels: [WIRED], lineNames: ['IN1'], pin: 11 }), [
    `sos: GPIO17 (${name} 1, pin 11): expected a free line; found it held by "heater"; end that user, take it out of the device tree, or use another line`,
  ]);
  assert.deepEqual(await saidOfLine({ chipLabels: [WIRED], lineNames: ['IN7'], pin: 11 }), [
    'sos: GPIO17 (pin 11): expected the line IN7; found no such line, cairn-wired has 4 lines: OUT1, IN1, OUT2 and IN2; name one that is there, or give its offset in the board file',
  ]);
  const [line] = await saidOfLine({ chipLabels: ['pinctrl-bcm2711'], lineNames: ['GPIO17'], pin: 11 });
  assert.match(
    line!,
    /^sos: GPIO17 \(pin 11\): expected the chip pinctrl-bcm2711; found no such chip, but .*cairn-wired \(gpiochip\d\)/,
  );
});

test('12, 13, 14: serial ports at the wrong rate, without a byte, with another device', async (t) => {
  const lines = await serialLines(t, [
    { id: 'gps', driver: 'gnss', baud: 9600, wired: { twin: 'gnss', baud: 38_400 } },
    { id: 'spare', driver: 'gnss', baud: 9600 },
    { id: 'other', driver: 'gnss', baud: 9600, wired: { twin: 'tag-reader', baud: 115_200 } },
  ]);
  assert.deepEqual(lines, [
    'gps: uart-gps (/dev/gps, pins 8 and 10) at 9600 baud: expected gnss; found N bytes, but nothing readable, and gnss at 38400 baud; write baud: 38400',
    "spare: uart-spare (/dev/spare, pins 8 and 10) at 9600 baud: expected gnss; found no byte at 4800, 9600, 19200, 38400, 57600, 115200, 230400 and 460800 baud; check the part's power and ground, and whether TX and RX are swapped",
    'other: uart-other (/dev/other, pins 8 and 10) at 9600 baud: expected gnss; found tag-reader (tag reader) at 115200 baud; plug gnss in here, or name the port that it is on',
  ]);
});
