import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as v from 'valibot';
import { type HalErrorKind, halErrorKind, type I2cTwin, QUALITY } from '../../../drivers/contract/index.js';
import { lis3mdl } from '../../../drivers/lis3mdl/driver.js';
import { lis3mdlTwin } from '../../../drivers/lis3mdl/twin.js';
import { ST_SCALE_FACTORS, stFactor } from '../st-scale-factors.js';
import {
  type BusPart,
  FakeClock,
  RegisterMap,
  realDataAbsent,
  type Surroundings,
  TestBus,
  twinBus,
} from '../twin-bus.js';

const kind = (wanted: HalErrorKind) => (error: unknown) => halErrorKind(error) === wanted;

function rig(options: object = {}, around: () => Surroundings = () => ({}), random = () => 0.5) {
  const clock = new FakeClock();
  const twin = lis3mdlTwin.create(random) as I2cTwin;
  const bus = twinBus({ 28: twin }, clock, around);
  const driver = lis3mdl.create({ device: bus.device(0x1c), clock }, v.parse(lis3mdl.options, options));
  const poll = async (ms = 250) => {
    clock.advanceMs(ms);
    return (await driver.sample!())[0]!;
  };
  return { clock, twin, bus, driver, poll };
}

/** Registers that step only when the sub-address says so (DocID024204, I2C operation), with given data. */
class DataPart implements BusPart {
  readonly registers = new Uint8Array(128);
  #pointer = 0;
  #steps = false;
  write([register, ...values]: Uint8Array): void {
    this.#pointer = register! & 0x7f;
    this.#steps = register! > 0x7f;
    this.registers.set(values, this.#pointer);
    this.registers[0x21]! &= ~0b100; // SOFT_RST clears itself
  }
  read(length: number): Uint8Array {
    return Uint8Array.from({ length }, (_, i) => this.registers[this.#pointer + (this.#steps ? i : 0)]!);
  }
}

async function fieldOf(rangeGauss: number, counts: readonly number[]) {
  const part = new DataPart();
  const clock = new FakeClock();
  const device = new TestBus({ 30: part }).device(0x1e);
  const driver = lis3mdl.create({ device, clock }, v.parse(lis3mdl.options, { rangeGauss }));
  await driver.configure();
  part.registers[0x27] = 0x0f;
  for (const [i, count] of counts.entries())
    new DataView(part.registers.buffer).setInt16(0x28 + 2 * i, count, true);
  return (await driver.sample!())[0]!;
}

test("counts become ST's own values, in tesla, for every range", {
  skip: realDataAbsent(ST_SCALE_FACTORS),
}, async () => {
  for (const rangeGauss of [4, 8, 12, 16]) {
    const counts = [3421, -1711, 1];
    const rows = await fieldOf(rangeGauss, counts);
    for (const [i, count] of counts.entries()) {
      const want = count * stFactor(`lis3mdl_from_fs${rangeGauss}_to_gauss`) * 1e-4;
      assert.ok(
        Math.abs(rows.values[i]! - want) <= 1e-12 * Math.abs(want),
        `${rangeGauss} gauss: ${rows.values[i]}`,
      );
    }
    assert.ok(rows.quality.every((code) => code === QUALITY.good));
  }
});

test('a field beyond the scale is suspect on its axis alone', async () => {
  const rows = await fieldOf(4, [27368, 27367, -32768]);
  assert.deepEqual([...rows.quality], [QUALITY.suspect, QUALITY.good, QUALITY.suspect]);
});

test('probe tells the part from another', async () => {
  assert.deepEqual(await rig().driver.probe(), { model: 'LIS3MDL', details: { whoAmI: '0x3d' } });
  const part = new DataPart();
  part.registers[0x0f] = 0x40;
  const device = new TestBus({ 28: part }).device(0x1c);
  const other = lis3mdl.create({ device, clock: new FakeClock() }, v.parse(lis3mdl.options, {}));
  await assert.rejects(other.probe(), kind('wrongPart'));
});

test('round trip: the driver on the twin gives the world back, within half a count', async () => {
  // The twin multiplies by the same factors: this proves the sequence, not the conversion.
  const field = [2.1e-5, -4.7e-6, -4.4e-5] as const;
  for (const rangeGauss of [4, 8, 12, 16]) {
    const { driver, poll } = rig({ rangeGauss }, () => ({ magneticFieldTesla: field }));
    await driver.configure();
    const rows = await poll();
    for (const [i, want] of field.entries()) {
      assert.ok(Math.abs(rows.values[i]! - want) <= 0.51e-4 / [6842, 3421, 2281, 1711][rangeGauss / 4 - 1]!);
    }
  }
});

test('configuration, status and data come in one burst that asks the part to step', async () => {
  const { driver, bus, poll } = rig();
  await driver.configure();
  const from = bus.transfers.length;
  await poll();
  const reads = bus.transfers.slice(from);
  assert.equal(reads.length, 1);
  assert.equal(reads[0]!.register, 0xa0);
  assert.equal(reads[0]!.bytes.length, 14);
});

test('no new measurement is not ready, never the old value again', async () => {
  const { driver, poll } = rig({ dataRateHz: 10 });
  await driver.configure();
  await poll(150);
  await assert.rejects(poll(20), kind('notReady'));
  await poll(100);
});

test('a brown-out gives no row, and configuring again heals it', async () => {
  const { driver, twin, poll } = rig({ rangeGauss: 16 });
  await driver.configure();
  await poll();
  twin.powerCycle();
  await assert.rejects(poll(), kind('lostConfiguration'));
  await assert.rejects(poll(), kind('invalid'));
  await driver.configure();
  assert.ok((await poll()).quality.every((code) => code === QUALITY.good));
});

test('a range that flipped by itself is found before a row under the wrong scale', async () => {
  const { driver, bus, poll } = rig();
  await driver.configure();
  await bus.device(0x1c).writeRegisters(0x21, Uint8Array.of(0b01100000));
  await assert.rejects(poll(), kind('lostConfiguration'));
});

test('a refusal at any step is told, and leaves a part that can be set up', async () => {
  const { driver, bus, poll } = rig();
  for (let step = 0; step < 9; step++) {
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

test('a reset that never ends is a timeout, after a bounded wait', async () => {
  const clock = new FakeClock();
  const started = clock.timeNs;
  const device = new TestBus({ 28: new RegisterMap() }).device(0x1c);
  const driver = lis3mdl.create({ device, clock }, v.parse(lis3mdl.options, {}));
  await assert.rejects(driver.configure(), kind('timeout'));
  assert.ok(clock.timeNs - started <= 10_000_000n);
});

test('a frozen twin says that it has new data, and its values stand still', async () => {
  let field = 1e-5;
  const around = (): Surroundings => ({ magneticFieldTesla: [field, 0, 0] });
  const { driver, twin, poll } = rig({}, around, Math.random);
  await driver.configure();
  const before = await poll();
  twin.faults.frozen = true;
  field = 4e-5;
  assert.deepEqual((await poll()).values, before.values);
  twin.faults.frozen = false;
  assert.ok((await poll()).values[0]! > 3.9e-5);
});
