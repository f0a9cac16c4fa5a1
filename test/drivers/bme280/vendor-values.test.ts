import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import * as v from 'valibot';
import { parseCalibration, parseMeasurement } from '../../../drivers/bme280/conversion.js';
import { bme280 } from '../../../drivers/bme280/driver.js';
import { FakeClock, fromHex, REAL_DATA, RegisterMap, realDataAbsent, TestBus } from '../twin-bus.js';
import {
  humidityInteger,
  pressureInt32,
  pressureInt64,
  temperatureInteger,
  tFineInteger,
} from './integer-formulas.js';

const FILE = 'bosch/bme280.jsonl';
const skip = realDataAbsent(FILE);

interface Vector {
  readonly cal88: string;
  readonly calE1: string;
  readonly dataF7: string;
  readonly double: { t_C: number; p_Pa: number; h_pct: number };
  readonly int64: { t_cC: number; p_cPa: number; h_q10: number };
  readonly int32: { t_cC: number; p_Pa: number; h_q10: number };
  readonly clamped: readonly ('t' | 'p' | 'h')[];
}
const vectors = (): Vector[] =>
  readFileSync(join(REAL_DATA, FILE), 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Vector);

/** The row's registers on a bus, and the product's driver on that. */
async function readByDriver(vector: Vector): Promise<{ t: number; p: number; h: number }> {
  const registers = new RegisterMap()
    .set(0xd0, [0x60])
    .set(0x88, fromHex(vector.cal88))
    .set(0xe1, fromHex(vector.calE1))
    .set(0xf7, fromHex(vector.dataF7));
  const bus = new TestBus({ 118: registers });
  const driver = bme280.create(
    { device: bus.device(0x76), clock: new FakeClock() },
    v.parse(bme280.options, {}),
  );
  await driver.probe();
  await driver.configure();
  const [rows] = await driver.sample!();
  const [t, p, h] = rows!.values;
  return { t: t!, p: p!, h: h! };
}

test("every register image of Bosch's own driver gives Bosch's double values, through our driver", {
  skip,
}, async (t) => {
  const all = vectors();
  let [compared, clamped] = [0, 0];
  for (const vector of all) {
    const got = await readByDriver(vector);
    const want = { t: vector.double.t_C, p: vector.double.p_Pa, h: vector.double.h_pct };
    for (const quantity of ['t', 'p', 'h'] as const) {
      if (vector.clamped.includes(quantity)) {
        clamped += 1;
        continue;
      }
      compared += 1;
      // Same formula, same doubles: only the order of the additions could differ, in the last bits.
      const off = Math.abs(got[quantity] - want[quantity]);
      assert.ok(off <= 1e-12 * Math.abs(want[quantity]), `${vector.dataF7} ${quantity}: ${got[quantity]}`);
    }
  }
  t.diagnostic(
    `${all.length} images: ${compared} values equal, ${clamped} left out because Bosch clamped them`,
  );
  assert.ok(compared >= 30);
  assert.equal(compared + clamped, 3 * all.length);
});

test("the second implementation gives Bosch's int64 and int32 values exactly", { skip }, () => {
  for (const vector of vectors()) {
    const c = parseCalibration(fromHex(vector.cal88), fromHex(vector.calE1));
    const raw = parseMeasurement(fromHex(vector.dataF7));
    const fine = tFineInteger(raw.temperature!, c);
    if (!vector.clamped.includes('t')) {
      assert.equal(temperatureInteger(fine), vector.int64.t_cC);
      assert.equal(temperatureInteger(fine), vector.int32.t_cC);
    }
    if (!vector.clamped.includes('p')) {
      assert.equal(pressureInt64(raw.pressure!, fine, c), vector.int64.p_cPa);
      assert.equal(pressureInt32(raw.pressure!, fine, c), vector.int32.p_Pa);
    }
    if (!vector.clamped.includes('h')) {
      assert.equal(humidityInteger(raw.humidity!, fine, c), vector.int64.h_q10);
      assert.equal(humidityInteger(raw.humidity!, fine, c), vector.int32.h_q10);
    }
  }
});

test('the worked example of the datasheet comes out, through the driver', async () => {
  // BST-BMP280-DS001 §3.12 (the same formulas and trimming as the BME280's): 25.08 degrees, 100653.27 Pa by the datasheet's
  // rounded steps, of which Bosch's double build makes 100653.258.
  const calibration = [27504, 26435, -1000, 36477, -10685, 3024, 2855, 140, -7, 15500, -14600, 6000];
  const cal88 = Buffer.alloc(26);
  for (const [i, value] of calibration.entries()) cal88.writeUInt16LE(value & 0xffff, 2 * i);
  const adc = (value: number): string => (value << 4).toString(16).padStart(6, '0');
  const got = await readByDriver({
    cal88: cal88.toString('hex'),
    calE1: '00000000000000',
    dataF7: `${adc(415148)}${adc(519888)}6000`,
  } as Vector);
  assert.ok(Math.abs(got.t - 25.08) < 0.005, `${got.t}`);
  assert.ok(Math.abs(got.p - 100653.27) < 0.05, `${got.p}`);
});
