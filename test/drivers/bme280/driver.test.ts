import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import * as v from 'valibot';
import {
  type Calibration,
  compensateHumidity,
  compensatePressure,
  compensateTemperature,
  parseCalibration,
  parseMeasurement,
  tFine,
} from '../../../drivers/bme280/conversion.js';
import { bme280 } from '../../../drivers/bme280/driver.js';
import { bme280Twin } from '../../../drivers/bme280/twin.js';
import { type HalErrorKind, halErrorKind, type I2cTwin, QUALITY } from '../../../drivers/contract/index.js';
import { FakeClock, RegisterMap, type Surroundings, TestBus, twinBus } from '../twin-bus.js';
import { humidityInteger, pressureInt64, temperatureInteger, tFineInteger } from './integer-formulas.js';

const kind = (wanted: HalErrorKind) => (error: unknown) => halErrorKind(error) === wanted;

function rig(around: () => Surroundings = () => ({}), options: object = {}, random = () => 0.5) {
  const clock = new FakeClock();
  const twin = bme280Twin.create(random) as I2cTwin;
  const bus = twinBus({ 118: twin }, clock, around);
  const driver = bme280.create({ device: bus.device(0x76), clock }, v.parse(bme280.options, options));
  const sample = async () => (await driver.sample!())[0]!;
  return { clock, twin, bus, driver, sample };
}

test('the 12-bit coefficients share a byte: H4 has its low nibble, H5 its high one, both are signed', () => {
  // BST-BME280-DS002 table 16: 0xE4/0xE5[3:0] is dig_H4[11:4]/[3:0], 0xE5[7:4]/0xE6 is dig_H5[3:0]/[11:4].
  const calib00 = new Uint8Array(26);
  const of = (e4: number, e5: number, e6: number) =>
    parseCalibration(calib00, Uint8Array.of(0, 0, 0, e4, e5, e6, 0));
  const got = (e4: number, e5: number, e6: number) => [of(e4, e5, e6).H4, of(e4, e5, e6).H5];
  assert.deepEqual(got(0x12, 0xab, 0x34), [0x12b, 0x34a]);
  assert.deepEqual(got(0xff, 0x0f, 0x00), [-1, 0]);
  assert.deepEqual(got(0x00, 0xf0, 0xff), [0, -1]);
  assert.deepEqual(got(0x80, 0x00, 0x80), [-2048, -2048]);
  assert.deepEqual(got(0x7f, 0xff, 0x7f), [2047, 2047]);
  assert.deepEqual(got(0xe0, 0x21, 0xfd), [-511, -46]);
});

test('the other coefficients have the signs of the datasheet', () => {
  const ones = parseCalibration(new Uint8Array(26).fill(0xff), new Uint8Array(7).fill(0xff));
  const unsigned: Record<string, number> = { T1: 65535, P1: 65535, H1: 255, H3: 255 };
  for (const [name, value] of Object.entries(ones)) assert.equal(value, unsigned[name] ?? -1, name);
});

test('the double formulas agree with the integer ones, negative coefficients included', (t) => {
  const seed = Date.now() & 0x7fffffff;
  t.diagnostic(`seed ${seed}`);
  const around = (value: number, width: number) => fc.integer({ min: value - width, max: value + width });
  // Coefficients as real parts have them, H4 to H6 of either sign.
  const calibration: fc.Arbitrary<Calibration> = fc.record({
    T1: around(28000, 500),
    T2: around(26500, 500),
    T3: fc.integer({ min: -1000, max: 100 }),
    P1: around(37000, 800),
    P2: around(-10600, 300),
    P3: around(3024, 50),
    P4: fc.integer({ min: 2000, max: 9000 }),
    P5: fc.integer({ min: -300, max: 300 }),
    P6: fc.constant(-7),
    P7: fc.constantFrom(9900, 15500, 12300),
    P8: fc.constantFrom(-10230, -14600),
    P9: fc.constantFrom(4285, 6000),
    H1: fc.constant(75),
    H2: around(365, 20),
    H3: fc.integer({ min: 0, max: 5 }),
    H4: fc.integer({ min: -60, max: 350 }),
    H5: fc.integer({ min: -60, max: 60 }),
    H6: fc.integer({ min: -30, max: 30 }),
  });
  fc.assert(
    fc.property(
      calibration,
      fc.integer({ min: 430000, max: 600000 }),
      fc.integer({ min: 260000, max: 480000 }),
      fc.integer({ min: 12000, max: 40000 }),
      (c, rawT, rawP, rawH) => {
        const [fine, fineInteger] = [tFine(rawT, c), tFineInteger(rawT, c)];
        const temperature = compensateTemperature(rawT, c);
        fc.pre(temperature > -40 && temperature < 85);
        assert.ok(Math.abs(temperature - temperatureInteger(fineInteger) / 100) < 0.02, `T ${temperature}`);
        const pressure = compensatePressure(rawP, fine, c)!;
        assert.ok(Math.abs(pressure - pressureInt64(rawP, fine, c) / 100) < 0.2, `p ${pressure}`);
        // Bosch's integer humidity is the coarse one: its builds differ by up to 1.2 %RH.
        const humidity = compensateHumidity(rawH, fine, c);
        assert.ok(Math.abs(humidity - humidityInteger(rawH, fine, c) / 1024) < 1.5, `h ${humidity}`);
      },
    ),
    { seed, numRuns: 300 },
  );
});

test('a register that holds no measurement is no number', () => {
  const none = parseMeasurement(Uint8Array.of(0x80, 0, 0, 0x80, 0, 0, 0x80, 0));
  assert.deepEqual(none, { pressure: undefined, temperature: undefined, humidity: undefined });
});

test('probe tells a BME280 from what else sits at its address', async () => {
  const { driver, bus } = rig();
  assert.deepEqual(await driver.probe(), { model: 'BME280', details: { chipId: '0x60' } });
  assert.ok(bus.transfers.every((t) => t.kind === 'readRegisters'));
  for (const [id, text] of [
    [0x58, /BMP280/],
    [0x61, /BME680/],
    [0x00, /0x00/],
  ] as const) {
    const other = new TestBus({ 118: new RegisterMap().set(0xd0, [id]) });
    const probing = bme280.create(
      { device: other.device(0x76), clock: new FakeClock() },
      v.parse(bme280.options, {}),
    );
    await assert.rejects(
      probing.probe(),
      (error: Error) => kind('wrongPart')(error) && text.test(error.message),
    );
  }
});

test('round trip: the driver on the twin gives the world back, within the resolution', async () => {
  // The twin inverts the same formulas: this proves the sequence, not the conversion.
  const options = { temperatureOversampling: 16, pressureOversampling: 16, humidityOversampling: 16 };
  for (const [t, p, h] of [
    [21.5, 100250, 47],
    [-25.25, 61000, 88],
    [63, 108900, 3],
  ] as const) {
    const around = { temperatureCelsius: t, pressurePa: p, relativeHumidityPercent: h };
    const { driver, sample } = rig(() => around, options);
    await driver.configure();
    const rows = await sample();
    assert.ok(Math.abs(rows.values[0]! - t) < 0.001, `T ${rows.values[0]}`);
    assert.ok(Math.abs(rows.values[1]! - p) < 0.5, `p ${rows.values[1]}`);
    assert.ok(Math.abs(rows.values[2]! - h) < 0.02, `h ${rows.values[2]}`);
    assert.deepEqual([...rows.quality], [QUALITY.good, QUALITY.good, QUALITY.good]);
  }
});

test('a sample waits no longer than the datasheet asks, and each is a new measurement', async () => {
  let temperatureCelsius = 10;
  const { driver, sample, clock } = rig(() => ({ temperatureCelsius }));
  await driver.configure();
  const started = clock.timeNs;
  const first = await sample();
  // §9.1, oversampling 1 of all three: 9.3 ms at most.
  assert.equal(clock.timeNs - started, 9_300_000n);
  assert.equal(first.timesNs[0], clock.timeNs);
  temperatureCelsius = 11;
  const second = await sample();
  assert.ok(Math.abs(second.values[0]! - first.values[0]! - 1) < 0.01);
});

test('configures from any state: half configured, measuring, in normal mode', async () => {
  const { driver, bus, sample } = rig();
  const device = bus.device(0x76);
  await device.writeRegisters(0xf2, Uint8Array.of(0x05));
  await device.writeRegisters(0xf5, Uint8Array.of(0xa8));
  await device.writeRegisters(0xf4, Uint8Array.of(0xff));
  await driver.configure();
  assert.deepEqual([...(await device.readRegisters(0xf2, 4))], [1, 0, 0b00100100, 0]);
  assert.ok(Number.isFinite((await sample()).values[2]));
});

test('a brown-out is found before its row is told, and healed by configuring again', async () => {
  const { driver, twin, sample } = rig();
  await driver.configure();
  await sample();
  twin.powerCycle();
  await assert.rejects(sample(), kind('lostConfiguration'));
  await driver.configure();
  assert.ok(Number.isFinite((await sample()).values[0]));
});

test('a part that lost only its humidity setting is found too', async () => {
  const { driver, bus, sample } = rig();
  await driver.configure();
  await bus.device(0x76).writeRegisters(0xf2, Uint8Array.of(0));
  await assert.rejects(sample(), kind('lostConfiguration'));
});

test('values that were never measured are faults, never numbers', async () => {
  const registers = new RegisterMap().set(0xd0, [0x60]);
  const { bus } = rig();
  registers.set(0x88, await bus.device(0x76).readRegisters(0x88, 26));
  registers.set(0xe1, await bus.device(0x76).readRegisters(0xe1, 7));
  registers.set(0xf7, [0x80, 0, 0, 0x80, 0, 0, 0x80, 0]);
  const clock = new FakeClock();
  const device = new TestBus({ 118: registers }).device(0x76);
  const driver = bme280.create({ device, clock }, v.parse(bme280.options, {}));
  await driver.configure();
  const allSkipped = (await driver.sample!())[0]!;
  assert.deepEqual([...allSkipped.quality], [QUALITY.fault, QUALITY.fault, QUALITY.fault]);
  registers.set(0xf7, [0x80, 0, 0, 0x7e, 0xed, 0, 0x80, 0]);
  const onlyTemperature = (await driver.sample!())[0]!;
  assert.deepEqual([...onlyTemperature.quality], [QUALITY.good, QUALITY.fault, QUALITY.fault]);
  assert.ok(Number.isNaN(onlyTemperature.values[1]));
});

test('still measuring is not ready, after a bounded wait', async () => {
  const { driver, bus, clock } = rig();
  await driver.configure();
  const stuck = new RegisterMap().set(0xd0, [0x60]);
  stuck.set(0x88, await bus.device(0x76).readRegisters(0x88, 26));
  const device = new TestBus({ 118: stuck }).device(0x76);
  const other = bme280.create({ device, clock }, v.parse(bme280.options, {}));
  await other.configure();
  stuck.set(0xf3, [0b1000]);
  const started = clock.timeNs;
  await assert.rejects(other.sample!(), kind('notReady'));
  assert.ok(clock.timeNs - started < 30_000_000n);
});

test('a reset that never ends is a timeout, after a bounded wait', async () => {
  const clock = new FakeClock();
  const started = clock.timeNs;
  const device = new TestBus({ 118: new RegisterMap().set(0xf3, [0b1]) }).device(0x76);
  const driver = bme280.create({ device, clock }, v.parse(bme280.options, {}));
  await assert.rejects(driver.configure(), kind('timeout'));
  assert.ok(clock.timeNs - started <= 10_000_000n);
});

test('trimming parameters that no part has are refused', async () => {
  for (const fill of [0x00, 0xff]) {
    const registers = new RegisterMap().set(0x88, new Uint8Array(26).fill(fill));
    const device = new TestBus({ 118: registers }).device(0x76);
    const driver = bme280.create({ device, clock: new FakeClock() }, v.parse(bme280.options, {}));
    await assert.rejects(driver.configure(), kind('badData'));
  }
});

test('a refusal at any step reaches the caller as what it is, and leaves a part that can be configured', async () => {
  const { driver, bus, sample } = rig();
  for (let step = 0; step < 9; step++) {
    const from = bus.transfers.length;
    bus.refuse = (transfer) => transfer === from + step;
    await assert.rejects(async () => {
      await driver.configure();
      await sample();
    }, kind('noAcknowledge'));
    bus.refuse = () => false;
  }
  await driver.configure();
  assert.ok(Number.isFinite((await sample()).values[0]));
});

test('a frozen twin answers on, and its values stand still', async () => {
  let temperatureCelsius = 10;
  const { driver, twin, sample } = rig(() => ({ temperatureCelsius }), {}, Math.random);
  await driver.configure();
  const before = await sample();
  twin.faults.frozen = true;
  temperatureCelsius = 30;
  assert.deepEqual((await sample()).values, before.values);
  twin.faults.frozen = false;
  assert.ok((await sample()).values[0]! > 29);
});

test('options are checked: unknown ones and oversampling that the part lacks are refused', () => {
  assert.equal(v.safeParse(bme280.options, { oversampling: 2 }).success, false);
  assert.equal(v.safeParse(bme280.options, { pressureOversampling: 3 }).success, false);
  assert.equal(v.safeParse(bme280.options, { filter: 16 }).success, true);
});
