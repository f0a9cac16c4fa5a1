/** Names and fields as in the datasheet of the INA219 (SBOS448G), §8.6 register maps. Registers are 16 bits, high byte first. */

/** §8.5.5.1, table 1: A1 and A0 to GND, VS, SDA or SCL. */
export const ADDRESSES = [
  0x40, 0x41, 0x42, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x49, 0x4a, 0x4b, 0x4c, 0x4d, 0x4e, 0x4f,
] as const;

export const REGISTER = {
  configuration: 0x00,
  shuntVoltage: 0x01,
  busVoltage: 0x02,
  power: 0x03,
  current: 0x04,
  calibration: 0x05,
} as const;

/** §8.6.2.1 */
export const CONFIGURATION_RESET_VALUE = 0x399f;
export const CONFIGURATION = {
  reset: 1 << 15,
  /** Always 0; an INA226 has its own field here, 1 after its reset (SBOS547, §7.6.2). */
  unused: 1 << 14,
  bus32V: 1 << 13,
  modeShuntAndBusContinuous: 0b111,
} as const;

/** §8.6.2.1, table 4: PG, the shunt's full scale in volts, in the order of its codes from 00. */
export const SHUNT_RANGES_V = [0.04, 0.08, 0.16, 0.32] as const;

/** §8.6.2.1, table 5: averages at 12 bits, in the order of the codes from 1000. */
export const AVERAGING = [1, 2, 4, 8, 16, 32, 64, 128] as const;
export type Averaging = (typeof AVERAGING)[number];
/** §7.5: one 12-bit conversion takes 586 µs at most. */
export const CONVERSION_MAX_MS = 0.586;
/** Shunt and bus are converted in turn. */
export const conversionTimeMaxMs = (averaging: Averaging): number => 2 * averaging * CONVERSION_MAX_MS;

/** §8.6.3.2 */
export const BUS_VOLTAGE = { overflow: 1 << 0, conversionReady: 1 << 1, unused: 1 << 2 } as const;
/** §8.6.4.1: bit 0 can't be written, it is always 0. */
export const CALIBRATION_MAX = 0xfffe;

/** The narrowest range of the shunt that holds so many volts; undefined where none does. */
export function shuntRangeCode(volts: number): number | undefined {
  const code = SHUNT_RANGES_V.findIndex((range) => volts <= range * (1 + 1e-9));
  return code < 0 ? undefined : code;
}

export function configurationWord(shuntCode: number, averaging: Averaging): number {
  const adc = 0b1000 | AVERAGING.indexOf(averaging);
  return (
    CONFIGURATION.bus32V |
    (shuntCode << 11) |
    (adc << 7) |
    (adc << 3) |
    CONFIGURATION.modeShuntAndBusContinuous
  );
}
