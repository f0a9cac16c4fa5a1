import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock, Rows } from '../../../drivers/contract/index.js';
import { gnss } from '../../../drivers/gnss/driver.js';
import { ScriptedPort } from '../serial-port.js';
import { REAL_DATA, realDataAbsent } from '../twin-bus.js';

/**
 * Compares what the driver makes of a receiver's log with what gpsd made of it. Usable on any transport: give the log's bytes to a
 * port, gather the rows that the driver emits, and hand them to `compare`.
 */

export const skipWithoutRealData = { skip: realDataAbsent('nmea') };

export const RECEIVERS = [
  'bu303-climbing',
  'bu353s4',
  'com-1289',
  'garmin-geko201',
  'isync',
  'mtk-3301',
  'nmea-fuzzy-cases',
  'quectel-L70',
  'triton400',
  'ublox-neo-m9n-nmea',
] as const;
export type Receiver = (typeof RECEIVERS)[number];

/** The recordings are older than the driver's default floor: without this each date would be a roll-over. */
export const RECORDED_OPTIONS = { earliestDate: '2000-01-01' };

export interface Fix {
  /** `2014-12-31T03:07:19.000Z`, or `#12`: gpsd's twelfth report, which has no time. */
  readonly epoch: string;
  readonly latitude?: number | undefined;
  readonly longitude?: number | undefined;
  readonly altitude?: number | undefined;
  readonly speed?: number | undefined;
  readonly track?: number | undefined;
  readonly mode?: number | undefined;
}

export interface Difference {
  readonly receiver: string;
  readonly epoch: string;
  /** A field of the fix, or `fix` where one side has none. */
  readonly field: string;
  readonly gpsd: number | undefined;
  readonly ours: number | undefined;
}

/** What the task allows; gpsd prints track with four digits, receivers say it with two. */
const TOLERANCE = { latitude: 1e-6, longitude: 1e-6, altitude: 0.1, speed: 0.01, track: 0.01, mode: 0 };
type Field = keyof typeof TOLERANCE;
const FIELDS = Object.keys(TOLERANCE) as Field[];

/** The log's bytes without the comment lines of its head: what was on the wire. */
export function logBytes(receiver: string): Uint8Array {
  const bytes = readFileSync(join(REAL_DATA, 'nmea', `${receiver}.log`));
  let from = 0;
  while (bytes[from] === 0x23) from = bytes.indexOf(0x0a, from) + 1;
  return bytes.subarray(from);
}

export function checkLines(receiver: string): string[] {
  return readFileSync(join(REAL_DATA, 'nmea', `${receiver}.log.chk`), 'latin1').split(/\r?\n/);
}

/** The bytes of the GPS capture of a logic analyser (MTK3339, 9600 baud). */
export function captureBytes(): Uint8Array {
  const text = readFileSync(join(REAL_DATA, 'captures/uart/gps_mtk3339_9600.jsonl'), 'utf8').trim();
  return Uint8Array.from(text.split('\n'), (line) => Number.parseInt(JSON.parse(line).b, 16));
}

interface Tpv {
  readonly class: string;
  readonly mode: number;
  readonly time?: string;
  readonly lat?: number;
  readonly lon?: number;
  readonly altMSL?: number;
  readonly speed?: number;
  readonly track?: number;
}

/** gpsd's fixes: the last report of each epoch that has a position. */
export function gpsdFixes(receiver: string): Fix[] {
  const reports = checkLines(receiver)
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Tpv)
    .filter((report) => report.class === 'TPV');
  return reports
    .map((report, i) => ({ report, epoch: report.time ?? `#${i + 1}`, next: reports[i + 1] }))
    .filter(({ report, next }) => !(next && isPartOf(report, next)))
    .filter(({ report }) => report.mode >= 2 && report.lat !== undefined)
    .map(({ report, epoch }) => toFix(report, epoch));
}

/** A report that the next one supersedes: of the same time, or before gpsd knew the time of the same place. */
function isPartOf(report: Tpv, next: Tpv): boolean {
  if (report.time !== undefined) return report.time === next.time;
  return report.mode >= 2 && next.mode >= 2 && report.lat === next.lat && report.lon === next.lon;
}

function toFix(report: Tpv, epoch: string): Fix {
  const { lat, lon, altMSL, speed, track, mode } = report;
  return { epoch, latitude: lat, longitude: lon, altitude: altMSL, speed, track, mode };
}

/** The driver's rows of the main stream that hold a position, by the names of the stream's channels. */
export function ourFixes(rows: readonly Rows[]): Fix[] {
  const port = new ScriptedPort();
  const names = gnss
    .create({ port, clock: stoppedClock }, RECORDED_OPTIONS)
    .streams[0]!.channels.map((channel) => channel.name);
  return rows
    .filter((row) => row.stream === '')
    .map((row) => Object.fromEntries(names.map((name, i) => [name, known(row.values[i])])))
    .filter((row) => row.latitude !== undefined)
    .map((row) => ({
      ...row,
      epoch: row.utcMs === undefined ? 'untimed' : new Date(row.utcMs).toISOString(),
      mode: (row.mode ?? 0) + 1, // gpsd counts 1 none, 2 2D, 3 3D
    }));
}

function known(value: number | undefined): number | undefined {
  return value === undefined || Number.isNaN(value) ? undefined : value;
}

/** Where the two disagree, both ways: fixes of gpsd's that we lack, fixes of ours that gpsd lacks, and fields. */
export function compare(
  receiver: string,
  rows: readonly Rows[],
): { compared: number; differences: Difference[] } {
  return compareFixes(receiver, gpsdFixes(receiver), ourFixes(rows));
}

export function compareFixes(
  receiver: string,
  theirs: readonly Fix[],
  ours: readonly Fix[],
): { compared: number; differences: Difference[] } {
  const differences: Difference[] = [];
  const left = [...ours];
  for (const fix of theirs) {
    const at = left.findIndex((mine) => sameMoment(mine.epoch, fix.epoch));
    const untimed = at < 0 ? left.findIndex((mine) => samePlace(mine, fix)) : -1;
    const found = Math.max(at, untimed);
    const mine = found < 0 ? undefined : left.splice(found, 1)[0];
    if (!mine)
      differences.push({ receiver, epoch: fix.epoch, field: 'fix', gpsd: fix.mode, ours: undefined });
    else differences.push(...fieldDifferences(receiver, fix, mine));
  }
  for (const mine of left) {
    differences.push({ receiver, epoch: mine.epoch, field: 'fix', gpsd: undefined, ours: mine.mode });
  }
  return { compared: ours.length - left.length, differences };
}

function sameMoment(ours: string, theirs: string): boolean {
  return Math.abs(Date.parse(ours) - Date.parse(theirs)) <= 1;
}

/** For gpsd's reports without a time. */
function samePlace(ours: Fix, theirs: Fix): boolean {
  return (
    theirs.epoch.startsWith('#') &&
    agrees(theirs.latitude, ours.latitude, TOLERANCE.latitude) &&
    agrees(theirs.longitude, ours.longitude, TOLERANCE.longitude)
  );
}

function fieldDifferences(receiver: string, theirs: Fix, ours: Fix): Difference[] {
  const untimed = theirs.epoch.startsWith('#')
    ? [{ receiver, epoch: theirs.epoch, field: 'time', gpsd: undefined, ours: Date.parse(ours.epoch) }]
    : [];
  const fields = FIELDS.filter((field) => !agrees(theirs[field], ours[field], TOLERANCE[field]));
  return fields
    .map(
      (field): Difference => ({
        receiver,
        epoch: theirs.epoch,
        field,
        gpsd: theirs[field],
        ours: ours[field],
      }),
    )
    .concat(untimed);
}

function agrees(theirs: number | undefined, ours: number | undefined, tolerance: number): boolean {
  if (theirs === undefined || ours === undefined) return theirs === ours;
  return Math.abs(theirs - ours) <= tolerance;
}

/** What a fuller table would hide: a difference without a reason, or a reason without a difference. */
export interface Reason {
  readonly receiver: string;
  /** An epoch as in `Difference`, or `*` for each of the receiver's. */
  readonly epoch: string;
  readonly field: string;
  readonly why: string;
}

export function unexplained(differences: readonly Difference[], reasons: readonly Reason[]): Difference[] {
  return differences.filter((difference) => !reasons.some((reason) => covers(reason, difference)));
}

export function unneeded(differences: readonly Difference[], reasons: readonly Reason[]): Reason[] {
  return reasons.filter((reason) => !differences.some((difference) => covers(reason, difference)));
}

function covers(reason: Reason, difference: Difference): boolean {
  return (
    reason.receiver === difference.receiver &&
    (reason.epoch === '*' || reason.epoch === difference.epoch) &&
    reason.field === difference.field
  );
}

export const stoppedClock: Clock = { nowNs: () => 0n, delay: async () => undefined };

/** The rows that a fresh driver emits for frames, in order; a frame a nanosecond. */
export async function rowsOf(
  frames: readonly Uint8Array[],
  options: { earliestDate: string } = RECORDED_OPTIONS,
): Promise<Rows[]> {
  const port = new ScriptedPort();
  const rows: Rows[] = [];
  const driver = gnss.create({ port, clock: stoppedClock }, options);
  await driver.configure();
  await driver.stream!(
    (row) => rows.push(row),
    () => undefined,
  );
  for (const [i, frame] of frames.entries()) port.give(BigInt(i), [frame]);
  return rows;
}
