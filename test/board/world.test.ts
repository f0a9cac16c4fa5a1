import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createWorld } from '../../runtime/board/world.js';

const START_UTC_NS = 1_750_000_000_000_000_000n; // 2025-06-15T15:06:40Z
const world = createWorld(7, START_UTC_NS);
const at = (timeS: number) => world(BigInt(Math.round(timeS * 1e9)));
/** WGS 84 mean radius, m. */
const metresPerDegree = (6_371_008.8 * Math.PI) / 180;

/** Without its way to other moments, which is a function. */
function plain({ at: _, ...rest }: ReturnType<typeof at>) {
  return rest;
}

test('one seed is one world, in any order, in any process; another seed is another', () => {
  const again = createWorld(7, START_UTC_NS);
  const times = [0, 86_400.25, 3.7, 5000];
  assert.deepEqual(
    times.map((timeS) => plain(at(timeS))),
    [...times]
      .reverse()
      .map((timeS) => plain(again(BigInt(Math.round(timeS * 1e9)))))
      .reverse(),
  );
  assert.notEqual(createWorld(8, START_UTC_NS)(0n).temperatureCelsius, at(0).temperatureCelsius);
  assert.deepEqual(plain(at(0).at!(3_700_000_000n)), plain(at(3.7)), 'a world knows its other moments');
  assert.equal(at(12.5).utcNs, START_UTC_NS + 12_500_000_000n);
});

test('a day has its warm afternoon, and humidity goes against temperature; all stays within nature', () => {
  let afternoon = 0;
  let night = 0;
  for (let hour = 0; hour < 24 * 20; hour++) {
    const w = at(hour * 3600);
    const utcHour = Number((w.utcNs / 3_600_000_000_000n) % 24n);
    if (utcHour === 15) afternoon += w.temperatureCelsius / 20;
    if (utcHour === 3) night += w.temperatureCelsius / 20;
    assert.ok(w.temperatureCelsius > -10 && w.temperatureCelsius < 35);
    assert.ok(w.pressurePa > 88_000 && w.pressurePa < 102_000, 'at 530 m');
    assert.ok(w.relativeHumidityPercent > 10 && w.relativeHumidityPercent <= 100);
  }
  assert.ok(afternoon - night > 6, `${afternoon} by day, ${night} by night`);
});

test('the walk: the track moves as speed and course say, with stops', () => {
  let stops = 0;
  const stepS = 0.5;
  for (let timeS = 0; timeS < 1800; timeS += stepS) {
    const [a, middle, b] = [at(timeS), at(timeS + stepS / 2), at(timeS + stepS)];
    const northM = (b.latitudeDeg - a.latitudeDeg) * metresPerDegree;
    const eastM =
      (b.longitudeDeg - a.longitudeDeg) * metresPerDegree * Math.cos((a.latitudeDeg * Math.PI) / 180);
    const speedMps = Math.hypot(eastM, northM) / stepS;
    assert.ok(Math.abs(speedMps - middle.speedMps) < 0.2, `${speedMps} m/s at ${timeS} s`);
    assert.ok(middle.speedMps >= 0 && middle.speedMps <= 1.4 + 1e-9);
    assert.ok(middle.courseDeg >= 0 && middle.courseDeg < 360);
    if (middle.speedMps === 0) stops++;
    if (middle.speedMps < 1) continue;
    const courseDeg = (Math.atan2(eastM, northM) * 180) / Math.PI;
    const offDeg = Math.abs(((courseDeg - middle.courseDeg + 540) % 360) - 180);
    assert.ok(offDeg < 3, `${courseDeg} and ${middle.courseDeg} degrees at ${timeS} s`);
  }
  assert.ok(stops > 60 && stops < 1800, `${stops} half-seconds of standing`);
});

test('the body: gravity at rest, 1.9 steps a second on the move, the gyroscope turns as the compass does', () => {
  let atRest = 0;
  let rises = 0;
  let walkingS = 0;
  const stepS = 0.01;
  let above = false;
  for (let timeS = 0; timeS < 300; timeS += stepS) {
    const w = at(timeS);
    const [x, y, z] = w.specificForceMps2;
    if (w.speedMps === 0 && at(timeS + 0.02).speedMps === 0) {
      atRest++;
      assert.ok(Math.abs(Math.hypot(x, y, z) - 9.80665) < 1e-6);
    }
    if (w.speedMps > 1.39) {
      walkingS += stepS;
      if (z > 9.8 && !above) rises++;
    }
    above = z > 9.8;
  }
  assert.ok(atRest > 100);
  assert.ok(Math.abs(rises / walkingS - 1.9) < 0.1, `${rises / walkingS} steps a second`);
});

test('turning integrates to the heading that the magnetometer shows', () => {
  const stepS = 0.005;
  const headingDeg = (timeS: number) => {
    const [x, y] = at(timeS).magneticFieldTesla;
    return (Math.atan2(y, x) * 180) / Math.PI; // clockwise from north, level, y to the left
  };
  let turnedDeg = 0;
  for (let timeS = 0; timeS < 60; timeS += stepS) {
    turnedDeg -= (at(timeS + stepS / 2).angularRateRadps[2] * 180 * stepS) / Math.PI;
  }
  // The sway tilts the level magnetometer's heading by some degrees; the walk turns by tens of degrees a minute.
  const off = Math.abs(((headingDeg(60) - headingDeg(0) - turnedDeg + 540) % 360) - 180);
  assert.ok(off < 25, `${off} degrees apart after ${turnedDeg}`);
  assert.ok(Math.abs(turnedDeg) > 5);
});

test('tags come and go, the contact is pressed now and then, the battery drains under its load', () => {
  const seen = new Set<string>();
  let pressed = 0;
  let without = 0;
  for (let timeS = 0; timeS < 3600; timeS += 0.5) {
    const w = at(timeS);
    for (const tag of w.tags) seen.add(tag.id);
    if (w.tags.length === 0) without++;
    if (w.contactActive) pressed++;
    for (const { rssiDbm } of w.tags) assert.ok(rssiDbm <= -45 && rssiDbm >= -80);
  }
  assert.ok(seen.size >= 4 && without > 100, `${seen.size} tags, ${without} times none`);
  assert.ok(pressed > 15 && pressed < 15 * 10, `${pressed} half-seconds pressed`);
  const rest = (fromS: number) => {
    for (let timeS = fromS; ; timeS += 2) if (at(timeS).currentA < 0.3) return at(timeS).busVoltageV;
  };
  const volts = [0, 2, 4, 6, 8, 9.9].map((hour) => rest(hour * 3600));
  assert.ok(
    volts.every((volt, i) => i === 0 || volt < volts[i - 1]!),
    String(volts),
  );
  assert.ok(volts[0]! < 4.25 && volts.at(-1)! > 2.8);
});
