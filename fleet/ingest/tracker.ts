import { createHash } from 'node:crypto';
import type { Channel } from '../../drivers/contract/index.js';
import type { IncomingPack } from '../store/index.js';
import { Refused } from './types.js';

/** A line of a small tracker (docs/fleet/listener.md), without its end. */
export interface TrackerLine {
  readonly id: string;
  /** 0 to 2^53 - 1. */
  readonly sequence: number;
  /** Undefined: when it came. */
  readonly utcMs: number | undefined;
  /** Undefined: no fix. Degrees. */
  readonly latitude: number | undefined;
  readonly longitude: number | undefined;
  readonly speedMps: number | undefined;
  readonly isMoving: boolean | undefined;
  readonly batteryV: number | undefined;
  /** `sos`, `shock` …; '' is none. */
  readonly alarm: string;
}

const LINE = /^\$([\x20-\x29\x2b-\x7e]*)\*([0-9A-Fa-f]{2})$/;
const ID = /^[A-Za-z0-9][A-Za-z0-9-]{0,31}$/;
const UTC = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,3})?Z$/;
const ALARM = /^([a-z][A-Za-z0-9]{0,31})?$/;
const NUMBER = /^-?\d{1,9}(\.\d{1,9})?$/;
const FIELDS = 10;

const number = (name: string, quantity: Channel['quantity']): Channel => ({
  name,
  quantity,
  type: { kind: 'f64' },
});
const POSITION: readonly Channel[] = [
  number('latitude', 'latitude'),
  number('longitude', 'longitude'),
  number('speed', 'speed'),
  { name: 'motion', quantity: 'state', type: { kind: 'enum', labels: ['still', 'moving'] } },
  number('battery', 'voltage'),
];
const ALARMS: readonly Channel[] = [
  { name: 'alarm', quantity: 'text', type: { kind: 'utf8' } },
  number('latitude', 'latitude'),
  number('longitude', 'longitude'),
];

/** As NMEA 0183: the XOR of all between `$` and `*`, two hex digits. */
export function lineChecksum(between: string): string {
  let sum = 0;
  for (const byte of Buffer.from(between, 'latin1')) sum ^= byte;
  return sum.toString(16).toUpperCase().padStart(2, '0');
}

/** Throws Refused `line`. */
export function readTrackerLine(text: string): TrackerLine {
  const [, between = '', sum = ''] = LINE.exec(text) ?? refuse('no line of the form $…*hh');
  if (sum.toUpperCase() !== lineChecksum(between))
    refuse(`checksum ${sum} where ${lineChecksum(between)} is right`);
  const fields = between.split(',');
  if (fields.length !== FIELDS || fields[0] !== 'CTRK') refuse(`CTRK and ${FIELDS - 1} fields are wanted`);
  const [, id, sequence, utc, latitude, longitude, speed, motion, battery, alarm] = fields as string[];
  if (!ID.test(id!) || !/^\d{1,16}$/.test(sequence!) || !Number.isSafeInteger(Number(sequence)))
    refuse('an id of letters, digits and -, and a whole number');
  if (!ALARM.test(alarm!)) refuse('the alarm is one word, or empty');
  const [lat, lon] = [within(latitude!, -90, 90), within(longitude!, -180, 180)];
  if ((lat === undefined) !== (lon === undefined)) refuse('a latitude and a longitude, or neither');
  return {
    ...{
      id: id!,
      sequence: Number(sequence),
      utcMs: utcOf(utc!),
      latitude: lat,
      longitude: lon,
      alarm: alarm!,
    },
    speedMps: within(speed!, 0, 1000),
    isMoving: motionOf(motion!),
    batteryV: within(battery!, 0, 100),
  };
}

function refuse(what: string): never {
  throw new Refused('line', what);
}

function within(text: string, min: number, max: number): number | undefined {
  if (text === '') return undefined;
  const value = NUMBER.test(text) ? Number(text) : Number.NaN;
  return value >= min && value <= max
    ? value
    : refuse(`${text.slice(0, 20)} is no number from ${min} to ${max}`);
}

function motionOf(text: string): boolean | undefined {
  if (text === '') return undefined;
  return text === '0' || text === '1' ? text === '1' : refuse('motion is 0 or 1');
}

function utcOf(text: string): number | undefined {
  if (text === '') return undefined;
  const ms = UTC.test(text) ? Date.parse(text) : Number.NaN;
  return ms >= 0 ? ms : refuse(`${text.slice(0, 30)} is no time such as 2026-11-23T01:02:03Z`);
}

/** A row of its position and, where it has an alarm, one of that. (id, sequence) is the identity. */
export function trackerPacks(line: TrackerLine, receivedMs: number): readonly IncomingPack[] {
  const {
    latitude: lat = Number.NaN,
    longitude: lon = Number.NaN,
    speedMps = Number.NaN,
    batteryV = Number.NaN,
  } = line;
  const motion = line.isMoving === undefined ? Number.NaN : Number(line.isMoving);
  const common = {
    kind: 'pack' as const,
    device: `tracker:${line.id}`,
    wallNs: [BigInt(line.utcMs ?? Math.round(receivedMs)) * 1_000_000n],
  };
  const identity = (stream: string) =>
    createHash('sha256').update(`tracker/${line.id}/${line.sequence}/${stream}`).digest();
  const position: IncomingPack = {
    ...{
      ...common,
      stream: 'position',
      logClass: 'telemetry',
      channels: POSITION,
      identity: identity('position'),
    },
    values: Float64Array.of(lat, lon, speedMps, motion, batteryV),
  };
  if (!line.alarm) return [position];
  const alarm: IncomingPack = {
    ...{ ...common, stream: 'alarm', logClass: 'alarm', channels: ALARMS, identity: identity('alarm') },
    values: Float64Array.of(Number.NaN, lat, lon),
    texts: [line.alarm, undefined, undefined],
  };
  return [alarm, position];
}
