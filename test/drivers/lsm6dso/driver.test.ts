import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as v from 'valibot';
import {
  type HalErrorKind,
  halErrorKind,
  type I2cTwin,
  QUALITY,
  type Rows,
} from '../../../drivers/contract/index.js';
import { lsm6dso } from '../../../drivers/lsm6dso/driver.js';
import { lsm6dsoTwin } from '../../../drivers/lsm6dso/twin.js';
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

const G = 9.80665;
const kind = (wanted: HalErrorKind) => (error: unknown) => halErrorKind(error) === wanted;

function rig(
  options: object = {},
  around: (timeNs: bigint) => Surroundings = () => ({}),
  random = () => 0.5,
) {
  const clock = new FakeClock();
  const twin = lsm6dsoTwin.create(random) as I2cTwin;
  const bus = twinBus({ 106: twin }, clock, around);
  const driver = lsm6dso.create({ device: bus.device(0x6a), clock }, v.parse(lsm6dso.options, options));
  const poll = async (ms = 250): Promise<Rows> => {
    clock.advanceMs(ms);
    return (await driver.sample!())[0]!;
  };
  return { clock, twin, bus, driver, poll };
}

/** A part whose FIFO holds given words, in hexadecimal; registers otherwise as they are written. */
class FifoPart implements BusPart {
  readonly #registers = new Uint8Array(128);
  readonly words: string[] = [];
  status2 = 0;
  timestamp = 0;
  #pointer = 0;

  write([register, ...values]: Uint8Array): void {
    this.#pointer = register!;
    this.#registers.set(values, register);
    this.#registers[0x12]! &= ~1; // SW_RESET clears itself
  }
  read(length: number): Uint8Array {
    if (this.#pointer === 0x78) {
      const words = this.words.splice(0, length / 7).map((word) => Buffer.from(word, 'hex'));
      return Uint8Array.from(Buffer.concat([...words, Buffer.alloc(length)]).subarray(0, length));
    }
    this.#registers[0x3a] = this.words.length & 0xff;
    this.#registers[0x3b] = (this.words.length >> 8) | this.status2;
    new DataView(this.#registers.buffer).setUint32(0x40, this.timestamp, true);
    return this.#registers.slice(this.#pointer, this.#pointer + length);
  }
}

async function fifoRig(options: object = {}) {
  const part = new FifoPart();
  const bus = new TestBus({ 106: part });
  const clock = new FakeClock();
  const driver = lsm6dso.create({ device: bus.device(0x6a), clock }, v.parse(lsm6dso.options, options));
  await driver.configure();
  return { part, driver, bus, clock };
}

test("counts become ST's own values, for every range", {
  skip: realDataAbsent(ST_SCALE_FACTORS),
}, async () => {
  for (const [i, accelRangeG] of ([2, 4, 8, 16] as const).entries()) {
    const gyroRangeDps = ([250, 500, 1000, 2000] as const)[i]!;
    const { part, driver } = await fifoRig({ accelRangeG, gyroRangeDps });
    // Slot 0: a timestamp of 100, a gyroscope word of 1000, -1000, 1, an accelerometer word of 16384, -16384, -1.
    part.words.push('21640000000000', '09e80318fc0100', '11004000c0ffff');
    part.timestamp = 100;
    const [rows] = await driver.sample!();
    const mg = stFactor(`lsm6dso_from_fs${accelRangeG}_to_mg`);
    const mdps = stFactor(`lsm6dso_from_fs${gyroRangeDps}_to_mdps`);
    const want = [
      ...[16384, -16384, -1].map((count) => ((count * mg) / 1000) * G),
      ...[1000, -1000, 1].map((count) => ((count * mdps) / 1000) * (Math.PI / 180)),
    ];
    for (const [j, value] of want.entries()) {
      assert.ok(
        Math.abs(rows!.values[j]! - value) <= 1e-12 * Math.abs(value),
        `${accelRangeG} g, channel ${j}`,
      );
    }
  }
});

test('the narrowest gyroscope range too', { skip: realDataAbsent(ST_SCALE_FACTORS) }, async () => {
  const { part, driver } = await fifoRig({ gyroRangeDps: 125 });
  part.words.push('21640000000000', '09e80318fc0100', '11004000c0ffff');
  part.timestamp = 100;
  const [rows] = await driver.sample!();
  const want = ((1000 * stFactor('lsm6dso_from_fs125_to_mdps')) / 1000) * (Math.PI / 180);
  assert.ok(Math.abs(rows!.values[3]! - want) < 1e-12);
});

test('counts at the end of the scale are suspect, the other axes are not', async () => {
  const { part, driver } = await fifoRig();
  part.words.push('21640000000000', '09ff7f00800000', '11fe7f00000180');
  part.timestamp = 100;
  const [rows] = await driver.sample!();
  const { good, suspect } = QUALITY;
  assert.deepEqual([...rows!.quality], [good, good, good, suspect, suspect, good]);
});

test('probe tells the part from its family', async () => {
  assert.deepEqual(await rig().driver.probe(), { model: 'LSM6DSO', details: { whoAmI: '0x6c' } });
  const { part, bus, clock } = await fifoRig();
  part.write(Uint8Array.of(0x0f, 0x6a));
  const other = lsm6dso.create({ device: bus.device(0x6a), clock }, v.parse(lsm6dso.options, {}));
  await assert.rejects(
    other.probe(),
    (error: Error) => kind('wrongPart')(error) && /LSM6DS3TR/.test(error.message),
  );
});

test('round trip: the driver on the twin gives the world back, within half a count', async () => {
  // The twin multiplies by the same factors: this proves the sequence, not the conversion.
  const force = [1.5, -2.25, 9.8] as const;
  const rate = [0.4, -0.02, 1.1] as const;
  for (const dataRateHz of [12.5, 26, 52, 104, 208] as const) {
    const { driver, poll } = rig({ dataRateHz }, () => ({
      specificForceMps2: force,
      angularRateRadps: rate,
    }));
    await driver.configure();
    await poll(2000);
    const rows = await poll(2000 / 4);
    assert.ok(rows.timesNs.length >= 6, `${dataRateHz} Hz: ${rows.timesNs.length} rows`);
    for (let i = 0; i < rows.values.length; i++) {
      const want = [...force, ...rate][i % 6]!;
      assert.ok(Math.abs(rows.values[i]! - want) <= (i % 6 < 3 ? 0.0012 : 0.00031), `${rows.values[i]}`);
    }
  }
});

test('every sample has the time it was taken at: none lost, none double, none late, over ten minutes', async () => {
  // The world tells the time by the force along x, so that each row says when it was really taken: a saw of 20 s.
  const saw = (timeNs: bigint): number => Number(timeNs % 20_000_000_000n) / 2e9;
  const at = (timeNs: bigint): Surroundings => ({ specificForceMps2: [saw(timeNs), 0, 9.8] });
  const { driver, poll, clock } = rig({ dataRateHz: 104, accelRangeG: 2 }, at);
  await driver.configure();
  const started = clock.timeNs;
  let [rows, last] = [0, 0n];
  for (let i = 0; i < 600; i++) {
    const got = await poll(990 + (i % 7));
    for (const [row, ns] of got.timesNs.entries()) {
      assert.ok(ns >= last && ns <= clock.timeNs);
      last = ns;
      const off = Math.abs(got.values[6 * row]! - saw(ns)) % 10;
      // 2 ms of the saw is 0.001 m/s²: the twin's oscillator is 1.05 % fast, and says so.
      assert.ok(Math.min(off, 10 - off) < 0.003, `row ${row} of poll ${i} is off by ${off * 2} s`);
    }
    rows += got.timesNs.length;
    assert.ok([...got.quality].every((code) => code === QUALITY.good));
  }
  const seconds = Number(clock.timeNs - started) / 1e9;
  // 6667 Hz / 64, 1.05 % fast.
  const rateHz = rows / seconds;
  assert.ok(Math.abs(rateHz - (6666.67 / 64) * 1.0105) < 0.2, `${rateHz} Hz`);
});

test('an overrun keeps the newest, marks the first row, and times stay right', async () => {
  const { driver, poll, clock } = rig({ dataRateHz: 208 });
  await driver.configure();
  await poll(250);
  const rows = await poll(60_000);
  // 512 words, of which one in 17 is a timestamp.
  assert.ok(rows.timesNs.length > 235 && rows.timesNs.length < 245, `${rows.timesNs.length} rows`);
  assert.deepEqual([...rows.quality.subarray(0, 6)], new Array(6).fill(QUALITY.suspect));
  assert.ok(rows.quality.subarray(6).every((code) => code === QUALITY.good));
  const newest = rows.timesNs.at(-1)!;
  assert.ok(clock.timeNs - newest < 6_000_000n);
  const span = Number(newest - rows.timesNs[0]!) / 1e9;
  assert.ok(Math.abs(span - (rows.timesNs.length - 1) / (208.333 * 1.0105)) < 0.001, `${span} s`);
  const after = await poll(250);
  assert.ok(after.quality.every((code) => code === QUALITY.good));
});

test('the twin says that it overran, once, and stays full', async () => {
  const { driver, bus, clock } = rig({ dataRateHz: 208 });
  await driver.configure();
  clock.advanceMs(10_000);
  // DS12140, FIFO_STATUS2: 512 words, FIFO_FULL_IA, FIFO_OVR_IA and FIFO_OVR_LATCHED, the last cleared by reading.
  assert.deepEqual([...(await bus.device(0x6a).readRegisters(0x3a, 2))], [0x00, 0b0110_1010]);
  assert.deepEqual([...(await bus.device(0x6a).readRegisters(0x3a, 2))], [0x00, 0b0110_0010]);
});

test('no transfer is longer than 32 bytes, and a poll reads each word once', async () => {
  const { driver, bus, poll } = rig({ dataRateHz: 208 });
  await driver.configure();
  const from = bus.transfers.length;
  const rows = await poll(250);
  const reads = bus.transfers.slice(from).filter(({ register }) => register === 0x78);
  assert.ok(bus.transfers.every(({ bytes }) => bytes.length <= 28));
  const words = reads.reduce((sum, { bytes }) => sum + bytes.length / 7, 0);
  assert.ok(words >= 2 * rows.timesNs.length && words <= 2 * rows.timesNs.length + 8, `${words} words`);
});

test('a brown-out gives no row, and configuring again heals it', async () => {
  const { driver, twin, poll } = rig();
  await driver.configure();
  await poll();
  twin.powerCycle();
  await assert.rejects(poll(), kind('lostConfiguration'));
  await driver.configure();
  const rows = await poll();
  assert.ok(rows.quality.every((code) => code === QUALITY.good));
});

test('a refusal in the middle of a drain loses no sample', async () => {
  const { driver, bus, poll } = rig();
  await driver.configure();
  await poll();
  const from = bus.transfers.length;
  bus.refuse = (transfer) => transfer === from + 5;
  await assert.rejects(poll(), kind('noAcknowledge'));
  bus.refuse = () => false;
  const rows = await poll();
  // Two polls' worth, with no hole: each step is one period of 9.5 ms.
  assert.ok(rows.timesNs.length >= 51, `${rows.timesNs.length} rows`);
  for (let i = 1; i < rows.timesNs.length; i++) {
    assert.ok(Math.abs(Number(rows.timesNs[i]! - rows.timesNs[i - 1]!) - 9.5e6) < 0.1e6);
  }
  assert.ok(rows.quality.every((code) => code === QUALITY.good));
});

test('a refusal at any step of setting up is told, and leaves a part that can be set up', async () => {
  const { driver, bus, poll } = rig();
  for (let step = 0; step < 12; step++) {
    const from = bus.transfers.length;
    bus.refuse = (transfer) => transfer === from + step;
    await assert.rejects(driver.configure(), kind('noAcknowledge'), `step ${step}`);
    await assert.rejects(driver.sample!(), kind('invalid'));
    bus.refuse = () => false;
  }
  await driver.configure();
  assert.ok((await poll()).timesNs.length > 20);
});

test('a word whose tag has a wrong parity is refused, and the next ones are taken', async () => {
  const { part, driver } = await fifoRig();
  part.words.push('21640000000000', '08e80318fc0100', '11004000c0ffff');
  part.timestamp = 100;
  await assert.rejects(driver.sample!(), kind('badCrc'));
  part.words.push('21640000000000', '09e80318fc0100', '11004000c0ffff');
  const [rows] = await driver.sample!();
  assert.equal(rows!.timesNs.length, 1);
  assert.ok(rows!.quality.every((code) => code === QUALITY.suspect));
});

test('an overrun that the slot counter cannot show is told by the status, and times stay right', async () => {
  const { part, driver, clock } = await fifoRig();
  const [gyro, accel] = ['e80318fc0100', '004000c0ffff'];
  part.words.push('21000000000000', `09${gyro}`, `11${accel}`);
  part.timestamp = 10;
  await driver.sample!();
  // Moment 41: slot 1 again. Two moments without a timestamp, then number 43 with one: 43 × 384 ticks = 0x4080.
  part.words.push(`0a${gyro}`, `12${accel}`, `0c${gyro}`, `14${accel}`, `0f${gyro}`, `17${accel}`);
  part.words.push('27804000000000');
  part.status2 = 0b1000;
  part.timestamp = 0x4080;
  clock.advanceMs((0x4080 - 10) * 0.025);
  const [rows] = await driver.sample!();
  const agesMs = [...rows!.timesNs].map((ns) => Number(clock.timeNs - ns) / 1e6);
  assert.deepEqual(agesMs, [19.2, 9.6, 0]);
  const codes = [0, 6, 12].map((at) => rows!.quality[at]);
  assert.deepEqual(codes, [QUALITY.suspect, QUALITY.good, QUALITY.good]);
});

test('nothing gathered is no row and no error', async () => {
  const { driver } = await fifoRig();
  assert.deepEqual(await driver.sample!(), []);
});

test('a reset that never ends is a timeout, after a bounded wait', async () => {
  const clock = new FakeClock();
  const started = clock.timeNs;
  const device = new TestBus({ 106: new RegisterMap() }).device(0x6a);
  const driver = lsm6dso.create({ device, clock }, v.parse(lsm6dso.options, {}));
  await assert.rejects(driver.configure(), kind('timeout'));
  assert.ok(clock.timeNs - started <= 10_000_000n);
});

test('a frozen twin answers on, and its values stand still', async () => {
  const { driver, twin, poll } = rig({}, () => ({}), Math.random);
  await driver.configure();
  const moving = await poll();
  assert.ok(new Set(moving.values.filter((_, i) => i % 6 === 0)).size > 3, 'noise on accelX');
  twin.faults.frozen = true;
  const still = await poll();
  assert.ok(still.timesNs.length > 20);
  for (let i = 6; i < still.values.length; i++) assert.equal(still.values[i], still.values[i % 6]);
});
