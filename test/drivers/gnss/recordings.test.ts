import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Rows } from '../../../drivers/contract/index.js';
import { DIFFERENCES } from './differences.js';
import { cutNmea } from './frames.js';
import {
  captureBytes,
  checkLines,
  compare,
  compareFixes,
  type Difference,
  gpsdFixes,
  logBytes,
  ourFixes,
  RECEIVERS,
  rowsOf,
  skipWithoutRealData,
  unexplained,
  unneeded,
} from './gpsd.js';
import { frameChunks } from './native.js';

/** How many of gpsd's fixes each log is known to hold, so that an empty comparison can't pass. */
const COMPARED: Readonly<Record<string, number>> = {
  bu353s4: 25,
  'com-1289': 13,
  isync: 11,
  'mtk-3301': 4,
  'nmea-fuzzy-cases': 14,
  'quectel-L70': 16,
  triton400: 4,
  'ublox-neo-m9n-nmea': 61,
};

test(
  'each fix of the ten receivers is gpsd’s, or stands in the table with its reason',
  skipWithoutRealData,
  async () => {
    const all: Difference[] = [];
    for (const receiver of RECEIVERS) {
      const { frames } = cutNmea(logBytes(receiver));
      const { compared, differences } = compare(receiver, await rowsOf(frames));
      assert.equal(compared, COMPARED[receiver] ?? 0, receiver);
      all.push(...differences);
    }
    assert.deepEqual(unexplained(all, DIFFERENCES), []);
    assert.deepEqual(unneeded(all, DIFFERENCES), [], 'reasons for differences that are not there');
  },
);

test('gpsd’s NMEA translation of the SiRF log gives gpsd’s fixes', skipWithoutRealData, async () => {
  const lines = checkLines('bu303-climbing').filter((line) => line.startsWith('$'));
  const { frames } = cutNmea(Buffer.from(lines.join('\r\n'), 'latin1'));
  const { compared, differences } = compareFixes(
    'bu303-climbing',
    gpsdFixes('bu303-climbing'),
    ourFixes(await rowsOf(frames)),
  );
  assert.deepEqual(differences, []);
  assert.equal(compared, 8);
});

test('satellites in view are as many as gpsd counts', skipWithoutRealData, async () => {
  for (const receiver of ['bu353s4', 'quectel-L70', 'mtk-3301', 'triton400'] as const) {
    const theirs = checkLines(receiver)
      .filter((line) => line.includes('"SKY"') && line.includes('"nSat"'))
      .map((line) => JSON.parse(line).nSat as number);
    const rows = await rowsOf(cutNmea(logBytes(receiver)).frames);
    const ours = rows.filter((row) => row.stream === 'sky').map((row) => row.values[0]!);
    assert.ok(ours.length > 0, receiver);
    for (const count of ours) assert.ok(theirs.includes(count), `${receiver}: ${count} in view`);
  }
});

test(
  'the capture of an MTK3339 on the wire gives the positions that it shows',
  skipWithoutRealData,
  async () => {
    const fixes = ourFixes(await rowsOf(cutNmea(captureBytes()).frames));
    assert.deepEqual(
      fixes.map((fix) => fix.epoch),
      [7, 8, 9, 10, 11].map((second) => `2013-08-26T06:15:${String(second).padStart(2, '0')}.000Z`),
    );
    // $GPGGA,061508.000,4530.7007,N,12240.8051,W,2,12,0.83,62.2,M and $GPRMC,…,0.02,79.97: by hand
    const second = fixes[1]!;
    assert.ok(Math.abs(second.latitude! - 45.51167833) < 1e-8);
    assert.ok(Math.abs(second.longitude! - -122.680085) < 1e-8);
    assert.equal(second.altitude, 62.2);
    assert.ok(Math.abs(second.speed! - 0.010289) < 1e-6);
    assert.equal(second.track, 79.97);
    assert.equal(second.mode, 3);
    assert.equal(fixes[0]!.altitude, undefined, 'the capture begins after this epoch’s GGA');
  },
);

for (const [name, size] of [
  ['byte by byte', 1],
  ['in chunks of 64 KiB', 65_536],
] as const) {
  test(
    `through the C framing ${name}: the same rows, bad checksums counted`,
    skipWithoutRealData,
    async (t) => {
      for (const receiver of RECEIVERS) {
        const plain = cutNmea(logBytes(receiver));
        const framed = frameChunks(logBytes(receiver), size);
        if (!framed) return t.skip('the native add-on is not built here, or has no framing');
        assert.deepEqual(content(await rowsOf(framed.frames)), content(await rowsOf(plain.frames)), receiver);
        assert.equal(framed.counters.frames, plain.frames.length, receiver);
        // The C framing counts sentences that end without a checksum too.
        assert.ok(framed.counters.badChecksum >= plain.badChecksum, receiver);
        if (receiver === 'com-1289') assert.equal(framed.counters.badChecksum, 1);
      }
    },
  );
}

test(
  'a sentence with a wrong checksum is counted and never becomes a reading',
  skipWithoutRealData,
  async () => {
    const text = Buffer.from(logBytes('bu353s4')).toString('latin1');
    const broken = Buffer.from(text.replaceAll(/,N,|,S,/g, ',X,'), 'latin1');
    const { frames, badChecksum } = cutNmea(broken);
    assert.equal(badChecksum, 50);
    assert.equal(ourFixes(await rowsOf(frames)).length, 0);
  },
);

function content(rows: readonly Rows[]): unknown {
  return rows.map((row) => [row.stream, [...row.values], [...row.quality]]);
}
