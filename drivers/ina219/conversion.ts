import { BUS_VOLTAGE, CALIBRATION_MAX } from './registers.js';

/** §8.6.3.2: one count of the bus voltage, V. */
export const BUS_LSB_V = 0.004;
/** §8.6.3.1: one count of the shunt voltage, V. */
export const SHUNT_LSB_V = 10e-6;
/** §8.5.1, equation 1: an internal fixed value, so that scaling is maintained. */
const CALIBRATION_FACTOR = 0.04096;
/** §8.5.1, equation 3: one count of power is 20 counts of current times a volt. */
export const POWER_PER_CURRENT = 20;

/**
 * The calibration register for a shunt and the largest current expected, by §8.5.1, equations 1 and 2: full scale is that current.
 * Bit 0 is always 0. Held to what the register can hold: then full scale is more than was asked for, never less.
 */
export function calibrationFor(shuntOhms: number, maxCurrentA: number): number {
  const exact = CALIBRATION_FACTOR / ((maxCurrentA / 32768) * shuntOhms);
  return Math.min(CALIBRATION_MAX, Math.floor(exact * (1 + 1e-12)) & ~1);
}

/** One count of the current, A: the one that the register, cut to a whole number, really makes. */
export const currentLsbA = (calibration: number, shuntOhms: number): number =>
  CALIBRATION_FACTOR / (calibration * shuntOhms);

export interface BusVoltage {
  readonly volts: number;
  /** A conversion was finished since the power register was read. */
  readonly ready: boolean;
  /** The part's own arithmetic ran over: current and power mean nothing. */
  readonly overflow: boolean;
}

export function parseBusVoltage(word: number): BusVoltage {
  return {
    volts: (word >> 3) * BUS_LSB_V,
    ready: (word & BUS_VOLTAGE.conversionReady) !== 0,
    overflow: (word & BUS_VOLTAGE.overflow) !== 0,
  };
}

/** Two's complement, 16 bits. */
export const signed16 = (word: number): number => (word << 16) >> 16;
