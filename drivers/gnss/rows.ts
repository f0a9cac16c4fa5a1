import { oneRow, QUALITY, type Rows, type StreamDeclaration } from '../contract/index.js';
import type { Epoch } from './epoch.js';
import type { Sky } from './sky.js';

export const GNSS_MODES = ['none', '2D', '3D'] as const;

/** The anchor of the runtime's clock is this stream's row time with its `utcMs`: both are of the same epoch. */
export const FIX_STREAM: StreamDeclaration = {
  name: '',
  class: 'telemetry',
  channels: [
    { name: 'latitude', quantity: 'latitude', type: { kind: 'decimal', scale: 7 }, range: [-90, 90] },
    { name: 'longitude', quantity: 'longitude', type: { kind: 'decimal', scale: 7 }, range: [-180, 180] },
    { name: 'altitude', quantity: 'altitude', type: { kind: 'decimal', scale: 2 }, range: [-1000, 100_000] },
    { name: 'speed', quantity: 'speed', type: { kind: 'decimal', scale: 3 }, range: [0, 1029] },
    { name: 'track', quantity: 'angle', type: { kind: 'decimal', scale: 2 }, range: [0, 360] },
    { name: 'mode', quantity: 'state', type: { kind: 'enum', labels: GNSS_MODES } },
    { name: 'used', quantity: 'count', type: { kind: 'int' }, range: [0, 255] },
    { name: 'hdop', quantity: 'dimensionless', type: { kind: 'decimal', scale: 2 }, range: [0, 100] },
    { name: 'utcMs', quantity: 'count', type: { kind: 'int' } },
  ],
};

export const SKY_STREAM: StreamDeclaration = {
  name: 'sky',
  class: 'bulk',
  channels: [
    { name: 'inView', quantity: 'count', type: { kind: 'int' }, range: [0, 255] },
    { name: 'used', quantity: 'count', type: { kind: 'int' }, range: [0, 255] },
    { name: 'maxSnr', quantity: 'dimensionless', type: { kind: 'decimal', scale: 0 }, range: [0, 99] },
    { name: 'meanSnr', quantity: 'dimensionless', type: { kind: 'decimal', scale: 1 }, range: [0, 99] },
  ],
};

/** UTC of an epoch; `corrected` where it took a GPS week roll-over to get there. */
export interface Utc {
  readonly utcMs: number;
  readonly corrected: boolean;
}

const ALTITUDE = 2;
const UTC_MS = 8;

/** What an epoch is worth: where there is no fix, there is neither time nor position. */
export function fixRow(epoch: Epoch, utc: Utc | undefined): Rows {
  const used = epoch.used ?? epoch.listed;
  if (!epoch.fix || epoch.fix === 'none') {
    const untold = new Array<undefined>(5).fill(undefined);
    return oneRow('', epoch.startNs, [...untold, 0, used, epoch.hdop, undefined]);
  }
  const flat = dimensions(epoch) === 2;
  const values = [epoch.latitudeDeg, epoch.longitudeDeg, epoch.altitudeM, epoch.speedMps, epoch.trackDeg];
  const rows = oneRow('', epoch.startNs, [...values, flat ? 1 : 2, used, epoch.hdop, utc?.utcMs]);
  if (epoch.fix === 'estimated') for (const channel of values.keys()) doubt(rows, channel);
  if (flat) doubt(rows, ALTITUDE); // a 2D fix holds its altitude, it doesn't measure it
  if (utc?.corrected) doubt(rows, UTC_MS);
  return rows;
}

export function skyRow(sky: Sky, epoch: Epoch): Rows {
  const used = epoch.listed ?? epoch.used;
  return oneRow('sky', sky.startNs, [sky.inView, used, sky.maxSnrDbHz, sky.meanSnrDbHz]);
}

/** GSA says it. Without one, a fix that has an altitude has three dimensions as far as the receiver told. */
function dimensions(epoch: Epoch): 2 | 3 {
  if (epoch.dimensions === 2 || epoch.dimensions === 3) return epoch.dimensions;
  return epoch.altitudeM === undefined ? 2 : 3;
}

function doubt(rows: Rows, channel: number): void {
  if (rows.quality[channel] === QUALITY.good) rows.quality[channel] = QUALITY.suspect;
}
