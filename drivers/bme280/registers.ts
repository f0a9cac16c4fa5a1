/** Names and fields as in the datasheet BST-BME280-DS002 (rev. 1.23), §5.3 memory map and §5.4 register description. */

/** §6.2: SDO to GND gives 0x76, to VDDIO 0x77. */
export const ADDRESSES = [0x76, 0x77] as const;

export const REGISTER = {
  calib00: 0x88, // dig_T1 … dig_P9, dig_H1: 26 bytes (0xA0 is unused)
  id: 0xd0,
  reset: 0xe0,
  calib26: 0xe1, // dig_H2 … dig_H6: 7 bytes
  ctrlHum: 0xf2,
  status: 0xf3,
  ctrlMeas: 0xf4,
  config: 0xf5,
  pressMsb: 0xf7, // press 3, temp 3, hum 2 bytes
} as const;

export const CALIB00_BYTES = 26;
export const CALIB26_BYTES = 7;
export const DATA_BYTES = 8;

/** §5.4.1. The BMP280 (no humidity) and the BME680 (gas) sit at the same addresses and answer alike. */
export const ID = {
  model: 'BME280',
  name: 'chip id',
  id: 0x60,
  others: {
    86: 'BMP280 (sample)',
    87: 'BMP280 (sample)',
    88: 'BMP280, which has no humidity',
    97: 'BME680 or BME688',
  },
} as const;

/** §5.4.2: any other value has no effect. */
export const RESET_COMMAND = 0xb6;

/** §5.4.4 */
export const STATUS = { measuring: 1 << 3, imUpdate: 1 << 0 } as const;

/** §5.4.5 */
export const MODE = { sleep: 0b00, forced: 0b01, normal: 0b11 } as const;
export const MODE_MASK = 0b11;

/** §5.4.3, §5.4.5: the osrs fields. Code 0 skips the measurement and is not offered. */
export const OVERSAMPLING = [1, 2, 4, 8, 16] as const;
export type Oversampling = (typeof OVERSAMPLING)[number];

/** §5.4.6: the filter field; 0 is off. */
export const FILTER = [0, 2, 4, 8, 16] as const;
export type Filter = (typeof FILTER)[number];

/** §5.4.7 to §5.4.9: what the data registers hold until a measurement is done, or when it is skipped. */
export const NO_DATA_20_BIT = 0x80000;
export const NO_DATA_16_BIT = 0x8000;

/** §1.1: start-up time, from power-on or reset to the first communication. */
export const STARTUP_MS = 2;

export const oversamplingCode = (oversampling: Oversampling): number =>
  OVERSAMPLING.indexOf(oversampling) + 1;

export const ctrlMeasByte = (temperature: Oversampling, pressure: Oversampling, mode: number): number =>
  (oversamplingCode(temperature) << 5) | (oversamplingCode(pressure) << 2) | mode;

export const configByte = (filter: Filter): number => FILTER.indexOf(filter) << 2;

/** §9.1: the longest measurement, ms, all three quantities on. */
export const measurementTimeMaxMs = (temperature: number, pressure: number, humidity: number): number =>
  1.25 + 2.3 * temperature + (2.3 * pressure + 0.575) + (2.3 * humidity + 0.575);

/** §9.1: the typical measurement, ms, all three quantities on. */
export const measurementTimeTypicalMs = (temperature: number, pressure: number, humidity: number): number =>
  1 + 2 * temperature + (2 * pressure + 0.5) + (2 * humidity + 0.5);
