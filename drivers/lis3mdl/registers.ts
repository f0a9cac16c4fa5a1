/**
 * Names and fields as in the datasheet of the LIS3MDL (DocID024204), register description, and in ST's own driver (lis3mdl-pid
 * `lis3mdl_reg.h`).
 */

/** SDO/SA1 low gives 0x1C, high 0x1E. */
export const ADDRESSES = [0x1c, 0x1e] as const;

export const REGISTER = {
  whoAmI: 0x0f,
  ctrlReg1: 0x20,
  ctrlReg2: 0x21,
  ctrlReg3: 0x22,
  ctrlReg4: 0x23,
  ctrlReg5: 0x24,
  statusReg: 0x27,
  outXL: 0x28,
  outZH: 0x2d,
} as const;

/** I2C operation: the top bit of the sub-address makes the part step through a burst. */
export const AUTO_INCREMENT = 0x80;

export const ID = { model: 'LIS3MDL', name: 'WHO_AM_I', id: 0x3d } as const;

/** What the control registers hold after power-on. */
export const RESET_VALUES = [0x10, 0x00, 0x03, 0x00, 0x00] as const;

export const CTRL_REG2 = { softRst: 1 << 2 } as const;
/** MD */
export const MODE = { continuous: 0b00, powerDown: 0b11 } as const;
export const MODE_MASK = 0b11;
/** Both bytes of a value are held together until they are read. */
export const CTRL_REG5 = { bdu: 1 << 6 } as const;
export const STATUS = { zyxda: 1 << 3, zyxor: 1 << 7 } as const;

/** DO, in the order of its codes from 000. */
export const DATA_RATES = [0.625, 1.25, 2.5, 5, 10, 20, 40, 80] as const;
export type DataRate = (typeof DATA_RATES)[number];

/** FS, in the order of its codes from 00. */
export const RANGES_GAUSS = [4, 8, 12, 16] as const;
export type RangeGauss = (typeof RANGES_GAUSS)[number];

/** OM and OMZ 11, ultra-high performance: the quietest, and it reaches 80 Hz. */
const ULTRA_HIGH_PERFORMANCE = 0b11;

export const ctrlReg1Byte = (rate: DataRate): number =>
  (ULTRA_HIGH_PERFORMANCE << 5) | (DATA_RATES.indexOf(rate) << 2);
export const ctrlReg2Byte = (range: RangeGauss): number => RANGES_GAUSS.indexOf(range) << 5;
export const CTRL_REG4_BYTE = ULTRA_HIGH_PERFORMANCE << 2;

export const dataRateOf = (ctrlReg1: number): DataRate => DATA_RATES[(ctrlReg1 >> 2) & 0b111] ?? 0.625;
export const rangeOf = (ctrlReg2: number): RangeGauss => RANGES_GAUSS[(ctrlReg2 >> 5) & 0b11] ?? 4;
