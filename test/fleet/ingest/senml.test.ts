import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { readSenml } from '../../../fleet/ingest/senml.js';
import { senmlPacks } from '../../../fleet/ingest/senml-pack.js';
import { root } from '../../house/imports.js';

const NOW_MS = 1_790_000_000_000;
const json = (pack: unknown) => Buffer.from(JSON.stringify(pack));
const packs = (pack: unknown, sender = 'gateway') =>
  senmlPacks(pack instanceof Uint8Array ? pack : json(pack), { sender, logClass: 'telemetry' }, NOW_MS);
const refusal = (work: () => unknown) => {
  try {
    work();
  } catch (error) {
    return (error as { kind?: string }).kind;
  }
  return 'taken';
};

/** RFC 8428, 5.1.2. */
const MULTIPLE = [
  {
    bn: 'urn:dev:ow:10e2073a0108006:',
    bt: 1.276020076001e9,
    bu: 'A',
    bver: 5,
    n: 'voltage',
    u: 'V',
    v: 120.1,
  },
  ...[-5, -4, -3, -2, -1, 0].map((t, at) => ({ n: 'current', t, v: [1.2, 1.3, 1.4, 1.5, 1.6, 1.7][at] })),
];

test('RFC 8428, 5.1.1: one number, now', () => {
  const [pack, ...more] = packs([{ n: 'urn:dev:ow:10e2073a01080063', u: 'Cel', v: 23.1 }]);
  assert.equal(more.length, 0);
  assert.equal(pack?.device, 'senml:gateway/urn:dev:ow:10e2073a01080063');
  assert.deepEqual(
    pack.channels.map(({ name, quantity }) => [name, quantity]),
    [['temperature', 'temperature']],
  );
  assert.deepEqual([[...pack.values], pack.wallNs], [[23.1], [1_790_000_000_000_000_000n]]);
});

test('a pack without a record is none, in JSON and in CBOR (RFC 8428, 2: one or more)', () => {
  for (const empty of [json([]), Buffer.of(0x80), Buffer.of(0x9f, 0xff)])
    assert.equal(
      refusal(() => packs(empty)),
      'senml',
    );
});

test('RFC 8428, 5.1.2: several at different times, with base fields', () => {
  const [pack] = packs(MULTIPLE, 'urn:dev:ow:10e2073a0108006');
  assert.equal(pack?.device, 'senml:urn:dev:ow:10e2073a0108006');
  assert.deepEqual(
    pack.channels.map(({ name, quantity }) => `${name} ${quantity}`),
    ['voltage voltage', 'current current'],
  );
  const atNs = (seconds: bigint) => 1_276_020_076_001_000_000n + seconds * 1_000_000_000n;
  assert.deepEqual(pack.wallNs, [0n, -5n, -4n, -3n, -2n, -1n].map(atNs));
  const none = Number.NaN;
  assert.deepEqual([...pack.values], [120.1, 1.7, none, 1.2, none, 1.3, none, 1.4, none, 1.5, none, 1.6]);
});

test('RFC 8428, 6: the same pack in CBOR gives the same', () => {
  const hex = `87a721781b75726e3a6465763a6f773a3130653230373361303130383030363a22fb41d303a15b0010622361412005
    0067766f6c746167650161 5602fb405e066666666666a3006763757272656e74062402fb3ff3333333333333a3006763757272656e740623
    02fb3ff4cccccccccccda3006763757272656e74062202fb3ff6666666666666a3006763757272656e74062102f93e00
    a3006763757272656e74062002fb3ff999999999999aa3006763757272656e74060002fb3ffb333333333333`;
  const cbor = readSenml(Buffer.from(hex.replace(/\s/g, ''), 'hex'), NOW_MS);
  assert.deepEqual(cbor, readSenml(json(MULTIPLE), NOW_MS));
});

test('RFC 8428, 5.1.3: a name with several units has a channel each; %EL has no quantity here and stays told apart', () => {
  const [pack] = packs([
    { bn: 'urn:dev:ow:10e2073a01080063', bt: 1.320067464e9, bu: '%RH', v: 20 },
    { u: 'lon', v: 24.30621 },
    { u: 'lat', v: 60.07965 },
    { t: 60, v: 20.3 },
    { u: '%EL', t: 150, v: 98 },
  ]);
  assert.deepEqual(
    pack?.channels.map(({ name, quantity }) => `${name} ${quantity}`),
    [
      'relativeHumidity relativeHumidity',
      'longitude longitude',
      'latitude latitude',
      'dimensionlessInPercentEL dimensionless',
    ],
  );
  assert.deepEqual(pack?.wallNs.map(Number), [1320067464e9, 1320067524e9, 1320067614e9]);
});

test('RFC 8428, 5.1.5: text, boolean and data', () => {
  const [pack] = packs([
    { bn: 'urn:dev:ow:10e2073a01080063:', n: 'temp', u: 'Cel', v: 23.1 },
    { n: 'label', vs: 'Machine Room' },
    { n: 'open', vb: false },
    { n: 'nfc-reader', vd: 'aGkgCg' },
  ]);
  assert.deepEqual(
    pack?.channels.map(({ name, type }) => `${name} ${type.kind}`),
    ['temp f64', 'label utf8', 'open enum', 'nfcReader bytes'],
  );
  assert.deepEqual(pack?.texts, [
    undefined,
    'Machine Room',
    undefined,
    Buffer.from('hi \n').toString('base64'),
  ]);
  assert.deepEqual([...(pack?.values ?? [])], [23.1, Number.NaN, 0, Number.NaN]);
});

test('RFC 8428, 5.1.6: a collection is a pack for each device', () => {
  const devices = packs([
    { bn: '2001:db8::2/', bt: 1.320078429e9, n: 'temperature', u: 'Cel', v: 27.2 },
    { n: 'humidity', u: '%RH', v: 80 },
    { bn: '2001:db8::1/', n: 'temperature', u: 'Cel', v: 12.3 },
  ]);
  assert.deepEqual(
    devices.map(({ device, channels }) => `${device} ${channels.map(({ name }) => name)}`),
    ['senml:gateway/2001:db8::2 temperature,humidity', 'senml:gateway/2001:db8::1 temperature'],
  );
});

test('units of both registries come as the quantity is kept', () => {
  const cases: readonly [unit: string, value: number, quantity: string, kept: number][] = [
    ['K', 273.15, 'temperature', 0],
    ['hPa', 1013.25, 'pressure', 101_325],
    ['km/h', 36, 'speed', 10],
    ['mm', 1500, 'distance', 1.5],
    ['/100', 42, 'percent', 42],
    ['%', 0.42, 'ratio', 0.42],
    ['dBW', -90, 'signalPower', -60],
    ['dBm', -60, 'signalPower', -60],
    ['Ah', 2, 'charge', 7200],
    ['min', 2, 'duration', 120],
    ['KiB', 3, 'memory', 3072],
  ];
  for (const [u, v, quantity, kept] of cases) {
    const [pack] = packs([{ n: 'x', u, v, bver: 26 }]);
    assert.deepEqual([pack?.channels[0]?.quantity, pack?.values[0]], [quantity, kept], u);
  }
  assert.equal(packs([{ n: 'light', u: 'lx', v: 5 }])[0]?.channels[0]?.name, 'lightInLx');
  assert.equal(
    refusal(() => packs([{ n: 'x', u: 'furlong', v: 1 }])),
    'unknownUnit',
  );
});

/** IANA's registry: RFC 8428, table 6, and RFC 8798, table 1; NTU came later. */
const PRIMARY = `m kg g s A K cd mol Hz rad sr N Pa J W C V F Ohm S Wb T H Cel lm lx Bq Gy Sv kat m2 m3 l m/s m/s2 m3/s l/s W/m2 cd/m2 bit
  bit/s lat lon pH dB dBW Bspl count / % %RH %EL EL 1/s 1/min beat/min beats S/m B VA VAs var vars J/m kg/m3 deg NTU`;
/** RFC 8798, table 2, and the six that came later: each is so many of a primary one, and an offset. */
const SECONDARY: Readonly<Record<string, readonly [of: string, scale: number, offset?: number]>> = {
  ...{
    ms: ['s', 1e-3],
    min: ['s', 60],
    h: ['s', 3600],
    MHz: ['Hz', 1e6],
    kW: ['W', 1000],
    kVA: ['VA', 1000],
  },
  ...{ kvar: ['var', 1000], Ah: ['C', 3600], Wh: ['J', 3600], kWh: ['J', 3.6e6], varh: ['vars', 3600] },
  ...{
    kvarh: ['vars', 3.6e6],
    kVAh: ['VAs', 3.6e6],
    'Wh/km': ['J/m', 3.6],
    KiB: ['B', 1024],
    GB: ['B', 1e9],
  },
  ...{
    'Mbit/s': ['bit/s', 1e6],
    'B/s': ['bit/s', 8],
    'MB/s': ['bit/s', 8e6],
    mV: ['V', 1e-3],
    mA: ['A', 1e-3],
  },
  ...{ dBm: ['dBW', 1, -30], 'ug/m3': ['kg/m3', 1e-9], 'mm/h': ['m/s', 1 / 3.6e6], 'm/h': ['m/s', 1 / 3600] },
  ...{
    ppm: ['/', 1e-6],
    '/1000': ['/', 1e-3],
    hPa: ['Pa', 100],
    mm: ['m', 1e-3],
    cm: ['m', 1e-2],
    km: ['m', 1000],
  },
  ...{
    'km/h': ['m/s', 1 / 3.6],
    ppb: ['/', 1e-9],
    ppt: ['/', 1e-12],
    VAh: ['VAs', 3600],
    'mg/l': ['kg/m3', 1e-3],
  },
  ...{ 'ug/l': ['kg/m3', 1e-6], 'g/l': ['kg/m3', 1] },
};

test('every unit of the registry is known, and each secondary one is what it says of its primary one', () => {
  const kept = (u: string, v: number) => {
    const [pack] = packs([{ n: 'x', u, v, bver: 26 }]);
    const [channel] = pack!.channels;
    return { name: channel!.name, quantity: channel!.quantity, value: pack!.values[0]! };
  };
  for (const unit of PRIMARY.split(/\s+/)) assert.ok(Number.isFinite(kept(unit, 1).value), unit);
  for (const [unit, [of, scale, offset = 0]] of Object.entries(SECONDARY)) {
    const [mine, theirs] = [kept(unit, 7), kept(of, 7 * scale + offset)];
    assert.deepEqual([mine.name, mine.quantity], [theirs.name, theirs.quantity], unit);
    assert.ok(Math.abs(mine.value - theirs.value) <= 1e-12 * Math.abs(theirs.value), unit);
  }
  // A ratio of a hundred is kept as percent.
  assert.deepEqual(kept('/100', 7), { name: 'x', quantity: 'percent', value: 7 });
});

test('what RFC 8428 and 9100 forbid is refused by cause', () => {
  const cases: readonly [pack: unknown, cause: string][] = [
    [[{ n: 'x', v: 1, new_: 2 }], 'senmlUnknownField'],
    [[{ n: 'x', v: 1, new: 2 }], 'taken'],
    [[{ bver: 11, n: 'x', v: 1 }], 'senmlVersion'],
    [[{ bver: 26, n: 'x', v: 1 }], 'taken'],
    [[{ bver: 58, n: 'x', v: 1 }], 'senmlVersion'],
    [
      [
        { bver: 10, n: 'x', v: 1 },
        { bver: 5, n: 'x', v: 1 },
      ],
      'senmlVersion',
    ],
    [[{ n: 'x', v: 1, vs: 'a' }], 'senml'],
    [[{ n: 'x' }], 'senml'],
    [[{ n: '', v: 1 }], 'senml'],
    [[{ n: '-x', v: 1 }], 'senml'],
    [[{ n: 'a b', v: 1 }], 'senml'],
    [[{ n: 'x', v: '1' }], 'senml'],
    [[{ n: 'x', vd: 'a+b' }], 'senml'],
    [[{ n: 'x', v: 1, bt: 1e300 }], 'senmlTime'],
    [{ n: 'x', v: 1 }, 'senml'],
    [[[1]], 'senml'],
    [Buffer.from('9a01ffffff', 'hex'), 'senml'],
    [Buffer.from('8181818181818101', 'hex'), 'senml'],
  ];
  for (const [pack, cause] of cases)
    assert.equal(
      refusal(() => packs(pack)),
      cause,
      JSON.stringify(pack),
    );
});

test('a sender speaks for itself: another device is below its own', () => {
  const device = (n: string, sender: string) => packs([{ n, v: 1 }], sender)[0]?.device;
  assert.equal(device('temp', 'truck-7'), 'senml:truck-7');
  assert.equal(device('truck-7/engine/temp', 'truck-7'), 'senml:truck-7');
  assert.equal(device('truck-8/engine/temp', 'truck-7'), 'senml:truck-7/truck-8');
  assert.equal(packs([{ n: 'truck-7/engine/temp', v: 1 }], 'truck-7')[0]?.stream, 'engine');
});

test('the identity is of the bytes where times are absolute, and of the moment too where they are not', () => {
  const identity = (pack: unknown, atMs: number) =>
    Buffer.from(senmlPacks(json(pack), { sender: 'a', logClass: 'telemetry' }, atMs)[0]!.identity).toString(
      'hex',
    );
  const absolute = [{ n: 'x', v: 1, t: 1.7e9 }];
  assert.equal(identity(absolute, 1000), identity(absolute, 2000));
  assert.notEqual(identity([{ n: 'x', v: 1 }], 1000), identity([{ n: 'x', v: 1 }], 2000));
});

const PYTHON = spawnSync('python3', ['--version']).status === 0;
const SCRIPT = join(root, 'test/fleet/ingest/resolve_senml.py');

test('2,000 random packs resolve as a second implementation has them', {
  skip: PYTHON && existsSync(SCRIPT) ? false : 'no python3',
}, () => {
  const decimal = (min: number, max: number) =>
    fc.integer({ min: min * 1000, max: max * 1000 }).map((n) => n / 1000);
  const value = fc.oneof(
    decimal(-1000, 1000).map((v) => ({ v })),
    fc.string({ maxLength: 8 }).map((vs) => ({ vs })),
    fc.boolean().map((vb) => ({ vb })),
    fc.uint8Array({ maxLength: 9 }).map((bytes) => ({ vd: Buffer.from(bytes).toString('base64url') })),
  );
  const record = fc.tuple(
    value,
    fc.record({ n: fc.stringMatching(/^[a-z0-9]{1,6}$/) }),
    fc.record(
      {
        bn: fc.stringMatching(/^[a-z][a-z:/]{0,5}$/),
        bt: fc.oneof(decimal(1_500_000_000, 1_900_000_000), decimal(-9999, 9999)),
        bu: fc.constantFrom('Cel', 'V'),
        bv: fc.integer({ min: -50, max: 50 }),
        bs: fc.integer({ min: 0, max: 99 }),
        u: fc.constantFrom('Pa', '%RH'),
        t: decimal(-5000, 5000),
        s: decimal(0, 1000),
      },
      { requiredKeys: [] },
    ),
  );
  const made = fc.sample(
    fc.array(
      record.map((parts) => Object.assign({}, ...parts)),
      { minLength: 1, maxLength: 8 },
    ),
    { numRuns: 2000, seed: 8428 },
  );
  const input = [String(NOW_MS / 1000), ...made.map((pack) => JSON.stringify(pack))].join('\n');
  const python = spawnSync('python3', [SCRIPT], { input: `${input}\n`, maxBuffer: 1 << 26 });
  const expected = python.stdout
    .toString()
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  const ours = made.map((pack) => readSenml(json(pack), NOW_MS).records.map(plain));
  assert.equal(expected.length, 2000, python.stderr.toString());
  assert.deepEqual(ours, expected);
});

function plain({ name, unit, value, sum, wallNs }: ReturnType<typeof readSenml>['records'][number]) {
  const said = value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value;
  return {
    name,
    ns: String(wallNs),
    ...(unit === undefined ? {} : { unit }),
    ...(said === undefined ? {} : { value: said }),
    ...(sum === undefined ? {} : { sum }),
  };
}
