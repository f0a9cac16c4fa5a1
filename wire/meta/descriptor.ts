import {
  type Channel,
  type ChannelType,
  QUANTITY_UNITS,
  type Quantity,
  STREAM_CLASSES,
} from '../../drivers/contract/index.js';
import { type Descriptor, STREAM_NAME } from '../records.js';
import { FieldReader, MetaError } from './fields.js';

const QUANTITIES = Object.keys(QUANTITY_UNITS) as Quantity[];
const CHANNEL_NAME = /^[a-z][A-Za-z0-9]{0,31}$/;
/** As many columns as a block may have. */
const MAX_CHANNELS = 64;

/** `[…, stream, version, title, class, [[name, quantity, type, resolution | null, [min, max] | null], …]]` */
export function descriptorFields(descriptor: Descriptor): readonly unknown[] {
  const { stream, version, title, channels } = descriptor;
  return [stream, version, title, descriptor.class, channels.map(channelFields)];
}

export function readDescriptor(fields: FieldReader): Descriptor {
  return {
    stream: fields.textLike(STREAM_NAME),
    version: fields.whole(0xffff),
    title: fields.text(256),
    class: fields.oneOf(STREAM_CLASSES),
    channels: fields.list(MAX_CHANNELS, readChannel),
  };
}

function channelFields(channel: Channel): readonly unknown[] {
  const { name, quantity, type, resolution, range } = channel;
  return [name, quantity, typeFields(type), resolution ?? null, range ?? null];
}

/** `'f64'`, `'int'`, `'utf8'`, `'bytes'`, `['decimal', scale]`, `['enum', [label, …]]` */
function typeFields(type: ChannelType): unknown {
  if (type.kind === 'decimal') return [type.kind, type.scale];
  if (type.kind === 'enum') return [type.kind, type.labels];
  return type.kind;
}

function readChannel(item: unknown, index: number): Channel {
  const fields = new FieldReader(`channel ${index}`, item);
  const name = fields.textLike(CHANNEL_NAME);
  const quantity = fields.oneOf(QUANTITIES);
  const type = readType(fields);
  const resolution = fields.optional((field) => field.float());
  const range = fields.optional((field) => field.list(2, readNumber));
  return {
    name,
    quantity,
    type,
    ...(resolution === undefined ? {} : { resolution }),
    ...(range === undefined ? {} : { range: readRange(fields, range) }),
  };
}

function readType(fields: FieldReader): ChannelType {
  const item = fields.next();
  if (!Array.isArray(item)) return plainType(fields, item);
  const type = new FieldReader(`${fields.where}, type`, item);
  const kind = type.oneOf(['decimal', 'enum'] as const);
  if (kind === 'decimal') return { kind, scale: type.whole(9) };
  return { kind, labels: type.list(256, readLabel) };
}

function plainType(fields: FieldReader, item: unknown): ChannelType {
  if (item === 'f64' || item === 'int' || item === 'utf8' || item === 'bytes') return { kind: item };
  throw new MetaError('unknownValue', `${fields.where}: '${String(item)}' is no column type`);
}

function readLabel(item: unknown): string {
  if (typeof item === 'string' && item.length <= 64) return item;
  throw new MetaError('malformed', 'a label of an enum is no text of at most 64 characters');
}

function readNumber(item: unknown): number {
  if (typeof item === 'number' || typeof item === 'bigint') return Number(item);
  throw new MetaError('malformed', 'a bound of a range is no number');
}

function readRange(fields: FieldReader, range: readonly number[]): readonly [number, number] {
  const [min, max] = range;
  if (min === undefined || max === undefined) fields.refuse('a range of two numbers');
  return [min, max];
}
