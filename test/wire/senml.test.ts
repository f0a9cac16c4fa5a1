import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { decode } from 'cbor-x/encode';
import { type Channel, QUANTITY_UNITS } from '../../drivers/contract/index.js';
import { type SenmlRecord, senmlPack } from '../../wire/index.js';

/** RFC 8428 §4.6, written from the RFC: what a reader makes of a pack. */
function resolve(pack: readonly Partial<SenmlRecord>[]) {
  let base: Partial<SenmlRecord> = {};
  return pack.map((record) => {
    base = { ...base, ...record };
    const { n, v, vs, vd } = record;
    const name = `${base.bn ?? ''}${n ?? ''}`;
    return { name, unit: record.u ?? base.bu, value: v ?? vs ?? vd, time: (base.bt ?? 0) + (record.t ?? 0) };
  });
}

const voltage: Channel = { name: 'voltage', quantity: 'voltage', type: { kind: 'f64' } };
const current: Channel = { name: 'current', quantity: 'current', type: { kind: 'f64' } };
const NODE = '0011223344556677';

const file = join(
  process.env.CAIRN_REAL_DATA ?? join(process.cwd(), '..', 'shared', 'data'),
  'protocols/senml_rfc8428.json',
);

test('the readings of the RFC’s example come out as its pack says them', {
  skip: existsSync(file) ? false : 'real data absent: protocols/senml_rfc8428.json',
}, () => {
  const labels: Record<string, string> = {
    '-2': 'bn',
    '-3': 'bt',
    '-4': 'bu',
    '0': 'n',
    '1': 'u',
    '2': 'v',
    '6': 't',
  };
  const { diag, hex } = JSON.parse(readFileSync(file, 'utf8')) as {
    diag: Record<string, unknown>[];
    hex: string;
  };
  const named = diag.map((record) => {
    return Object.fromEntries(
      Object.entries(record).flatMap(([key, value]) => (labels[key] ? [[labels[key], value]] : [])),
    );
  });
  const wanted = resolve(named as Partial<SenmlRecord>[]);
  assert.equal((decode(Buffer.from(hex, 'hex')) as unknown[]).length, diag.length);

  const rows = [...new Set(wanted.map((one) => one.time))].sort((a, b) => a - b);
  const values = rows.flatMap((time) =>
    ['voltage', 'current'].map((name) => {
      return (wanted.find((one) => one.time === time && one.name.endsWith(name))?.value ??
        Number.NaN) as number;
    }),
  );
  const timesNs = BigInt64Array.from(rows, (time) => BigInt(Math.round(time * 1000)) * 1_000_000n);
  const columns = { timesNs, values: Float64Array.from(values), quality: new Uint8Array(values.length) };
  const pack = senmlPack(NODE, { stream: 'battery', channels: [voltage, current] }, columns, {
    kind: 'absolute',
    wallNs: (timeNs) => timeNs,
  });
  assert.ok(pack);
  const strip = (name: string) => name.slice(-7);
  const line = (one: { name: string; unit: string | undefined; value: unknown; time: number }) =>
    `${one.time.toFixed(3)} ${strip(one.name)} ${one.value} ${one.unit}`;
  const got = resolve(JSON.parse(JSON.stringify(pack)) as SenmlRecord[]);
  assert.deepEqual(got.map(line).sort(), wanted.map(line).sort());
  assert.ok(got.every((one) => one.name.startsWith(`${NODE}/battery/`)));
});

const one = (channel: Channel, values: number[], quality: number[] = values.map(() => 0)) => ({
  descriptor: { stream: 's', channels: [channel] },
  rows: {
    timesNs: BigInt64Array.from(values, (_, i) => BigInt(i) * 1_500_000_000n),
    values: Float64Array.from(values),
    quality: Uint8Array.from(quality),
  },
});

test('without an anchor, times are negative and relative to now; never absent', () => {
  const { descriptor, rows } = one(voltage, [1, 2]);
  const pack = senmlPack(NODE, descriptor, rows, { kind: 'relative', nowNs: 1_500_000_000n });
  assert.deepEqual(pack, [
    { bn: `${NODE}/s/`, bu: 'V', n: 'voltage', v: 1, t: -1.5 },
    { n: 'voltage', v: 2, t: 0 },
  ]);
});

test('a wall time that a reader would take for relative is held', () => {
  const { descriptor, rows } = one(voltage, [1]);
  const at = (seconds: bigint) =>
    senmlPack(NODE, descriptor, rows, { kind: 'absolute', wallNs: () => seconds * 1_000_000_000n });
  assert.equal(at(2n ** 28n - 1n), undefined);
  assert.equal(at(2n ** 28n)?.[0]?.bt, 2 ** 28);
});

test('faults, NaN and infinities are left out; a pack may be empty', () => {
  const { descriptor, rows } = one(voltage, [1, Number.NaN, Number.POSITIVE_INFINITY, 4], [3, 0, 0, 1]);
  const pack = senmlPack(NODE, descriptor, rows, {
    kind: 'absolute',
    wallNs: (t) => t + 1_700_000_000_000_000_000n,
  });
  assert.deepEqual(pack, [{ bn: `${NODE}/s/`, bt: 1_700_000_000, bu: 'V', n: 'voltage', v: 4, t: 4.5 }]);
  const none = one(voltage, [1], [3]);
  assert.deepEqual(senmlPack(NODE, none.descriptor, none.rows, { kind: 'relative', nowNs: 0n }), []);
});

test('labels, texts, bytes and percent are said as the registry has them', () => {
  const channels: Channel[] = [
    { name: 'motion', quantity: 'state', type: { kind: 'enum', labels: ['still', 'moving'] } },
    { name: 'tag', quantity: 'identity', type: { kind: 'utf8' } },
    { name: 'raw', quantity: 'identity', type: { kind: 'bytes' } },
    { name: 'charge', quantity: 'percent', type: { kind: 'int' } },
  ];
  const rows = {
    timesNs: BigInt64Array.of(0n),
    values: Float64Array.of(1, Number.NaN, Number.NaN, 37),
    quality: new Uint8Array(4),
    texts: [undefined, 'E200', Uint8Array.of(0xfb, 0xff, 0xfe), undefined],
  };
  const pack = senmlPack(NODE, { stream: 's', channels }, rows, { kind: 'relative', nowNs: 0n });
  assert.deepEqual(pack, [
    { bn: `${NODE}/s/`, bver: 26, n: 'motion', vs: 'moving', t: 0 },
    { n: 'tag', vs: 'E200', t: 0 },
    { n: 'raw', vd: '-__-', t: 0 },
    { n: 'charge', u: '/100', v: 37, t: 0 },
  ]);
});

test('a pack with a unit that only RFC 8798’s secondary registry has says version 26 (RFC 9100 §4), others none', () => {
  const version = (quantity: Channel['quantity']) => {
    const { descriptor, rows } = one({ ...voltage, quantity }, [1, 2]);
    return senmlPack(NODE, descriptor, rows, { kind: 'relative', nowNs: 0n })?.map(({ bver }) => bver);
  };
  const primary = 'Cel Pa %RH V A W C / m/s2 rad/s T deg lat lon m m/s s Hz B'.split(' '); // RFC 8428 §12.1, RFC 8798 §2
  for (const quantity of Object.keys(QUANTITY_UNITS) as Channel['quantity'][]) {
    const unit = QUANTITY_UNITS[quantity];
    const isPrimary = unit === '' || primary.includes(unit);
    assert.deepEqual(version(quantity), isPrimary ? [undefined, undefined] : [26, undefined], quantity);
  }
});
