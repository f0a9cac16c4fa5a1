import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { correctRollOver, parseSentence, type Sentence } from '../../../drivers/gnss/conversion.js';
import { cutNmea, frame } from './frames.js';

const parse = (body: string): Sentence => {
  const sentence = parseSentence(frame(body));
  assert.ok(sentence, body);
  return sentence;
};

/** A published sentence with its published checksum. */
const published = (text: string): Sentence => {
  const { frames } = cutNmea(Buffer.from(text, 'latin1'));
  assert.equal(frames.length, 1, `the checksum of ${text}`);
  return parseSentence(frames[0]!)!;
};

const near = (actual: number | undefined, expected: number, tolerance = 1e-9) =>
  assert.ok(Math.abs((actual ?? Number.NaN) - expected) <= tolerance, `${actual} is not ${expected}`);

// Dale DePriest's "NMEA data" (gpsinformation.org/dale/nmea.htm): the sentence, and the values that its text gives.
test('RMC: 48°07.038′ N 11°31.000′ E, 22.4 knots, 84.4°, 23 March 1994 12:35:19', () => {
  const rmc = published('$GPRMC,123519,A,4807.038,N,01131.000,E,022.4,084.4,230394,003.1,W*6A');
  assert.equal(rmc.address, 'GPRMC');
  assert.equal(rmc.fix, 'valid');
  near(rmc.latitudeDeg, 48.1173);
  near(rmc.longitudeDeg, 11 + 31 / 60);
  near(rmc.speedMps, 11.5236, 1e-4); // 22.4 kn, 1 kn = 1852 m/h
  assert.equal(rmc.trackDeg, 84.4);
  assert.equal(new Date(rmc.dateMs! + rmc.timeOfDayMs!).toISOString(), '1994-03-23T12:35:19.000Z');
});

test('GGA: 545.4 m above mean sea level, eight satellites, HDOP 0.9', () => {
  const gga = published('$GPGGA,123519,4807.038,N,01131.000,E,1,08,0.9,545.4,M,46.9,M,,*47');
  assert.deepEqual([gga.fix, gga.altitudeM, gga.used, gga.hdop], ['valid', 545.4, 8, 0.9]);
  near(gga.latitudeDeg, 48.1173);
});

test('GLL: 49°16.45′ N 123°11.12′ W at 22:54:44', () => {
  const gll = published('$GPGLL,4916.45,N,12311.12,W,225444,A,*1D');
  near(gll.latitudeDeg, 49.274166667, 1e-9);
  near(gll.longitudeDeg, -123.185333333, 1e-9);
  assert.equal(gll.timeOfDayMs, ((22 * 60 + 54) * 60 + 44) * 1000);
  assert.equal(gll.fix, 'valid');
});

test('GSA: 3D by five satellites, HDOP 1.3', () => {
  const gsa = published('$GPGSA,A,3,04,05,,09,12,,,24,,,,,2.5,1.3,2.1*39');
  assert.deepEqual([gsa.dimensions, gsa.used, gsa.hdop], [3, 5, 1.3]);
});

test('GSV: message 1 of 2, eight in view', () => {
  const gsv = published('$GPGSV,2,1,08,01,40,083,46,02,17,308,41,12,07,344,39,14,22,228,45*75');
  assert.deepEqual(gsv.sky, {
    messages: 2,
    message: 1,
    inView: 8,
    snrsDbHz: [46, 41, 39, 45],
    signal: '',
  });
});

test('VTG: 54.7° true, 5.5 knots, 10.2 km/h', () => {
  const vtg = published('$GPVTG,054.7,T,034.4,M,005.5,N,010.2,K*48');
  assert.equal(vtg.trackDeg, 54.7);
  near(vtg.speedMps, 10.2 / 3.6, 0.01);
});

test('ZDA: 20:15:30 on 4 July 2002', () => {
  const zda = published('$GPZDA,201530.00,04,07,2002,00,00*60');
  assert.equal(new Date(zda.dateMs! + zda.timeOfDayMs!).toISOString(), '2002-07-04T20:15:30.000Z');
});

// A Vector VS110 on a ship (NOAA PSL, WHOTS 2022): eight decimals, four sentences of one moment.
test('sentences of one receiver and moment agree', () => {
  const gga = published(
    '$GPGGA,040001.00,2246.08014690,N,15755.97486679,W,2,07,1.1,15.8,M,0.4,M,7.0,0133*50',
  );
  const rmc = published('$GPRMC,040001.00,A,2246.08014690,N,15755.97486679,W,0.05,253.92,250722,9.9,E,D*22');
  const gll = published('$GPGLL,2246.08014690,N,15755.97486679,W,040001.00,A,D*74');
  for (const sentence of [gga, rmc, gll]) {
    assert.equal(sentence.fix, 'valid');
    near(sentence.latitudeDeg, 22.76800244833, 1e-11);
    near(sentence.longitudeDeg, -157.9329144465, 1e-10);
    assert.equal(sentence.timeOfDayMs, 4 * 3_600_000 + 1000);
  }
});

test('NMEA 4.1 GSV: the signal id is the field left over', () => {
  const body = 'GPGSV,4,2,16,16,25,306,30,18,68,358,39,20,63,235,37,21,35,292,,1';
  assert.equal(parse(body).sky?.signal, '1');
  assert.deepEqual(parse(body).sky?.snrsDbHz, [30, 39, 37]);
});

test('any talker, no proprietary sentence', () => {
  for (const talker of ['GP', 'GN', 'GL', 'GA', 'GB', 'BD', 'GQ', 'QZ', 'GI', 'IN', 'II']) {
    assert.equal(parse(`${talker}ZDA,201530.00,04,07,2002,00,00`).address, `${talker}ZDA`);
  }
  assert.equal(parseSentence(frame('PMTK010,001')), undefined);
  assert.equal(parseSentence(frame('PUBX,00,081350.00')), undefined);
  assert.equal(parseSentence(frame('GPGST,131519.00,11,,,,0.70,0.49,1.1')), undefined);
});

test('without a fix there is no position, speed or date, whatever the fields hold', () => {
  // mtk-3301's own power-up sentences, with numbers in every field
  const rmc = parse('GPRMC,235946.005,V,8960.000000,N,00000.000000,E,0.000,0.00,050180,,,N');
  assert.deepEqual(rmc, { address: 'GPRMC', formatter: 'RMC', timeOfDayMs: 86_386_005, fix: 'none' });
  const gga = parse('GPGGA,081434.590,5212.978993,N,00653.097906,E,0,3,,102.907,M,47.093,M,,');
  assert.deepEqual([gga.fix, gga.latitudeDeg, gga.altitudeM, gga.used], ['none', undefined, undefined, 3]);
  for (const mode of ['N', 'S', 'M']) {
    assert.equal(parse(`GPRMC,120000,A,4807.038,N,01131.0,E,1,1,010124,,,${mode}`).fix, 'none');
    assert.equal(parse(`GPVTG,1,T,,M,1,N,2,K,${mode}`).speedMps, undefined);
  }
  for (const quality of ['0', '7', '8', '', 'x', '12']) {
    assert.equal(parse(`GPGGA,120000,4807.038,N,01131.0,E,${quality},8,1,5,M,,M,,`).fix, 'none');
  }
  assert.equal(parse('GPRMC,120000,A,4807.038,N,01131.0,E,1,1,010124,,,E').fix, 'estimated');
  assert.equal(parse('GPGGA,120000,4807.038,N,01131.0,E,6,0,,5,M,,M,,').fix, 'estimated');
});

test('before NMEA 2.3 there is no mode: the status alone decides', () => {
  assert.equal(parse('GPRMC,030129.0,A,2638.1726,N,08011.3892,W,0.00,219.6,010413,,').fix, 'valid');
  assert.equal(parse('GPRMC,030129.0,V,2638.1726,N,08011.3892,W,0.00,219.6,010413,,').fix, 'none');
  assert.equal(parse('GPRMC,030129.0,,2638.1726,N,08011.3892,W,0.00,219.6,010413,,').fix, 'none');
  assert.equal(parse('GPGLL,2638.1726,N,08011.3892,W,030129.000,V').fix, 'none');
  assert.equal(parse('GPVTG,054.7,T,,M,005.5,N,010.2,K').trackDeg, 54.7);
});

test('VTG without knots: km/h', () => {
  near(parse('GPVTG,054.7,T,,M,,N,010.8,K,A').speedMps, 3);
});

test('empty, cut and impossible fields are absent, the rest stands', () => {
  const cut = parse('GPRMC,123519.5,A,4807.038,N,01131.000,E');
  assert.deepEqual([cut.fix, cut.speedMps, cut.dateMs], ['valid', undefined, undefined]);
  assert.equal(cut.timeOfDayMs, 45_319_500);
  const empty = parse('GNRMC,,V,,,,,,,,,,N');
  assert.deepEqual([empty.timeOfDayMs, empty.fix], [undefined, 'none']);
  const half = parse('GPRMC,123519,A,4807.038,N,,E,1.0,,230394,,,A');
  assert.deepEqual([half.latitudeDeg, half.longitudeDeg], [undefined, undefined], 'half a position is none');
  for (const wrong of [
    '4860.0,N',
    '9100.0,N',
    '4807.038,X',
    '4807.038,NS',
    'abc,N',
    '-4807.0,N',
    '4807.0.1,N',
  ]) {
    const rmc = parse(`GPRMC,123519,A,${wrong},01131.000,E,1.0,,230394,,,A`);
    assert.equal(rmc.latitudeDeg, undefined, wrong);
  }
  for (const wrong of ['240000', '126000', '123561', '12351', 'x23519']) {
    assert.equal(
      parse(`GPRMC,${wrong},A,4807.038,N,01131.000,E,1,1,230394,,,A`).timeOfDayMs,
      undefined,
      wrong,
    );
  }
  for (const wrong of ['310294', '003394', '230094', '23039', '290223']) {
    assert.equal(parse(`GPRMC,123519,A,4807.038,N,01131.000,E,1,1,${wrong},,,A`).dateMs, undefined, wrong);
  }
  assert.equal(parse('GPRMC,123519,A,4807.038,N,01131.000,E,1e3,400,230394,,,A').speedMps, undefined);
  assert.equal(parse('GPRMC,123519,A,4807.038,N,01131.000,E,1,400,230394,,,A').trackDeg, undefined);
});

test('degrees without leading zeros and with few or many decimals', () => {
  near(parse('GPGLL,734.0836864,N,734.0836864,W,120000,A,A').longitudeDeg, -7.56806144);
  near(parse('GPGLL,0734.08368640,S,00734.0836864,E,120000,A,A').latitudeDeg, -7.56806144);
  near(parse('GPGLL,34,N,34,W,120000,A,A').latitudeDeg, 34 / 60);
  near(parse('GPGLL,9000.0,N,18000.0,W,120000,A,A').longitudeDeg, -180);
  assert.equal(parse('GPGLL,9000.1,N,18000.0,W,120000,A,A').latitudeDeg, undefined);
});

test('two digits of a year: 80 to 99 are the last century', () => {
  const year = (date: string) =>
    new Date(parse(`GPRMC,000000,A,0000.0,N,00000.0,E,0,0,${date},,,A`).dateMs!).getUTCFullYear();
  assert.deepEqual(['060180', '311299', '010100', '311279'].map(year), [1980, 1999, 2000, 2079]);
});

test('a leap second is the first of the next minute', () => {
  assert.equal(parse('GPZDA,235960.00,31,12,2016,00,00').timeOfDayMs, 86_400_000);
});

// Week 1023 of the GPS count ended on 2019-04-06 (IS-GPS-200; CISA's memorandum on the 2019 roll-over).
test('a date 1024 weeks in the past comes back; one that two roll-overs don’t explain is none', () => {
  const earliest = Date.parse('2019-04-07T00:00:00Z');
  const at = (text: string) => {
    const corrected = correctRollOver(Date.parse(text), earliest);
    return corrected && [new Date(corrected.utcMs).toISOString(), corrected.corrected];
  };
  assert.deepEqual(at('1999-08-22T00:00:00Z'), ['2019-04-07T00:00:00.000Z', true]);
  assert.deepEqual(at('1980-01-06T00:00:00Z'), ['2019-04-07T00:00:00.000Z', true]);
  assert.deepEqual(at('2019-04-07T00:00:00Z'), ['2019-04-07T00:00:00.000Z', false]);
  assert.equal(at('1979-12-31T00:00:00Z'), undefined);
});

test('any bytes: the parser never throws and gives only numbers within bounds', () => {
  const field = fc.oneof(
    fc.string({ maxLength: 12 }),
    fc.constantFrom(
      '',
      'A',
      'V',
      'N',
      'S',
      '1',
      '120000',
      '4807.038',
      '1e9',
      '-',
      '.',
      '000000000001',
      'NaN',
    ),
    fc.double().map(String),
    fc.integer().map(String),
  );
  const address = fc.constantFrom('GPRMC', 'GNGGA', 'GLGLL', 'GAGSA', 'GBGSV', 'BDVTG', 'QZZDA');
  const sentence = fc
    .tuple(address, fc.array(field, { maxLength: 25 }))
    .map(([head, fields]) => Buffer.from(`$${[head, ...fields].join(',')}*00`, 'utf8'));
  const bytes = fc.oneof(fc.uint8Array({ maxLength: 300 }), sentence);
  fc.assert(
    fc.property(bytes, (input) => inBounds(parseSentence(new Uint8Array(input)))),
    { numRuns: 5000 },
  );
});

function inBounds(sentence: Sentence | undefined): boolean {
  if (!sentence) return true;
  const within = (value: number | undefined, min: number, max: number) =>
    value === undefined || (value >= min && value <= max);
  return (
    within(sentence.latitudeDeg, -90, 90) &&
    within(sentence.longitudeDeg, -180, 180) &&
    within(sentence.speedMps, 0, 1029) &&
    within(sentence.trackDeg, 0, 360) &&
    within(sentence.timeOfDayMs, 0, 86_400_999) &&
    within(sentence.used, 0, 255) &&
    within(sentence.hdop, 0, 100) &&
    within(sentence.sky?.inView, 0, 99) &&
    (sentence.fix !== 'none' || sentence.latitudeDeg === undefined)
  );
}
