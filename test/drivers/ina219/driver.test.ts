import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import * as v from 'valibot';
import { type HalErrorKind, halErrorKind, type I2cTwin, QUALITY } from '../../../drivers/contract/index.js';
import { calibrationFor } from '../../../drivers/ina219/conversion.js';
import { ina219 } from '../../../drivers/ina219/driver.js';
import { configurationWord } from '../../../drivers/ina219/registers.js';
import { ina219Twin } from '../../../drivers/ina219/twin.js';
import {
  type BusPart,
  FakeClock,
  REAL_DATA,
  realDataAbsent,
  type Surroundings,
  TestBus,
  twinBus,
} from '../twin-bus.js';

const kind = (wanted: HalErrorKind) => (error: unknown) => halErrorKind(error) === wanted;

function rig(around: () => Surroundings = () => ({}), options: object = {}, random = () => 0.5) {
  const clock = new FakeClock();
  const twin = ina219Twin.create(random) as I2cTwin;
  const bus = twinBus({ 64: twin }, clock, around);
  const driver = ina219.create({ device: bus.device(0x40), clock }, v.parse(ina219.options, options));
  const poll = async (ms = 250) => {
    clock.advanceMs(ms);
    return (await driver.sample!())[0]!;
  };
  return { clock, twin, bus, driver, poll };
}

/** Six registers of 16 bits with a pointer that doesn't step, serving given words. */
class WordPart implements BusPart {
  readonly words = [0x399f, 0, 0, 0, 0, 0];
  #pointer = 0;
  write(bytes: Uint8Array): void {
    this.#pointer = bytes[0]!;
    if (bytes.length < 3) return;
    const word = (bytes[1]! << 8) | bytes[2]!;
    this.words[this.#pointer] = this.#pointer === 0 && word & 0x8000 ? 0x399f : word;
  }
  read(length: number): Uint8Array {
    const word = this.words[this.#pointer]! & 0xffff;
    return Uint8Array.of(word >> 8, word & 0xff).subarray(0, length);
  }
}

function wordRig(options: object) {
  const part = new WordPart();
  const device = new TestBus({ 64: part }).device(0x40);
  const driver = ina219.create({ device, clock: new FakeClock() }, v.parse(ina219.options, options));
  return { part, driver };
}

const VECTORS = 'vectors/datasheet_vectors.json';
interface Vector {
  r_shunt_ohm: number;
  current_lsb_A: number;
  cal_reg: number;
  bus_reg: string;
  bus_V: number;
  current_reg: number;
  current_A: number;
  power_reg: number;
  power_W: number;
}

test('the worked example of the datasheet (SBOS448G §9.2.2.1) comes out, through the driver', {
  skip: realDataAbsent(VECTORS),
}, async () => {
  const { ina219: example } = JSON.parse(readFileSync(join(REAL_DATA, VECTORS), 'utf8')) as {
    ina219: Vector;
  };
  const options = { shuntOhms: example.r_shunt_ohm, maxCurrentA: example.current_lsb_A * 32768 };
  const { part, driver } = wordRig(options);
  await driver.configure();
  assert.equal(part.words[5], example.cal_reg);
  // The example's bus register has CNVR at 0: here the conversion is ready.
  part.words[2] = Number.parseInt(example.bus_reg, 16) | 0b10;
  part.words[3] = example.power_reg;
  part.words[4] = example.current_reg;
  const rows = (await driver.sample!())[0]!;
  assert.ok(Math.abs(rows.values[0]! - example.bus_V) < 1e-9);
  assert.ok(Math.abs(rows.values[1]! - example.current_A) < 1e-9);
  assert.ok(Math.abs(rows.values[2]! - example.power_W) < 1e-6);
});

test("the calibration register by the datasheet's equation, even, and within 16 bits", () => {
  // SBOS448G §8.5.1, equation 1: trunc(0.04096 / (Current_LSB × R)), bit 0 void.
  assert.equal(calibrationFor(0.1, 3.2), 4194); // 4194.3
  assert.equal(calibrationFor(0.1, 2), 6710); // 6710.9
  assert.equal(calibrationFor(0.1, 1), 13420); // 13421.8
  assert.equal(calibrationFor(0.0001, 0.5), 65534);
});

test('the configuration word: 32 V, the shunt range that fits, both converters averaging, both converted on and on', () => {
  // SBOS448G §8.6.2.1: 0 0 1 PG BADC SADC 111. BADC and SADC 1000 is one conversion of 12 bits, 1111 is 128.
  assert.equal(configurationWord(0b11, 1), 0b0_0_1_11_1000_1000_111);
  assert.equal(configurationWord(0b00, 128), 0b0_0_1_00_1111_1111_111);
});

test('negative current, and power that tells charging from discharging', async () => {
  const { part, driver } = wordRig({ shuntOhms: 0.1, maxCurrentA: 2 });
  await driver.configure();
  part.words[2] = (3000 << 3) | 0b10;
  part.words[4] = -8192 & 0xffff;
  const rows = (await driver.sample!())[0]!;
  const lsb = 0.04096 / (6710 * 0.1);
  assert.ok(Math.abs(rows.values[1]! + 8192 * lsb) < 1e-12);
  assert.ok(Math.abs(rows.values[2]! + 12 * 8192 * lsb) < 1e-9);
});

test('an overflow of the part leaves the voltage good, and no current or power', async () => {
  const { driver, poll } = rig(() => ({ currentA: 2.6 }));
  await driver.configure();
  const rows = await poll();
  assert.deepEqual([...rows.quality], [QUALITY.good, QUALITY.fault, QUALITY.fault]);
  assert.ok(Number.isNaN(rows.values[1]) && Number.isNaN(rows.values[2]));
  assert.equal(rows.values[0], 12);
});

test('a shunt at the end of its range is suspect', async () => {
  const { driver, poll } = rig(() => ({ currentA: 5 }), { maxCurrentA: 3.2 });
  await driver.configure();
  const rows = await poll();
  assert.deepEqual([...rows.quality], [QUALITY.good, QUALITY.suspect, QUALITY.suspect]);
});

test('round trip: the driver on the twin gives the world back, within the resolution', async () => {
  // Currents of either sign; the twin computes as the datasheet's engine does, from the shunt's 10 µV.
  for (const currentA of [0, 0.0123, 0.5, 1.9, -0.75]) {
    const { driver, poll } = rig(() => ({ currentA, busVoltageV: 13.2 }));
    await driver.configure();
    const rows = await poll();
    assert.ok(Math.abs(rows.values[0]! - 13.2) <= 0.002);
    assert.ok(Math.abs(rows.values[1]! - currentA) <= 0.0002, `${rows.values[1]}`);
    assert.ok(rows.quality.every((code) => code === QUALITY.good));
  }
});

test('probe goes by the fixed bits: an INA226 and a floating bus are refused', async () => {
  const { driver } = rig();
  assert.equal((await driver.probe()).model, 'INA219');
  for (const [configuration, text] of [
    [0x4127, /INA226/],
    [0xffff, /not an INA219/],
  ] as const) {
    const { part, driver: other } = wordRig({});
    part.words[0] = configuration;
    await assert.rejects(
      other.probe(),
      (error: Error) => kind('wrongPart')(error) && text.test(error.message),
    );
  }
});

test('the first value is there as soon as it is set up', async () => {
  const { driver, poll } = rig(() => ({}), { averaging: 128 });
  await driver.configure();
  assert.equal((await poll(0)).values[0], 12);
});

test('no new conversion is not ready, never the old value again', async () => {
  const { driver, poll } = rig(() => ({}), { averaging: 128 });
  await driver.configure();
  await poll(200);
  await assert.rejects(poll(20), kind('notReady'));
  await poll(200);
});

test('sampling before setting up is refused', async () => {
  await assert.rejects(rig().driver.sample!(), kind('invalid'));
});

test('a brown-out gives no row, and configuring again heals it', async () => {
  const { driver, twin, poll } = rig();
  await driver.configure();
  await poll();
  twin.powerCycle();
  await assert.rejects(poll(), kind('lostConfiguration'));
  await driver.configure();
  assert.ok(Math.abs((await poll()).values[1]! - 0.5) < 0.0002);
});

test('a refusal at any step is told, and leaves a part that can be set up', async () => {
  const { driver, bus, poll } = rig();
  for (let step = 0; step < 10; step++) {
    const from = bus.transfers.length;
    bus.refuse = (transfer) => transfer === from + step;
    await assert.rejects(async () => {
      await driver.configure();
      await poll();
    }, kind('noAcknowledge'));
    bus.refuse = () => false;
  }
  await driver.configure();
  await poll();
});

test('a shunt and a current that the part cannot take together are refused with the reason', () => {
  const result = v.safeParse(ina219.options, { shuntOhms: 0.1, maxCurrentA: 5 });
  assert.equal(result.success, false);
  assert.match(result.issues![0].message, /0\.32 V/);
  assert.equal(v.safeParse(ina219.options, { shuntOhms: 0.1, maxCurrentA: 3.2 }).success, true);
});

test('a frozen twin answers on, and its values stand still', async () => {
  let busVoltageV = 12;
  const { driver, twin, poll } = rig(() => ({ busVoltageV }), {}, Math.random);
  await driver.configure();
  const before = await poll();
  twin.faults.frozen = true;
  busVoltageV = 9;
  assert.deepEqual((await poll()).values, before.values);
  twin.faults.frozen = false;
  assert.ok((await poll()).values[0]! < 9.1);
});
