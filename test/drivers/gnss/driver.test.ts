import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import * as v from 'valibot';
import { HalError, QUALITY, type Rows } from '../../../drivers/contract/index.js';
import { gnss } from '../../../drivers/gnss/driver.js';
import { ScriptedPort } from '../serial-port.js';
import { frame } from './frames.js';
import { rowsOf, stoppedClock } from './gpsd.js';

const OPTIONS = v.parse(gnss.options, {});
const CHANNELS = 'latitude longitude altitude speed track mode used hdop utcMs'.split(' ');

/** The main stream's rows by channel name; absent values left out. */
const named = (rows: readonly Rows[]) =>
  rows
    .filter((row) => row.stream === '')
    .map((row) =>
      Object.fromEntries(
        CHANNELS.map((name, i) => [name, row.values[i]!] as const).filter(
          ([, value]) => !Number.isNaN(value),
        ),
      ),
    );

const run = (bodies: readonly string[]) => rowsOf(bodies.map(frame), OPTIONS);

const rmc = (time: string, rest = 'A,4807.038,N,01131.000,E,1.0,84.4,010226,,,A') => `GPRMC,${time},${rest}`;
const gga = (time: string, quality = 1) =>
  `GPGGA,${time},4807.038,N,01131.000,E,${quality},08,0.9,545.4,M,46.9,M,,`;
const GSA = 'GPGSA,A,3,04,05,,09,12,,,24,,,,,2.5,1.3,2.1';

test('the channels are those that the clock and the fleet look for', () => {
  const driver = gnss.create({ port: new ScriptedPort(), clock: stoppedClock }, OPTIONS);
  assert.deepEqual(
    driver.streams[0]!.channels.map((channel) => channel.name),
    CHANNELS,
  );
});

test('an epoch is out when the time changes, and at its last sentence once two cycles ended so', async () => {
  const port = new ScriptedPort();
  const rows: Rows[] = [];
  const driver = gnss.create({ port, clock: stoppedClock }, OPTIONS);
  await driver.stream!((row) => rows.push(row), assert.fail);
  const outAfter: number[] = [];
  for (const second of ['00', '01', '02', '03']) {
    for (const body of [rmc(`1200${second}`), gga(`1200${second}`), GSA]) {
      port.give(BigInt(outAfter.length), [frame(body)]);
      outAfter.push(rows.length);
    }
  }
  assert.deepEqual(outAfter, [0, 0, 0, 1, 1, 1, 2, 2, 3, 3, 3, 4]);
  assert.deepEqual(
    rows.map((row) => row.timesNs[0]),
    [0n, 3n, 6n, 9n],
    'a row bears the time of its epoch’s first sentence',
  );
  assert.equal(named(rows)[3]!.utcMs, Date.UTC(2026, 1, 1, 12, 0, 3));
});

test('a sentence that joins the cycle after its known end makes no second row', async () => {
  const cycle = (time: string) => [rmc(time), gga(time)];
  const zda = 'GPZDA,120003.00,01,02,2026,00,00';
  const rows = await run([
    ...['120000', '120001', '120002', '120003'].flatMap(cycle),
    zda,
    ...cycle('120004'),
    'GPZDA,120004.00,01,02,2026,00,00',
    ...cycle('120005'),
  ]);
  assert.deepEqual(
    named(rows).map((row) => (row.utcMs! / 1000) % 60),
    [0, 1, 2, 3, 4],
  );
});

test('one moment that sentences round differently is one row, with the time that comes with the date', async () => {
  const gll = (time: string) => `GPGLL,4807.038,N,01131.000,E,${time},A`;
  const cycle = (fine: string, coarse: string) => [gll(fine), gga(coarse), rmc(coarse), GSA];
  const rows = named(
    await run([
      ...cycle('120000.758', '120000.76'),
      ...cycle('120001.523', '120001.52'),
      ...cycle('120002.499', '120002.50'),
      gll('120003.500'),
    ]),
  );
  assert.deepEqual(
    rows.map((row) => new Date(row.utcMs!).toISOString().slice(17, 23)),
    ['00.760', '01.520', '02.500'],
  );
  for (const row of rows) assert.deepEqual([row.altitude, row.speed! > 0, row.mode], [545.4, true, 2]);
});

test('rounding across midnight: the date’s own time goes with it', async () => {
  const rows = named(await run([gga('235959.998'), rmc('000000.00'), gga('000001.00')]));
  assert.deepEqual([rows.length, rows[0]!.utcMs], [1, Date.UTC(2026, 1, 1)]);
  const late = rmc('235959.996', 'A,4807.038,N,01131.000,E,1.0,84.4,310126,,,A');
  const before = named(await run([late, gga('000000.00'), gga('000001.00')]));
  assert.deepEqual([before.length, before[0]!.utcMs], [1, Date.UTC(2026, 0, 31, 23, 59, 59, 996)]);
});

test('at 100 Hz each sentence has a moment of its own', async () => {
  const rows = named(await run([gga('120000.00'), rmc('120000.01'), gga('120000.02'), rmc('120000.03')]));
  assert.deepEqual(
    rows.map((row) => row.altitude),
    [545.4, undefined, 545.4],
  );
});

test('a clock that runs ahead of the fixes is no lost fix: ZDA alone makes no row', async () => {
  const cycle = (fix: string, clock: string) => [gga(fix), GSA, rmc(fix), `GPZDA,${clock},01,02,2026,00,00`];
  const rows = named(
    await run([
      ...cycle('120001', '120003.00'),
      ...cycle('120002', '120004.00'),
      ...cycle('120003', '120005.00'),
    ]),
  );
  assert.deepEqual(
    rows.map((row) => [row.mode, (row.utcMs! / 1000) % 60]),
    [
      [2, 1],
      [2, 2],
      [2, 3],
    ],
  );
});

test('no fix: the mode says none, and there is neither time nor position', async () => {
  const rows = named(
    await run([
      rmc('120000', 'V,4807.038,N,01131.000,E,1.0,84.4,010226,,,N'),
      gga('120000', 0),
      rmc('120001'),
    ]),
  );
  assert.deepEqual(rows, [{ mode: 0, used: 8, hdop: 0.9 }]);
});

test('sentences that contradict each other are no fix', async () => {
  const rows = named(await run([rmc('120000', 'V,,,,,,,010226,,,N'), gga('120000', 1), rmc('120001')]));
  assert.equal(rows[0]!.mode, 0);
  assert.equal(rows[0]!.latitude, undefined);
});

test('a receiver without any time yet gives a row a cycle', async () => {
  const cycle = [
    'GNRMC,,V,,,,,,,,,,N',
    'GNVTG,,,,,,,,,N',
    'GNGGA,,,,,,0,00,99.99,,,,,,',
    'GNGSA,A,1,,,,,,,,,,,,,99.99,99.99,99.99',
  ];
  const rows = named(await run([...cycle, ...cycle, ...cycle, ...cycle]));
  assert.equal(rows.length, 4);
  for (const row of rows) assert.deepEqual(row, { mode: 0, used: 0, hdop: 99.99 });
});

test('a frozen time is still a row a cycle', async () => {
  const rows = await run([
    rmc('235946', 'V,,,,,,,050180,,,N'),
    rmc('235946', 'V,,,,,,,050180,,,N'),
    rmc('235946', 'V,,,,,,,050180,,,N'),
  ]);
  assert.ok(named(rows).length >= 2);
});

test('the day comes from the last RMC, and goes on at midnight', async () => {
  const rows = named(await run([rmc('235959'), gga('235959'), gga('000000'), gga('000001'), gga('000002')]));
  assert.deepEqual(
    rows.map((row) => new Date(row.utcMs!).toISOString().slice(8, 19)),
    ['01T23:59:59', '02T00:00:00', '02T00:00:01', '02T00:00:02'],
  );
});

test('before any date there is a position, but no time', async () => {
  const rows = named(await run([gga('120000'), gga('120001')]));
  assert.equal(rows[0]!.utcMs, undefined);
  assert.equal(rows[0]!.altitude, 545.4);
});

test('a date 1024 weeks in the past is set right and suspect; dead reckoning is suspect', async () => {
  const [rolled] = await run([rmc('120000', 'A,4807.038,N,01131.000,E,1.0,84.4,180606,,,A'), rmc('120001')]);
  assert.equal(rolled!.values[8], Date.UTC(2026, 0, 31 + 1, 12)); // 2006-06-18 + 7168 days = 2026-02-01
  assert.equal(rolled!.quality[8], QUALITY.suspect);
  assert.equal(rolled!.quality[0], QUALITY.good);
  const [reckoned] = await run([
    rmc('120000', 'A,4807.038,N,01131.000,E,1.0,84.4,010226,,,E'),
    rmc('120001'),
  ]);
  assert.equal(reckoned!.quality[0], QUALITY.suspect);
});

test('the sky is counted over talkers, once a satellite, whatever its signals', async () => {
  const rows = await run([
    rmc('120000'),
    'GPGSV,1,1,03,01,10,100,40,02,20,200,30,03,30,300,,1',
    'GPGSV,1,1,02,01,10,100,44,02,20,200,,6',
    'GLGSV,1,1,01,66,09,027,20,1',
    'GAGSV,2,1,05,03,44,149,40,05,42,071,39,08,08,190,,09,06,034,,7', // 2 of 2 never comes
    GSA,
    rmc('120001'),
  ]);
  const sky = rows.find((row) => row.stream === 'sky')!;
  assert.deepEqual([...sky.values], [4, 5, 44, (40 + 30 + 44 + 20) / 4]);
});

test('a round of GSV with a hole is not counted', async () => {
  const rows = await run([
    rmc('120000'),
    'GPGSV,3,1,09,01,10,100,40',
    'GPGSV,3,3,09,09,10,100,40',
    rmc('120001'),
    rmc('120002'),
  ]);
  assert.equal(rows.filter((row) => row.stream === 'sky').length, 0);
});

test('a round of GSV bears the time of its own first message', async () => {
  const rows = await run([
    'GPGSV,2,1,05,01,10,100,40', // its second message never comes
    rmc('120000'),
    'GLGSV,1,1,01,66,09,027,20',
    rmc('120001'),
    'GLGSV,1,1,01,66,09,027,21',
    rmc('120002'),
  ]);
  const sky = rows.filter((row) => row.stream === 'sky');
  assert.deepEqual(
    sky.map((row) => row.timesNs[0]),
    [2n, 4n],
  );
});

test('a line that repeats itself for ever keeps a bounded memory, and makes no rows', async () => {
  const rows = await run([...new Array<string>(1000).fill(GSA), rmc('120000'), rmc('120001')]);
  const [first] = named(rows);
  assert.equal(rows.length, 1);
  assert.ok(first!.used! <= 64 * 5, 'five satellites a GSA, of no more than 64');
  const letter = (i: number) => String.fromCharCode(65 + i);
  const talkers = Array.from({ length: 100 }, (_, i) => `${letter(i % 10)}${letter(Math.floor(i / 10))}`);
  const rounds = talkers.map((talker) => `${talker}GSV,1,1,01,01,10,100,40`);
  const [, sky] = await run([rmc('120000'), ...rounds, rmc('120001')]);
  assert.ok(sky!.values[0]! >= 1 && sky!.values[0]! <= 32, `${sky!.values[0]} in view`);
});

test('in a 2D fix the altitude is held: suspect', async () => {
  const flat = GSA.replace('A,3', 'A,2');
  const [row] = await run([rmc('120000'), gga('120000'), flat, rmc('120001')]);
  assert.deepEqual([row!.values[5], row!.quality[2], row!.quality[0]], [1, QUALITY.suspect, QUALITY.good]);
});

test('a line that went away takes its half epoch along and is reported', async () => {
  const port = new ScriptedPort();
  const rows: Rows[] = [];
  const errors: Error[] = [];
  const driver = gnss.create({ port, clock: stoppedClock }, OPTIONS);
  const stop = await driver.stream!(
    (row) => rows.push(row),
    (error) => errors.push(error),
  );
  port.give(1n, [frame(rmc('120000'))]);
  port.state(new HalError('disconnected', 'replay', 'the line went away'));
  port.state(undefined);
  port.give(2n, [frame(rmc('120500'))]);
  assert.equal(rows.length, 0);
  assert.equal(errors.length, 1);
  await stop();
  port.give(3n, [frame(rmc('120501'))]);
  assert.equal(rows.length, 0);
});

test('the probe hears a talker, or says what to look at', async () => {
  const answer = async (during: (port: ScriptedPort) => void) => {
    const port = new ScriptedPort();
    const clock = { nowNs: () => 0n, delay: async () => during(port) };
    return gnss.create({ port, clock }, OPTIONS).probe();
  };
  const identity = await answer((port) => port.give(0n, [frame(gga('120000'))]));
  assert.equal(identity.details.talker, 'GP');
  await assert.rejects(
    answer(() => undefined),
    { name: 'HalError', kind: 'noAcknowledge' },
  );
  await assert.rejects(
    answer((port) => {
      Object.assign(port, { baud: 38_400 }).noise(960);
    }),
    {
      name: 'HalError',
      kind: 'wrongPart',
      message: /\d+ bytes in 4000 ms at 38400 baud, but no NMEA sentence/,
    },
  );
});

test('any order of sentences: rows in the order of their times, none without a fix’s time', async () => {
  const bodies = fc.array(
    fc.constantFrom(
      rmc('120000'),
      rmc('120001'),
      gga('120000'),
      gga('120002', 0),
      GSA,
      'GNVTG,,,,,,,,,N',
      'GNRMC,,V,,,,,,,,,,N',
      'GPGSV,1,1,03,01,10,100,40',
      'GPZDA,120001.00,01,02,2026,00,00',
    ),
    { maxLength: 200 },
  );
  await fc.assert(
    fc.asyncProperty(bodies, async (list) => {
      const rows = await run(list);
      const main = rows.filter((row) => row.stream === '');
      assert.ok(main.every((row, i) => i === 0 || main[i - 1]!.timesNs[0]! < row.timesNs[0]!));
      assert.ok(named(rows).every((row) => row.mode !== 0 || (row.utcMs ?? row.latitude) === undefined));
      assert.ok(main.length <= list.length);
    }),
    { numRuns: 300 },
  );
});
