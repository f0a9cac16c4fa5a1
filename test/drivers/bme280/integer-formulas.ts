import type { Calibration } from '../../../drivers/bme280/conversion.js';

/**
 * A second implementation, to hold the product's against: the integer formulas of BST-BME280-DS002 §4.2.3, in the arithmetic of
 * Bosch's own driver, where every division cuts toward zero. Counts in, the driver's units out.
 */
const cut = Math.trunc;

export function tFineInteger(raw: number, c: Calibration): number {
  const first = cut(((cut(raw / 8) - c.T1 * 2) * c.T2) / 2048);
  const delta = cut(raw / 16) - c.T1;
  return first + cut((cut((delta * delta) / 4096) * c.T3) / 16384);
}

/** Hundredths of a degree Celsius. */
export const temperatureInteger = (fine: number): number => cut((fine * 5 + 128) / 256);

/** Hundredths of a pascal, in 64 bits. */
export function pressureInt64(raw: number, fine: number, calibration: Calibration): number {
  const c = (name: keyof Calibration): bigint => BigInt(calibration[name]);
  const t = BigInt(fine) - 128000n;
  const offset = t * t * c('P6') + t * c('P5') * 131072n + c('P4') * 34359738368n;
  const curve = (t * t * c('P3')) / 256n + t * c('P2') * 4096n;
  const slope = ((140737488355328n + curve) * c('P1')) / 8589934592n;
  const p = (((1048576n - BigInt(raw)) * 2147483648n - offset) * 3125n) / slope;
  const second = (c('P9') * (p / 8192n) * (p / 8192n)) / 33554432n;
  const first = (c('P8') * p) / 524288n;
  const q24 = (p + second + first) / 256n + c('P7') * 16n;
  return Number(((q24 / 2n) * 100n) / 128n);
}

/** Pascal, in 32 bits. */
export function pressureInt32(raw: number, fine: number, c: Calibration): number {
  const t = cut(fine / 2) - 64000;
  const square = cut(t / 4) * cut(t / 4);
  let offset = cut(square / 2048) * c.P6 + t * c.P5 * 2;
  offset = cut(offset / 4) + c.P4 * 65536;
  const curve = cut((cut((c.P3 * cut(square / 8192)) / 8) + cut((c.P2 * t) / 2)) / 262144);
  const slope = cut(((32768 + curve) * c.P1) / 32768);
  const scaled = ((1048576 - raw - cut(offset / 4096)) * 3125) >>> 0;
  const p = scaled < 0x80000000 ? cut((scaled * 2) / slope) : cut(scaled / slope) * 2;
  const second = cut((c.P9 * cut((cut(p / 8) * cut(p / 8)) / 8192)) / 4096);
  const first = cut((cut(p / 4) * c.P8) / 8192);
  return p + cut((second + first + c.P7) / 16);
}

/** 1/1024 %RH. The products are exact in a double; 32-bit wrap does not occur within the part's range. */
export function humidityInteger(raw: number, fine: number, c: Calibration): number {
  const t = fine - 76800;
  const count = cut((raw * 16384 - c.H4 * 1048576 - c.H5 * t + 16384) / 32768);
  const curve = cut((cut((t * c.H6) / 1024) * (cut((t * c.H3) / 2048) + 32768)) / 1024) + 2097152;
  const h = count * cut((curve * c.H2 + 8192) / 16384);
  const bent = h - cut((cut((cut(h / 32768) * cut(h / 32768)) / 128) * c.H1) / 16);
  return cut(Math.min(419430400, Math.max(0, bent)) / 4096);
}
