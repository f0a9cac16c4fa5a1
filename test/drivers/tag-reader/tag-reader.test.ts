import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import * as v from 'valibot';
import type { HalError, Rows } from '../../../drivers/contract/index.js';
import { parseLine } from '../../../drivers/tag-reader/conversion.js';
import { tagReader } from '../../../drivers/tag-reader/driver.js';
import { MAX_TAGS, SightingTable } from '../../../drivers/tag-reader/sightings.js';
import { tagReaderTwin } from '../../../drivers/tag-reader/twin.js';
import { ScriptedPort } from '../serial-port.js';
import { FakeClock, world } from '../twin-bus.js';

// Checksums by `functools.reduce(lambda a, c: a ^ ord(c), line, 0)` in Python.
const EPC = 'T,E28011606000020123456789,-57*07';
const BLE = 'T,C0FFEE123456,-91*05';
const S = 1_000_000_000n;

const parse = (text: string) => parseLine(Buffer.from(text, 'latin1'));

function start(port: ScriptedPort, options: Record<string, unknown> = {}) {
  const rows: Rows[] = [];
  const errors: Error[] = [];
  const driver = tagReader.create({ port, clock: new FakeClock() }, v.parse(tagReader.options, options));
  return {
    driver,
    rows,
    errors,
    run: () =>
      driver.stream!(
        (row) => rows.push(row),
        (error) => errors.push(error),
      ),
  };
}

test('a line is a tag and its strength', () => {
  assert.deepEqual(parse(EPC), { kind: 'tag', tag: 'E28011606000020123456789', rssiDbm: -57 });
  assert.deepEqual(parse(BLE), { kind: 'tag', tag: 'C0FFEE123456', rssiDbm: -91 });
  assert.deepEqual(parse('T,04a2b3c4,12*06'), { kind: 'tag', tag: '04A2B3C4', rssiDbm: 12 });
  assert.deepEqual(parse('I,R200,1.4.2*1E'), { kind: 'identity', model: 'R200', firmware: '1.4.2' });
  assert.deepEqual(parse('# power up'), { kind: 'remark' });
  const longest = `T,${'AB'.repeat(62)},-127*4D`;
  assert.equal(parse(longest)?.kind, 'tag');
});

test('anything else is refused, a wrong checksum first', () => {
  const wrong = [
    'T,E28011606000020123456789,-58*07',
    'T,E28011606000020123456789,-57',
    'T,C0FFEE12345,-91*33',
    'T,C0FFEE123456,-200*3F',
    'T,C0FFEE123456,-9.1*2B',
    'T,C0FFEE123456*0C',
    'X,C0FFEE123456,-1*30',
    'T,C0FFEE123456,-91,1*18',
    'T,ZZFFEE123456,-91*76',
  ];
  for (const line of wrong) assert.equal(parse(line), undefined, line);
});

test('any bytes: never throws, and one flipped bit makes no line', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      parseLine(bytes);
    }),
    { numRuns: 2000 },
  );
  fc.assert(
    fc.property(fc.nat(EPC.length - 1), fc.nat(6), (at, bit) => {
      const bytes = Buffer.from(EPC, 'latin1');
      bytes[at]! ^= 1 << bit;
      return parseLine(bytes) === undefined;
    }),
  );
});

test('a tag that stays is a row each 30 s, a new one at once', async () => {
  const port = new ScriptedPort();
  const { rows, run } = start(port);
  await run();
  for (let second = 0n; second <= 65n; second++) port.say(second * S, EPC, EPC);
  port.say(66n * S, BLE);
  assert.deepEqual(
    rows.map((row) => [row.timesNs[0]! / S, row.texts![0], row.values[1]]),
    [
      [0n, 'E28011606000020123456789', -57],
      [30n, 'E28011606000020123456789', -57],
      [60n, 'E28011606000020123456789', -57],
      [66n, 'C0FFEE123456', -91],
    ],
  );
});

test('repeatAfter 0s tells every sighting', async () => {
  const port = new ScriptedPort();
  const { rows, run } = start(port, { repeatAfter: '0s' });
  await run();
  port.say(1n, EPC, EPC, BLE);
  assert.equal(rows.length, 3);
});

test('the table of tags is bounded: the one told longest ago is news again', () => {
  const table = new SightingTable(3_600_000);
  for (let i = 0; i < MAX_TAGS; i++) assert.ok(table.isNews(`tag${i}`, BigInt(i)));
  assert.ok(!table.isNews('tag0', 2000n));
  assert.ok(table.isNews('one more', 2001n));
  assert.ok(!table.isNews('tag1', 2002n));
  assert.ok(table.isNews('tag0', 2003n));
});

test('a tag told again is the last to be forgotten', () => {
  const table = new SightingTable(1);
  table.isNews('stays', 0n);
  for (let i = 1; i < MAX_TAGS; i++) table.isNews(`tag${i}`, 1n);
  assert.ok(table.isNews('stays', 2_000_000n));
  table.isNews('one more', 2_000_001n);
  assert.ok(!table.isNews('stays', 2_000_002n));
});

test('bad lines are counted on the next row and reported once a minute', async () => {
  const port = new ScriptedPort();
  const { rows, errors, run } = start(port);
  await run();
  for (let second = 0n; second < 59n; second++) port.say(second * S, 'T,E28011606000020123456789,-57*00');
  port.say(59n * S, EPC);
  assert.equal(errors.length, 1);
  assert.equal((errors[0] as HalError).kind, 'badFrame');
  assert.deepEqual([...rows[0]!.values.slice(1)], [-57, 59]);
  port.say(100n * S, 'garbage');
  assert.equal(errors.length, 2);
});

test('the probe asks, and says what it found or where to look', async () => {
  const answer = async (during: (port: ScriptedPort) => void) => {
    const port = new ScriptedPort();
    const clock = { nowNs: () => 0n, delay: async () => during(port) };
    const identity = await tagReader.create({ port, clock }, v.parse(tagReader.options, {})).probe();
    assert.deepEqual(port.written, ['?\r\n']);
    return identity;
  };
  assert.deepEqual(await answer((port) => port.say(1n, 'I,R200,1.4.2*1E')), {
    model: 'R200',
    details: { firmware: '1.4.2' },
  });
  assert.equal((await answer((port) => port.say(1n, BLE))).model, 'tag reader');
  await assert.rejects(
    answer(() => undefined),
    { name: 'HalError', kind: 'noAcknowledge' },
  );
  await assert.rejects(
    answer((port) => port.noise(100)),
    { name: 'HalError', kind: 'wrongPart' },
  );
});

test('the twin names the world’s tags and answers the probe', () => {
  const twin = tagReaderTwin.create(() => 0.5);
  assert.equal(twin.attachment, 'serial');
  if (twin.attachment !== 'serial') return;
  const around = { tags: [{ id: 'E28011606000020123456789', rssiDbm: -60 }] };
  let said = '';
  twin.hear(Buffer.from('?\r\n'), world(0n));
  for (let ns = 0n; ns <= 3n * S; ns += S / 50n)
    said += Buffer.from(twin.speak(world(ns, around))).toString();
  const lines = said.split('\r\n').filter((line) => line !== '');
  assert.equal(parse(lines[0]!)?.kind, 'identity');
  assert.ok(lines.length >= 6);
  for (const line of lines.slice(1)) {
    const sighting = parse(line);
    assert.ok(sighting?.kind === 'tag' && Math.abs(sighting.rssiDbm - -60) <= 3, line);
  }
});
