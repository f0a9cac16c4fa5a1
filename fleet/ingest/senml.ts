import { type CborValue, readCbor } from './cbor.js';
import { Refused } from './types.js';

/** A record with its base fields worked in (RFC 8428, 4.6). */
export interface ResolvedRecord {
  readonly name: string;
  readonly unit: string | undefined;
  /** Undefined: the record has a sum only. */
  readonly value: number | string | boolean | Uint8Array | undefined;
  readonly sum: number | undefined;
  readonly wallNs: bigint;
}

export interface ResolvedPack {
  readonly records: readonly ResolvedRecord[];
  /** A time in it counts from when it came: the same bytes again may be another reading. */
  readonly isRelative: boolean;
}

const MAX_RECORDS = 65_536;
const MAX_NAME = 256;
const NAME = /^[A-Za-z0-9][A-Za-z0-9\-:./_]*$/;
/** RFC 8428, table 4. */
const CBOR_LABELS = new Map<CborValue, string>([
  ...([
    [-1, 'bver'],
    [-2, 'bn'],
    [-3, 'bt'],
    [-4, 'bu'],
    [-5, 'bv'],
    [-6, 'bs'],
  ] as const),
  ...([
    [0, 'n'],
    [1, 'u'],
    [2, 'v'],
    [3, 'vs'],
    [4, 'vb'],
    [5, 's'],
    [6, 't'],
    [7, 'ut'],
    [8, 'vd'],
  ] as const),
]);
const KNOWN = new Set(CBOR_LABELS.values());
const BASE = new Set([...CBOR_LABELS].flatMap(([label, name]) => (Number(label) < 0 ? [name] : [])));
const VALUES = ['v', 'vs', 'vb', 'vd'] as const;
/** RFC 8428 is version 10; 2^4 more allows secondary units (RFC 9100, 4), and no other feature is known. */
const VERSION = 10;
const VERSION_WITH_SECONDARY_UNITS = 26;
/** A sum of times below this is relative to now (RFC 8428, 4.5.3). */
const RELATIVE_BELOW_S = 2 ** 28;
/** int64 ns end in 2262. */
const MAX_S = 9e9;

type Fields = ReadonlyMap<string, unknown>;

/** A pack in JSON or CBOR: the first byte tells which. Throws Refused. */
export function readSenml(payload: Uint8Array, receivedMs: number): ResolvedPack {
  const pack = parse(payload).map(checked);
  if (pack.length > MAX_RECORDS) refuse(`${pack.length} records, at most ${MAX_RECORDS}`);
  checkVersions(pack);
  const base = {
    name: '',
    timeS: 0,
    timeNs: 0n,
    unit: undefined as string | undefined,
    value: undefined as number | undefined,
    sum: undefined as number | undefined,
  };
  const records: ResolvedRecord[] = [];
  let isRelative = false;
  for (const fields of pack) {
    base.name = text(fields, 'bn') ?? base.name;
    base.unit = text(fields, 'bu') ?? base.unit;
    base.value = number(fields, 'bv') ?? base.value;
    base.sum = number(fields, 'bs') ?? base.sum;
    base.timeS = number(fields, 'bt') ?? base.timeS;
    if ([...fields.keys()].every((label) => BASE.has(label))) continue;
    const seconds = [base.timeS, number(fields, 't') ?? 0] as const;
    const wallNs = wallOf(seconds, receivedMs);
    isRelative ||= seconds[0] + seconds[1] < RELATIVE_BELOW_S;
    const [value, sum] = [measured(fields, base.value), sumOf(fields, base.sum)];
    if (value === undefined && sum === undefined) refuse('a record without a value and a sum');
    records.push({
      name: nameOf(base.name, fields),
      unit: text(fields, 'u') ?? base.unit,
      value,
      sum,
      wallNs,
    });
  }
  return { records, isRelative };
}

function refuse(what: string): never {
  throw new Refused('senml', what);
}

function parse(payload: Uint8Array): readonly Fields[] {
  const first = payload.find((byte) => byte !== 0x20 && byte !== 0x09 && byte !== 0x0a && byte !== 0x0d);
  try {
    const pack: unknown =
      first === 0x5b
        ? JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload))
        : readCbor(payload);
    if (!Array.isArray(pack)) throw new Error('not an array');
    if (pack.length === 0) throw new Error('no record: RFC 8428, 2 wants one or more');
    return pack.map(fieldsOf);
  } catch (cause) {
    if (cause instanceof Refused) throw cause;
    throw new Refused('senml', `not a SenML pack: ${(cause as Error).message}`, { cause });
  }
}

function fieldsOf(record: unknown): Fields {
  if (record instanceof Map) {
    return new Map([...record].map(([label, value]) => [CBOR_LABELS.get(label) ?? String(label), value]));
  }
  if (typeof record !== 'object' || record === null || Array.isArray(record) || record instanceof Uint8Array)
    return refuse('a record that is no object');
  return new Map(Object.entries(record));
}

function checked(fields: Fields): Fields {
  for (const label of fields.keys()) {
    if (label.endsWith('_') && !KNOWN.has(label))
      throw new Refused('senmlUnknownField', `the field ${label.slice(0, 64)} must be understood`);
  }
  const values = VALUES.filter((label) => fields.has(label));
  if (values.length > 1) refuse(`a record with ${values.join(' and ')}`);
  return fields;
}

/** The same in all records that say one (RFC 8428, 4.4). */
function checkVersions(pack: readonly Fields[]): void {
  const versions = new Set(pack.flatMap((fields) => number(fields, 'bver') ?? []));
  for (const version of versions) {
    const isKnown =
      Number.isInteger(version) &&
      version > 0 &&
      (version <= VERSION || version === VERSION_WITH_SECONDARY_UNITS);
    if (!isKnown || versions.size > 1)
      throw new Refused('senmlVersion', `version ${[...versions].slice(0, 4).join(' and ')}`);
  }
}

function text(fields: Fields, label: string): string | undefined {
  const value = fields.get(label);
  if (value === undefined || typeof value === 'string') return value;
  return refuse(`${label} is no text`);
}

function number(fields: Fields, label: string): number | undefined {
  const value = fields.get(label);
  if (value === undefined || (typeof value === 'number' && Number.isFinite(value))) return value;
  return refuse(`${label} is no number`);
}

function nameOf(base: string, fields: Fields): string {
  const name = base + (text(fields, 'n') ?? '');
  if (name.length > MAX_NAME || !NAME.test(name)) refuse(`the name ${JSON.stringify(name.slice(0, 64))}`);
  return name;
}

/** A missing base value or value is zero, where there is one of both (RFC 8428, 4.5). */
function measured(fields: Fields, base: number | undefined): ResolvedRecord['value'] {
  const label = VALUES.find((one) => fields.has(one));
  if (label === 'v') return number(fields, 'v')! + (base ?? 0);
  if (label === undefined) return fields.has('s') ? undefined : base;
  const value = fields.get(label);
  if (label === 'vb') return typeof value === 'boolean' ? value : refuse('vb is no boolean');
  if (label === 'vd' && value instanceof Uint8Array) return value;
  const said = text(fields, label)!;
  return label === 'vd' ? bytesOf(said) : said;
}

/** base64url without padding; what other alphabets add is tolerated nowhere. */
function bytesOf(said: string): Uint8Array {
  const bytes = Buffer.from(said, 'base64url');
  return bytes.toString('base64url') === said ? bytes : refuse('vd is no base64url');
}

function sumOf(fields: Fields, base: number | undefined): number | undefined {
  const sum = number(fields, 's');
  return sum === undefined && base === undefined ? undefined : (sum ?? 0) + (base ?? 0);
}

/** Base time and time are added as decimals: their sum as one double is good to 0.2 µs only. */
function wallOf([base, time]: readonly [number, number], receivedMs: number): bigint {
  const sum = base + time;
  if (Math.abs(base) > MAX_S || Math.abs(time) > MAX_S || sum > MAX_S)
    throw new Refused('senmlTime', `the time ${sum}`);
  const ns = nsOf(base) + nsOf(time);
  return sum < RELATIVE_BELOW_S ? BigInt(Math.round(receivedMs)) * 1_000_000n + ns : ns;
}

/** Of the decimal that was written: the shortest one of its double. */
function nsOf(seconds: number): bigint {
  const text = String(seconds);
  const [whole = '', fraction = ''] = (text.includes('e') ? seconds.toFixed(9) : text).split('.');
  return BigInt(whole + fraction.slice(0, 9).padEnd(9, '0'));
}
