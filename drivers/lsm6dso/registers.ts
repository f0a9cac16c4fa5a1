/**
 * Names and fields as in the datasheet of the LSM6DSO (DS12140), register description, and in ST's own driver (lsm6dso-pid
 * `lsm6dso_reg.h`); how the FIFO and the timestamp are used as in the application note AN5192.
 */

/** SDO/SA0 low gives 0x6A, high 0x6B. */
export const ADDRESSES = [0x6a, 0x6b] as const;

export const REGISTER = {
  funcCfgAccess: 0x01,
  fifoCtrl1: 0x07,
  fifoCtrl2: 0x08,
  fifoCtrl3: 0x09,
  fifoCtrl4: 0x0a,
  whoAmI: 0x0f,
  ctrl1Xl: 0x10,
  ctrl2G: 0x11,
  ctrl3C: 0x12,
  ctrl9Xl: 0x18,
  ctrl10C: 0x19,
  fifoStatus1: 0x3a,
  fifoStatus2: 0x3b,
  timestamp0: 0x40,
  internalFreqFine: 0x63,
  fifoDataOutTag: 0x78,
  fifoDataOutZH: 0x7e,
} as const;

export const ID = {
  model: 'LSM6DSO',
  name: 'WHO_AM_I',
  id: 0x6c,
  others: {
    105: 'LSM6DS3',
    106: 'LSM6DS3TR-C or LSM6DSL',
    107: 'LSM6DSR or ISM330DHCX',
    112: 'LSM6DSV16X',
  },
} as const;

/** SW_RESET clears itself; IF_INC steps the address through a burst; BDU holds both bytes of a value together. */
export const CTRL3_C = { swReset: 1 << 0, ifInc: 1 << 2, bdu: 1 << 6 } as const;
/** The reset value with the I3C interface off. */
export const CTRL9_XL_I3C_DISABLED = 0xe2;
export const CTRL10_C = { timestampEn: 1 << 5 } as const;
export const FIFO_STATUS2 = { overrunLatched: 1 << 3, full: 1 << 5, overrun: 1 << 6 } as const;

/** FIFO_MODE 110, continuous: the oldest word is overwritten. ODR_TS_BATCH 10: a timestamp word every 8 slots. */
export const FIFO_CTRL4_CONTINUOUS = 0b110;
export const FIFO_CTRL4_TIMESTAMP_EVERY_8 = 0b10 << 6;
export const TIMESTAMP_EVERY = 8;

/** 3 kB of words, each a tag and 6 bytes. */
export const FIFO_WORDS = 512;
export const FIFO_WORD_BYTES = 7;

/** TAG_SENSOR of FIFO_DATA_OUT_TAG. */
export const TAG = { empty: 0x00, gyro: 0x01, accel: 0x02, temperature: 0x03, timestamp: 0x04 } as const;

/** Output data rates by their name in Hz, in the order of the codes of ODR_XL, ODR_G, BDR_XL and BDR_GY from 0001. */
export const DATA_RATES = [12.5, 26, 52, 104, 208] as const;
export type DataRate = (typeof DATA_RATES)[number];
export const dataRateCode = (rate: DataRate): number => DATA_RATES.indexOf(rate) + 1;

/**
 * Ticks of the timestamp between samples. Both come from one oscillator (AN5192: 6667 Hz divided by 512 … 32, and 40 kHz), so
 * this is exact, whatever that oscillator really does.
 */
export const ticksPerSample = (rate: DataRate): number => 6144 >> dataRateCode(rate);

/** One tick, ns, by TIMESTAMP and INTERNAL_FREQ_FINE (a signed byte, 0.15 % a step). */
export const tickNs = (freqFine: number): number => 25_000 / (1 + 0.0015 * freqFine);

/** FS_XL with XL_FS_MODE 0; the order of the codes is the part's own. */
export const ACCEL_RANGES_G = [2, 4, 8, 16] as const;
export type AccelRangeG = (typeof ACCEL_RANGES_G)[number];
const ACCEL_CODES: Readonly<Record<AccelRangeG, number>> = { 2: 0b00, 16: 0b01, 4: 0b10, 8: 0b11 };

/** FS_G and FS_125 together. */
export const GYRO_RANGES_DPS = [125, 250, 500, 1000, 2000] as const;
export type GyroRangeDps = (typeof GYRO_RANGES_DPS)[number];
const GYRO_CODES: Readonly<Record<GyroRangeDps, number>> = {
  250: 0b000,
  125: 0b001,
  500: 0b010,
  1000: 0b100,
  2000: 0b110,
};

export const ctrl1XlByte = (rate: DataRate, range: AccelRangeG): number =>
  (dataRateCode(rate) << 4) | (ACCEL_CODES[range] << 2);

export const ctrl2GByte = (rate: DataRate, range: GyroRangeDps): number =>
  (dataRateCode(rate) << 4) | (GYRO_CODES[range] << 1);

/** The other way round, for the twin; undefined where the field says power-down or a rate that is not offered. */
export const dataRateOf = (ctrl: number): DataRate | undefined => DATA_RATES[(ctrl >> 4) - 1];
export const accelRangeOf = (ctrl1Xl: number): AccelRangeG =>
  ACCEL_RANGES_G.find((range) => ACCEL_CODES[range] === ((ctrl1Xl >> 2) & 0b11)) ?? 2;
export const gyroRangeOf = (ctrl2G: number): GyroRangeDps =>
  GYRO_RANGES_DPS.find((range) => GYRO_CODES[range] === ((ctrl2G >> 1) & 0b111)) ?? 250;
