import { createHash } from 'node:crypto';
import type { Channel } from '../../drivers/contract/index.js';
import type { IncomingPack } from '../store/index.js';
import { type ResolvedRecord, readSenml } from './senml.js';
import { Refused } from './types.js';
import { unitMeaning, unitSuffix } from './units.js';

const MAX_PACKS = 64;
const MAX_CHANNELS = 64;
const MAX_ROWS = 4096;
const MAX_DEVICE = 128;
const MAX_TEXT_BYTES = 4096;
/** The devices that RFC 9039 names: what follows `:` or `_` is a part of one. */
const URN_DEVICE = /^(urn:dev:[a-z]+:[^:/_]+)(?:[:/_]+|$)/;

/** Where a pack came from, and what is already known of its rows. */
export interface PackOrigin {
  /** Who sent it, as the way it came vouches for: an MQTT client, a token of the HTTP API. */
  readonly sender: string;
  readonly logClass: IncomingPack['logClass'];
  /** Of a node's own packs, which name them `<node>/<stream>/<channel>`. */
  readonly stream?: string;
}

interface Place {
  readonly device: string;
  readonly stream: string;
  readonly channel: string;
}

/** The rows of one SenML pack, one for each device and stream in it. Throws Refused. */
export function senmlPacks(
  payload: Uint8Array,
  origin: PackOrigin,
  receivedMs: number,
): readonly IncomingPack[] {
  const { records, isRelative } = readSenml(payload, receivedMs);
  const tables = new Map<string, Table>();
  for (const record of records) {
    const place = placeOf(record.name, origin);
    const key = `${place.device}/${place.stream}`;
    const table = tables.get(key) ?? new Table(place, origin.logClass);
    tables.set(key, table);
    table.add(record, place.channel);
    if (tables.size > MAX_PACKS)
      throw new Refused('tooLarge', `more than ${MAX_PACKS} devices and streams in a pack`);
  }
  const digest = createHash('sha256').update(origin.sender).update('\0').update(payload);
  if (isRelative) digest.update(`\0${receivedMs}`);
  const message = digest.digest();
  return [...tables].map(([key, table]) =>
    table.pack(createHash('sha256').update(message).update(key).digest()),
  );
}

/**
 * `urn:dev:ow:10e2073a01080063:temp`, `truck/engine/oil`, `temp`. A sender speaks for itself, and for what it names below itself: no other
 * device can be forged by a name.
 */
function placeOf(name: string, { sender, stream }: PackOrigin): Place {
  const [own, rest] = devicePart(name);
  const parts = rest.split(/[:/_]+/).filter(Boolean);
  const device = own === undefined || own === sender ? `senml:${sender}` : `senml:${sender}/${own}`;
  if (device.length > MAX_DEVICE)
    throw new Refused('senml', `a device's name of ${device.length} characters`);
  if (stream !== undefined && (own !== sender || parts[0] !== stream))
    throw new Refused('topicMismatch', `${name} under the topic of ${sender}/${stream}`);
  const middle = parts.slice(0, -1).map(identifier).join('-').toLowerCase();
  return {
    device,
    stream: stream ?? (middle.slice(0, 32) || 'senml'),
    channel: identifier(parts.at(-1) ?? ''),
  };
}

function devicePart(name: string): readonly [device: string | undefined, rest: string] {
  const urn = URN_DEVICE.exec(name);
  if (urn) return [urn[1]!, name.slice(urn[0].length)];
  const slash = name.indexOf('/');
  if (slash > 0) return [name.slice(0, slash), name.slice(slash + 1)];
  return name.includes(':') ? [name, ''] : [undefined, name];
}

/** `nfc-reader` → `nfcReader`: as channels are named here; '' stays. */
function identifier(text: string): string {
  const camel = text.replace(/[^A-Za-z0-9]+(.)?/g, (_, next: string | undefined) =>
    (next ?? '').toUpperCase(),
  );
  const begins = /^[A-Za-z]/.test(camel) ? camel : camel && `x${camel}`;
  return (begins.charAt(0).toLowerCase() + begins.slice(1)).slice(0, 32);
}

interface Cell {
  readonly channel: Channel;
  readonly value: number;
  readonly text?: string;
}

/** Rows of one device and stream, by time, as they are gathered. */
class Table {
  readonly #channels: Channel[] = [];
  /** What a channel is called in the pack. */
  readonly #names = new Map<string, string>();
  readonly #rows: { readonly wallNs: bigint; readonly cells: Map<string, Cell> }[] = [];
  readonly #newest = new Map<bigint, Map<string, Cell>>();

  constructor(
    private readonly place: Place,
    private readonly logClass: IncomingPack['logClass'],
  ) {}

  add(record: ResolvedRecord, name: string): void {
    for (const cell of cellsOf(record, name)) this.#put(record, cell);
  }

  #put({ name, wallNs }: ResolvedRecord, cell: Cell): void {
    const known = this.#channels.find((channel) => channel.name === cell.channel.name);
    if (!known) this.#channels.push(cell.channel);
    else if (known.quantity !== cell.channel.quantity || known.type.kind !== cell.channel.type.kind)
      throw new Refused(
        'unitMismatch',
        `${name} is ${known.quantity} and ${cell.channel.quantity} in one pack`,
      );
    const before = this.#names.get(cell.channel.name) ?? name;
    if (before !== name) throw new Refused('senml', `${before} and ${name} are one name here`);
    this.#names.set(cell.channel.name, name);
    this.#row(wallNs, cell.channel.name).set(cell.channel.name, cell);
    if (this.#channels.length > MAX_CHANNELS)
      throw new Refused('tooLarge', `more than ${MAX_CHANNELS} channels`);
    if (this.#rows.length > MAX_ROWS) throw new Refused('tooLarge', `more than ${MAX_ROWS} rows`);
  }

  /** The row of that moment; a second value of the same channel and moment begins another. */
  #row(wallNs: bigint, channel: string): Map<string, Cell> {
    const newest = this.#newest.get(wallNs);
    if (newest && !newest.has(channel)) return newest;
    const cells = new Map<string, Cell>();
    this.#newest.set(wallNs, cells);
    this.#rows.push({ wallNs, cells });
    return cells;
  }

  pack(identity: Uint8Array): IncomingPack {
    const { device, stream } = this.place;
    const cells = this.#rows.flatMap((row) => this.#channels.map((channel) => row.cells.get(channel.name)));
    const values = Float64Array.from(cells, (cell) => cell?.value ?? Number.NaN);
    const hasTexts = this.#channels.some(({ type }) => type.kind === 'utf8' || type.kind === 'bytes');
    return {
      kind: 'pack',
      ...{ device, stream, logClass: this.logClass, channels: this.#channels, values, identity },
      wallNs: this.#rows.map((row) => row.wallNs),
      ...(hasTexts ? { texts: cells.map((cell) => cell?.text) } : {}),
    };
  }
}

function cellsOf({ name: full, unit = '', value, sum }: ResolvedRecord, name: string): readonly Cell[] {
  const meaning = unitMeaning(unit);
  if (!meaning) throw new Refused('unknownUnit', `${full}: the unit ${JSON.stringify(unit.slice(0, 32))}`);
  const { quantity, times, over, offset, foreign } = meaning;
  const number = (channelName: string, channel: Pick<Channel, 'quantity'>, v: number): Cell => {
    return { channel: { name: channelName.slice(-32), ...channel, type: { kind: 'f64' } }, value: v };
  };
  const suffix = foreign ? unitSuffix(foreign) : '';
  const own = name || (unit ? quantity : 'value');
  const cells: Cell[] = [];
  if (typeof value === 'number')
    cells.push(number(own + suffix, { quantity }, (value * times) / over + offset));
  else if (value !== undefined) cells.push(textCell(own, value));
  // An integral over time has the unit times seconds, which no quantity is kept in.
  if (sum !== undefined)
    cells.push(number(`${own}${suffix}Sum`, { quantity: 'dimensionless' }, (sum * times) / over));
  return cells;
}

function textCell(name: string, value: string | boolean | Uint8Array): Cell {
  if (typeof value === 'boolean')
    return {
      channel: { name, quantity: 'state', type: { kind: 'enum', labels: ['false', 'true'] } },
      value: Number(value),
    };
  if (Buffer.byteLength(value) > MAX_TEXT_BYTES)
    throw new Refused('tooLarge', `a value of ${Buffer.byteLength(value)} bytes`);
  if (typeof value === 'string')
    return { channel: { name, quantity: 'text', type: { kind: 'utf8' } }, value: Number.NaN, text: value };
  const text = Buffer.from(value).toString('base64');
  return { channel: { name, quantity: 'identity', type: { kind: 'bytes' } }, value: Number.NaN, text };
}
