import { HalError, halErrorKind, i2cWhere } from '../../../drivers/contract/index.js';
import { errorText } from '../errno.js';
import type { Wires } from '../types.js';
import { BLOCKED, BLOCKED_ENOUGH } from './i2c-scan.js';

export const REGISTERS_MAX = 256;

export interface RegisterRange {
  readonly bus: string;
  readonly address: number;
  /** 0 to 255. */
  readonly from: number;
  /** 1 to 256; ends at register 255 in any case. */
  readonly count: number;
  /** Of each register: 2 where the part's are 16 bits wide, high byte first. */
  readonly width: 1 | 2;
}

export interface Registers {
  readonly where: string;
  readonly from: number;
  /** One each; null where it can't be read. */
  readonly values: readonly (number | null)[];
  /** Why it was not read further. */
  readonly trouble?: string;
}

/**
 * Reads each register by its own number, one transfer each, so that it does not matter how a part steps on. Writes nothing but that number. A
 * read may clear a flag, or take a sample out of a queue: whoever asks has been told.
 */
export async function readRegisters(
  wires: Pick<Wires, 'i2c'>,
  { bus: name, address, from, count, width }: RegisterRange,
  signal: AbortSignal,
): Promise<Registers> {
  const where = i2cWhere(name, address);
  const bus = await wires.i2c(name);
  const values: (number | null)[] = [];
  let blocked = 0;
  let last: unknown;
  for (let at = from; at < Math.min(from + count, REGISTERS_MAX); at++) {
    if (signal.aborted) return { where, from, values, trouble: 'interrupted' };
    try {
      const [high = 0, low] = await bus.readRegisters(address, at, width);
      values.push(low === undefined ? high : high * 256 + low);
      blocked = 0;
    } catch (error) {
      values.push(null);
      last = error;
      blocked = BLOCKED.includes(halErrorKind(error)) ? blocked + 1 : 0;
      if (blocked >= BLOCKED_ENOUGH) return { where, from, values, trouble: errorText(error) };
    }
  }
  if (values.length > 0 && values.every((value) => value === null))
    throw last instanceof HalError ? last : new HalError('io', where, errorText(last));
  return { where, from, values };
}
