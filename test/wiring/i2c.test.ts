import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HalError } from '../../drivers/contract/index.js';
import { completeDeps } from '../../runtime/board/deps.js';
import { QueuedI2cBus } from '../../runtime/board/i2c-queue.js';
import { registry } from '../../runtime/board/index.js';
import { wiringLine } from '../../runtime/board/wiring/fault.js';
import { I2cLook } from '../../runtime/board/wiring/i2c-look.js';
import { nodeConfig, testDeps } from '../board/fixture.js';
import { chip, filesOf, i2cTwin, linesOf, onI2c, wiredBuses } from './support.js';

const climate = onI2c('climate', 'bme280', 'i2c-1', 0x76);
const battery = onI2c('battery', 'ina219', 'i2c-1', 0x40);
const motion = onI2c('motion', 'lsm6dso', 'i2c-1', 0x6a);
/** Device that no machine of ours has. */
const NO_SUCH_BUS = '/dev/i2c-93';

test('a node whose parts are all where they belong has no fault', async (t) => {
  const i2c = await wiredBuses(t, { 'i2c-1': { 118: i2cTwin('bme280'), 64: i2cTwin('ina219') } });
  assert.deepEqual(await linesOf(nodeConfig([climate, battery], { i2c })), []);
});

test('1: a part at the other address of its kind', async (t) => {
  const i2c = await wiredBuses(t, { 'i2c-1': { 119: i2cTwin('bme280') } });
  assert.deepEqual(await linesOf(nodeConfig([climate], { i2c })), [
    'climate: i2c-1 0x76 (pins 3 and 5): expected bme280; found no answer there, and bme280 at 0x77; write address: 0x77, or strap the part to 0x76',
  ]);
});

test('1: an address that another part has is no place where this one is', async (t) => {
  const i2c = await wiredBuses(t, { 'i2c-1': { 119: i2cTwin('bme280') } });
  const outside = onI2c('outside', 'bme280', 'i2c-1', 0x77);
  assert.deepEqual(await linesOf(nodeConfig([climate, outside], { i2c })), [
    "climate: i2c-1 0x76 (pins 3 and 5): expected bme280; found no answer there, while 0x77 answers; check the part's power, ground, SDA and SCL",
  ]);
});

test('2: another part at the address, by its chip id', async (t) => {
  const i2c = await wiredBuses(t, { 'i2c-1': { 118: chip(0xd0, 0x58), 106: chip(0x0f, 0x6b) } });
  assert.deepEqual(await linesOf(nodeConfig([climate, motion], { i2c })), [
    'climate: i2c-1 0x76 (pins 3 and 5): expected BME280 (chip id 0x60); found chip id 0x58 (BMP280, which has no humidity); put bme280 there, or name the driver of the part that is',
    'motion: i2c-1 0x6a (pins 3 and 5): expected LSM6DSO (WHO_AM_I 0x6c); found WHO_AM_I 0x6b (LSM6DSR or ISM330DHCX); put lsm6dso there, or name the driver of the part that is',
  ]);
});

test('2: another part at the address while the right one is at the next', async (t) => {
  const i2c = await wiredBuses(t, { 'i2c-1': { 118: chip(0xd0, 0x61), 119: i2cTwin('bme280') } });
  assert.deepEqual(await linesOf(nodeConfig([climate], { i2c })), [
    'climate: i2c-1 0x76 (pins 3 and 5): expected BME280 (chip id 0x60); found chip id 0x61 (BME680 or BME688), and bme280 at i2c-1 0x77 (pins 3 and 5); write that address, or change the two parts over',
  ]);
});

test('2: a part without an id register is told by its fixed bits', async (t) => {
  const ina226 = chip(0, 0x41);
  ina226.memory[1] = 0x27;
  const i2c = await wiredBuses(t, { 'i2c-1': { 64: ina226 } });
  assert.deepEqual(await linesOf(nodeConfig([battery], { i2c })), [
    'battery: i2c-1 0x40 (pins 3 and 5): expected INA219 (fixed bits at 0); found configuration 0x4127 (as an INA226 reads); put ina219 there, or name the driver of the part that is',
  ]);
});

test('3: a part that is missing, and what answers on its bus', async (t) => {
  const i2c = await wiredBuses(t, { 'i2c-1': { 64: i2cTwin('ina219'), 28: i2cTwin('lis3mdl') } });
  assert.deepEqual(await linesOf(nodeConfig([climate, battery], { i2c })), [
    "climate: i2c-1 0x76 (pins 3 and 5): expected bme280; found no answer there, while 0x1c and 0x40 answer; check the part's power, ground, SDA and SCL",
  ]);
});

test('4: a part on another bus', async (t) => {
  const i2c = await wiredBuses(t, {
    'i2c-1': { 64: i2cTwin('ina219') },
    'i2c-2': { 119: i2cTwin('bme280') },
  });
  assert.deepEqual(await linesOf(nodeConfig([climate, battery], { i2c })), [
    'climate: i2c-1 0x76 (pins 3 and 5): expected bme280; found no answer there, and bme280 at i2c-2 0x77 (pins 27 and 28); write bus: i2c-2, address: 0x77, or move its SDA and SCL',
  ]);
});

test('5: a bus on which nothing answers, as with SDA and SCL swapped', async (t) => {
  const i2c = await wiredBuses(t, { 'i2c-1': {} });
  assert.deepEqual(await linesOf(nodeConfig([climate, battery], { i2c })), [
    'climate, battery: i2c-1 (pins 3 and 5): expected bme280 at 0x76, ina219 at 0x40; found no answer at any of 22 addresses; check power and ground of the parts, and whether SDA and SCL are swapped',
  ]);
});

test('5: a bus whose data line is held', async (t) => {
  const culprit = i2cTwin('bme280');
  culprit.faults.sdaStuck = true;
  culprit.faults.sdaReleaseClocks = Number.POSITIVE_INFINITY;
  const i2c = await wiredBuses(t, { 'i2c-1': { 118: culprit, 64: i2cTwin('ina219') } });
  assert.deepEqual(await linesOf(nodeConfig([climate, battery], { i2c })), [
    'climate, battery: i2c-1 (pins 3 and 5): expected bme280 at 0x76, ina219 at 0x40; found a line held low at each of the 3 addresses tried; SDA or SCL is held low, has no pull-up, or the two are swapped: take the parts off one by one',
  ]);
});

test('5: one part that holds the clock is not taken for its neighbours', async (t) => {
  const culprit = i2cTwin('ina219');
  culprit.faults.stretchMs = 1000;
  const i2c = await wiredBuses(t, { 'i2c-1': { 118: i2cTwin('bme280'), 64: culprit } }, 300);
  assert.deepEqual(await linesOf(nodeConfig([battery, climate], { i2c })), [
    'battery: i2c-1 0x40 (pins 3 and 5): expected ina219 within 300 ms; found no end of the transfer to it, while 0x76 answers; it holds the clock: cut its power for a moment, then look at its supply',
  ]);
});

test('a part that answers on the second try is told so, not called missing', async (t) => {
  const loose = i2cTwin('bme280');
  loose.faults.noAcknowledgeProbability = 1;
  const i2c = await wiredBuses(t, { 'i2c-1': { 118: loose } });
  const onLook = () => {
    loose.faults.noAcknowledgeProbability = 0;
  };
  assert.deepEqual(await linesOf(nodeConfig([climate], { i2c }), { onLook }), [
    'climate: i2c-1 0x76 (pins 3 and 5): expected bme280; found an answer there now, and none when it was asked first; look for a loose contact, and ask again',
  ]);
});

const onNoBus = () =>
  nodeConfig([onI2c('climate', 'bme280', 'i2c-93', 0x76)], {
    kind: 'linux',
    i2c: { 'i2c-93': { device: NO_SUCH_BUS, pins: [], timeoutMs: 100 } },
  });

test('6: a bus that this machine does not have', async () => {
  const files = filesOf({
    '/sys/bus/i2c/devices/i2c-1/name': 'bcm2835 (i2c@7e804000)\n',
    '/sys/bus/i2c/devices/i2c-20/name': 'fef04500.i2c\n',
    '/sys/bus/i2c/devices/1-0076/name': 'bme280\n',
    '/sys/class/i2c-dev/i2c-1/dev': '89:1\n',
    '/sys/class/i2c-dev/i2c-20/dev': '89:20\n',
  });
  assert.deepEqual(await linesOf(onNoBus(), { files }), [
    'climate: i2c-93: expected an I2C bus; found no such bus, but i2c-1 (bcm2835 (i2c@7e804000)) and i2c-20 (fef04500.i2c); name one that is there, or switch this one on in the boot config',
  ]);
});

test('6: I2C that is not switched on, and an adapter without i2c-dev', async () => {
  assert.deepEqual(await linesOf(onNoBus()), [
    'climate: i2c-93: expected an I2C bus; found no such bus, nor any other; switch I2C on (Raspberry Pi: dtparam=i2c_arm=on in config.txt) and load i2c-dev',
  ]);
  const files = filesOf({ '/sys/bus/i2c/devices/i2c-93/name': 'bcm2835 (i2c@7e804000)\n' });
  assert.deepEqual(await linesOf(onNoBus(), { files }), [
    'climate: i2c-93: expected an I2C bus; found its adapter, but no device node; load i2c-dev: modprobe i2c-dev',
  ]);
});

test('7: an address that a driver of the kernel holds', async () => {
  const part = onI2c('climate', 'bme280', 'i2c-1', 0x76);
  const config = nodeConfig([part], {
    kind: 'linux',
    i2c: { 'i2c-1': { device: '/dev/i2c-1', pins: [3, 5], timeoutMs: 100 } },
  });
  // As sysfs shows a client with a driver, and one without: Documentation/ABI/testing/sysfs-uevent.
  const files = filesOf({
    '/sys/bus/i2c/devices/1-0076/uevent': 'DRIVER=bmp280\nMODALIAS=i2c:bme280\n',
    '/sys/bus/i2c/devices/1-0077/uevent': 'MODALIAS=i2c:bme280\n',
  });
  const setup = completeDeps(testDeps());
  const backend = {
    i2c: async () => new QueuedI2cBus('i2c-1', { transfer: refuse, recover, close }, 100, setup.after),
  };
  const look = new I2cLook(config, registry.drivers, backend, files, setup);
  const fault = await look.explain(part, new HalError('busy', 'i2c-1 0x76', 'held'));
  assert.equal(
    wiringLine(fault),
    'climate: i2c-1 0x76 (pins 3 and 5): expected bme280, free; found the address held by the kernel\'s driver "bmp280"; echo 1-0076 > /sys/bus/i2c/drivers/bmp280/unbind, or take it out of the device tree',
  );
});

const refuse = async () => {
  throw new HalError('busy', 'i2c-1 0x76', 'held');
};
const recover = async () => false;
const close = async () => undefined;

test('looking for a part writes nothing but register numbers, and reads only where known parts may be', async (t) => {
  const strangers = new Map(Array.from({ length: 0x78 }, (_, address) => [address, chip(0, 0)] as const));
  for (const address of [0x76, 0x77]) strangers.delete(address);
  const i2c = await wiredBuses(t, { 'i2c-1': Object.fromEntries(strangers), 'i2c-2': {} });
  await linesOf(nodeConfig([climate], { i2c }));
  const touched = [...strangers].filter(([, twin]) => twin.seen.length > 0);
  assert.deepEqual(
    touched.map(([address]) => address),
    [0x1c, 0x1e, ...Array.from({ length: 16 }, (_, i) => 0x40 + i), 0x6a, 0x6b],
  );
  for (const [address, twin] of touched) assert.deepEqual(twin.seen, ['r1'], `0x${address.toString(16)}`);
});
