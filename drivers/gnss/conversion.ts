import {
  FIX_BY_MODE,
  FIX_BY_QUALITY,
  type Fix,
  FORMATTERS,
  type Formatter,
  GGA,
  GLL,
  GSA,
  GSV,
  MPS_PER_KNOT,
  RMC,
  ROLL_OVER_MS,
  VTG,
  ZDA,
} from './registers.js';

/** Satellites of one GSV message. */
export interface SatellitesInView {
  readonly messages: number;
  readonly message: number;
  readonly inView: number;
  /** Carrier to noise, dB-Hz, of the satellites that are received. */
  readonly snrsDbHz: readonly number[];
  /** NMEA 4.1 signal id; the same satellites come again for each signal. '' before 4.1. */
  readonly signal: string;
}

/** What one sentence says. Absent: the field is empty, malformed, out of bounds, or not vouched for by a fix. */
export interface Sentence {
  /** `GPRMC` */
  readonly address: string;
  readonly formatter: Formatter;
  /** UTC, ms since midnight. */
  readonly timeOfDayMs?: number | undefined;
  /** Absent: the sentence doesn't say. */
  readonly fix?: Fix | undefined;
  readonly latitudeDeg?: number | undefined;
  readonly longitudeDeg?: number | undefined;
  /** Above mean sea level, m. */
  readonly altitudeM?: number | undefined;
  readonly speedMps?: number | undefined;
  /** Over ground, from true north. */
  readonly trackDeg?: number | undefined;
  /** Midnight UTC, ms since 1970, as the receiver says it: not yet corrected for roll-over. */
  readonly dateMs?: number | undefined;
  /** GSA's fix type: 1 none, 2 two-dimensional, 3 three-dimensional. */
  readonly dimensions?: number | undefined;
  /** Satellites in the solution. */
  readonly used?: number | undefined;
  readonly hdop?: number | undefined;
  readonly sky?: SatellitesInView | undefined;
}

type Fields = readonly string[];
type Said = Omit<Sentence, 'address' | 'formatter'>;

const PARSERS: Readonly<Record<Formatter, (fields: Fields) => Said>> = {
  RMC: parseRmc,
  GGA: parseGga,
  GLL: parseGll,
  GSA: parseGsa,
  GSV: parseGsv,
  VTG: parseVtg,
  ZDA: parseZda,
};

/**
 * One frame (`$…*hh`, checksum already proven by the framing) as values. Undefined for proprietary and unknown sentences. Takes any
 * bytes and never throws.
 */
export function parseSentence(frame: Uint8Array): Sentence | undefined {
  let text = '';
  for (const byte of frame) text += String.fromCharCode(byte);
  const match = /^\$([A-OQ-Z][A-Z])([A-Z]{3}),([^*]*)\*/.exec(text);
  const formatter = FORMATTERS.find((known) => known === match?.[2]);
  if (!match || !formatter) return undefined;
  const address = `${match[1]}${formatter}`;
  return { address, formatter, ...PARSERS[formatter]([address, ...match[3]!.split(',')]) };
}

function parseRmc(fields: Fields): Said {
  const fix = statusFix(fields[RMC.status], fields[RMC.mode]);
  const timeOfDayMs = timeOfDay(fields[RMC.time]);
  if (fix === 'none') return { timeOfDayMs, fix };
  return {
    timeOfDayMs,
    fix,
    ...position(fields, RMC),
    speedMps: scaled(bounded(fields[RMC.speedKnots], 0, 2000), MPS_PER_KNOT),
    trackDeg: bounded(fields[RMC.trackDeg], 0, 360),
    dateMs: shortDate(fields[RMC.date]),
  };
}

function parseGga(fields: Fields): Said {
  const fix = FIX_BY_QUALITY[fields[GGA.quality] ?? ''] ?? 'none';
  const timeOfDayMs = timeOfDay(fields[GGA.time]);
  const used = whole(fields[GGA.used], 0, 255);
  const hdop = bounded(fields[GGA.hdop], 0, 100);
  if (fix === 'none') return { timeOfDayMs, fix, used, hdop };
  const altitudeM = bounded(fields[GGA.altitudeM], -1000, 100_000);
  return { timeOfDayMs, fix, ...position(fields, GGA), altitudeM, used, hdop };
}

function parseGll(fields: Fields): Said {
  const fix = statusFix(fields[GLL.status], fields[GLL.mode]);
  const timeOfDayMs = timeOfDay(fields[GLL.time]);
  return fix === 'none' ? { timeOfDayMs, fix } : { timeOfDayMs, fix, ...position(fields, GLL) };
}

function parseGsa(fields: Fields): Said {
  const ids = fields.slice(GSA.firstId, GSA.firstId + GSA.ids);
  return {
    dimensions: whole(fields[GSA.fixType], 1, 3),
    used: ids.filter((id) => whole(id, 1, 999) !== undefined).length,
    hdop: bounded(fields[GSA.hdop], 0, 100),
  };
}

function parseGsv(fields: Fields): Said {
  const messages = whole(fields[GSV.messages], 1, 16);
  const message = whole(fields[GSV.message], 1, messages ?? 0);
  const inView = whole(fields[GSV.inView], 0, 99);
  if (messages === undefined || message === undefined || inView === undefined) return {};
  const satellites = fields.slice(GSV.firstSatellite);
  const count = Math.floor(satellites.length / GSV.perSatellite);
  const snrsDbHz: number[] = [];
  for (let i = 0; i < count; i++) {
    const snr = bounded(satellites[i * GSV.perSatellite + GSV.snr], 1, 99);
    if (snr !== undefined) snrsDbHz.push(snr);
  }
  const signal = satellites.length % GSV.perSatellite === 1 ? (satellites.at(-1) ?? '') : '';
  return { sky: { messages, message, inView, snrsDbHz, signal } };
}

function parseVtg(fields: Fields): Said {
  const mode = fields[VTG.mode];
  if (mode && FIX_BY_MODE[mode] === undefined) return {};
  const knots = bounded(fields[VTG.speedKnots], 0, 2000);
  const kmh = bounded(fields[VTG.speedKmh], 0, 3704);
  return {
    speedMps: knots === undefined ? scaled(kmh, 1 / 3.6) : knots * MPS_PER_KNOT,
    trackDeg: bounded(fields[VTG.trackDeg], 0, 360),
  };
}

function parseZda(fields: Fields): Said {
  const year = whole(fields[ZDA.year], 1980, 2099);
  const month = whole(fields[ZDA.month], 1, 12);
  const day = whole(fields[ZDA.day], 1, 31);
  return { timeOfDayMs: timeOfDay(fields[ZDA.time]), dateMs: dateMs(year, month, day) };
}

/** Status A and a mode that is a fix. Before NMEA 2.3 there is no mode field. */
function statusFix(status: string | undefined, mode: string | undefined): Fix {
  if (status !== 'A') return 'none';
  return mode ? (FIX_BY_MODE[mode] ?? 'none') : 'valid';
}

interface PositionFields {
  readonly latitude: number;
  readonly northSouth: number;
  readonly longitude: number;
  readonly eastWest: number;
}

/** Both coordinates or neither. */
function position(fields: Fields, at: PositionFields): Pick<Said, 'latitudeDeg' | 'longitudeDeg'> {
  const latitudeDeg = degrees(fields[at.latitude], fields[at.northSouth], 'NS', 90);
  const longitudeDeg = degrees(fields[at.longitude], fields[at.eastWest], 'EW', 180);
  return latitudeDeg === undefined || longitudeDeg === undefined ? {} : { latitudeDeg, longitudeDeg };
}

/** `[d[d]]dmm[.m…]` and a hemisphere: receivers differ in leading zeros and in digits after the point. */
function degrees(
  text: string | undefined,
  hemisphere: string | undefined,
  signs: string,
  limitDeg: number,
): number | undefined {
  const match = /^(\d{0,3})(\d\d(?:\.\d{0,12})?)$/.exec(text ?? '');
  const sign = hemisphere?.length === 1 ? signs.indexOf(hemisphere) : -1;
  if (!match || sign < 0) return undefined;
  const minutes = Number(match[2]);
  const value = Number(match[1]) + minutes / 60;
  if (minutes >= 60 || value > limitDeg) return undefined;
  return sign === 1 ? 0 - value : value;
}

/** `hhmmss[.s…]` to ms since midnight, rounded. A leap second (…60) is the next minute's first, as POSIX has it. */
function timeOfDay(text: string | undefined): number | undefined {
  const match = /^(\d\d)(\d\d)(\d\d(?:\.\d{0,9})?)$/.exec(text ?? '');
  if (!match) return undefined;
  const [hours, minutes, seconds] = [Number(match[1]), Number(match[2]), Number(match[3])];
  if (hours > 23 || minutes > 59 || seconds >= 61) return undefined;
  return (hours * 60 + minutes) * 60_000 + Math.round(seconds * 1000);
}

/** `ddmmyy`. Two digits of a year: GPS began in 1980, so 80 to 99 are the last century's. */
function shortDate(text: string | undefined): number | undefined {
  const match = /^(\d\d)(\d\d)(\d\d)$/.exec(text ?? '');
  if (!match) return undefined;
  const year = Number(match[3]);
  return dateMs(year + (year >= 80 ? 1900 : 2000), Number(match[2]), Number(match[1]));
}

/** Midnight of a day that exists, ms since 1970. */
function dateMs(
  year: number | undefined,
  month: number | undefined,
  day: number | undefined,
): number | undefined {
  if (year === undefined || month === undefined || day === undefined) return undefined;
  const ms = Date.UTC(year, month - 1, day);
  const date = new Date(ms);
  return date.getUTCMonth() === month - 1 && date.getUTCDate() === day ? ms : undefined;
}

/** A decimal number within bounds; undefined for anything else. */
function bounded(text: string | undefined, min: number, max: number): number | undefined {
  if (!/^-?\d{1,9}(?:\.\d{0,12})?$|^-?\.\d{1,12}$/.test(text ?? '')) return undefined;
  const value = Number(text);
  return value >= min && value <= max ? value : undefined;
}

function whole(text: string | undefined, min: number, max: number): number | undefined {
  return /^\d{1,9}$/.test(text ?? '') ? bounded(text, min, max) : undefined;
}

function scaled(value: number | undefined, factor: number): number | undefined {
  return value === undefined ? undefined : value * factor;
}

/**
 * A time before `earliestMs` can't be: the receiver lost count of GPS weeks (IS-GPS-200 §20.3.3.3.1.1: ten bits). One or two times 1024
 * weeks are added to bring it to `earliestMs` or later; undefined where two don't suffice.
 */
export function correctRollOver(
  utcMs: number,
  earliestMs: number,
): { readonly utcMs: number; readonly corrected: boolean } | undefined {
  for (let rolls = 0; rolls <= 2; rolls++) {
    const corrected = utcMs + rolls * ROLL_OVER_MS;
    if (corrected >= earliestMs) return { utcMs: corrected, corrected: rolls > 0 };
  }
  return undefined;
}
