import { NO_DATA_16_BIT, NO_DATA_20_BIT } from './registers.js';

/** The trimming parameters, under the datasheet's names (BST-BME280-DS002 §4.2.2, table 16). */
export interface Calibration {
  readonly T1: number;
  readonly T2: number;
  readonly T3: number;
  readonly P1: number;
  readonly P2: number;
  readonly P3: number;
  readonly P4: number;
  readonly P5: number;
  readonly P6: number;
  readonly P7: number;
  readonly P8: number;
  readonly P9: number;
  readonly H1: number;
  readonly H2: number;
  readonly H3: number;
  readonly H4: number;
  readonly H5: number;
  readonly H6: number;
}

const view = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** Registers 0x88 to 0xA1 and 0xE1 to 0xE7 → calibration. */
export function parseCalibration(calib00: Uint8Array, calib26: Uint8Array): Calibration {
  const a = view(calib00);
  const b = view(calib26);
  const nibbles = b.getUint8(4); // 0xE5: H4's low nibble below, H5's low nibble above
  return {
    T1: a.getUint16(0, true),
    T2: a.getInt16(2, true),
    T3: a.getInt16(4, true),
    P1: a.getUint16(6, true),
    P2: a.getInt16(8, true),
    P3: a.getInt16(10, true),
    P4: a.getInt16(12, true),
    P5: a.getInt16(14, true),
    P6: a.getInt16(16, true),
    P7: a.getInt16(18, true),
    P8: a.getInt16(20, true),
    P9: a.getInt16(22, true),
    H1: a.getUint8(25),
    H2: b.getInt16(0, true),
    H3: b.getUint8(2),
    // Signed 12 bit: the sign is in the high byte, so it is read signed before it is shifted.
    H4: b.getInt8(3) * 16 + (nibbles & 0x0f),
    H5: b.getInt8(5) * 16 + (nibbles >> 4),
    H6: b.getInt8(6),
  };
}

/** Why these can't be a part's trimming parameters; undefined where they can. T1 and P1 are never 0 or all ones. */
export function calibrationFault(calibration: Calibration): string | undefined {
  for (const name of ['T1', 'P1'] as const) {
    const value = calibration[name];
    if (value === 0 || value === 0xffff) return `dig_${name} reads 0x${value.toString(16)}`;
  }
  return undefined;
}

/** Counts of the converter; undefined where the register holds what it holds without a measurement. */
export interface RawMeasurement {
  readonly pressure: number | undefined;
  readonly temperature: number | undefined;
  readonly humidity: number | undefined;
}

/** Registers 0xF7 to 0xFE. */
export function parseMeasurement(data: Uint8Array): RawMeasurement {
  const bytes = view(data);
  const twenty = (at: number): number => (bytes.getUint16(at) << 4) | (bytes.getUint8(at + 2) >> 4);
  const unless = (none: number, value: number): number | undefined => (value === none ? undefined : value);
  return {
    pressure: unless(NO_DATA_20_BIT, twenty(0)),
    temperature: unless(NO_DATA_20_BIT, twenty(3)),
    humidity: unless(NO_DATA_16_BIT, bytes.getUint16(6)),
  };
}

/** The temperature in units of 1/5120 degrees Celsius (the datasheet's t_fine before it is cut to an integer). */
function fineTemperature(raw: number, c: Calibration): number {
  const first = (raw / 16384 - c.T1 / 1024) * c.T2;
  const second = (raw / 131072 - c.T1 / 8192) ** 2 * c.T3;
  return first + second;
}

/** Double precision formula of §8.1: degrees Celsius. */
export function compensateTemperature(raw: number, c: Calibration): number {
  return fineTemperature(raw, c) / 5120;
}

/** The datasheet's t_fine: what pressure and humidity are corrected by. An integer, cut toward zero. */
export function tFine(rawTemperature: number, c: Calibration): number {
  return Math.trunc(fineTemperature(rawTemperature, c));
}

/** Double precision formula of §8.1: pascal. Undefined where the parameters leave nothing to divide by. */
export function compensatePressure(raw: number, fine: number, c: Calibration): number | undefined {
  const t = fine / 2 - 64000;
  let offset = (t * t * c.P6) / 32768;
  offset += t * c.P5 * 2;
  offset = offset / 4 + c.P4 * 65536;
  const slope = (1 + ((c.P3 * t * t) / 524288 + c.P2 * t) / 524288 / 32768) * c.P1;
  if (slope === 0) return undefined;
  const p = ((1048576 - raw - offset / 4096) * 6250) / slope;
  return p + ((c.P9 * p * p) / 2147483648 + (p * c.P8) / 32768 + c.P7) / 16;
}

/** Double precision formula of §8.1: percent relative humidity, held to 0 and 100 as the formula does. */
export function compensateHumidity(raw: number, fine: number, c: Calibration): number {
  const t = fine - 76800;
  const offset = c.H4 * 64 + (c.H5 / 16384) * t;
  const curve = 1 + (c.H3 / 67108864) * t;
  const h = (raw - offset) * (c.H2 / 65536) * (curve * (1 + (c.H6 / 67108864) * t * curve));
  return Math.min(100, Math.max(0, h * (1 - (c.H1 * h) / 524288)));
}

export interface Climate {
  readonly temperatureCelsius: number | undefined;
  readonly pressurePa: number | undefined;
  readonly relativeHumidityPercent: number | undefined;
}

/** Without a temperature nothing can be compensated. */
export function convert(raw: RawMeasurement, c: Calibration): Climate {
  if (raw.temperature === undefined) {
    return { temperatureCelsius: undefined, pressurePa: undefined, relativeHumidityPercent: undefined };
  }
  const fine = tFine(raw.temperature, c);
  return {
    temperatureCelsius: compensateTemperature(raw.temperature, c),
    pressurePa: raw.pressure === undefined ? undefined : compensatePressure(raw.pressure, fine, c),
    relativeHumidityPercent:
      raw.humidity === undefined ? undefined : compensateHumidity(raw.humidity, fine, c),
  };
}
