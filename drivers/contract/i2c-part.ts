import type { Clock } from './clock.js';
import { HalError } from './error.js';
import type { I2cDevice } from './i2c.js';

/** A bit that resets a part, and that the part takes off when it is done. */
export interface ResetBit {
  readonly register: number;
  readonly bit: number;
  /** How long after each other it is looked at, ms, and how often at most. */
  readonly waitMs: number;
  readonly waits: number;
}

/** HalError `timeout` where the part doesn't come back. */
export async function resetByBit(device: I2cDevice, clock: Clock, reset: ResetBit): Promise<void> {
  const { register, bit, waitMs, waits } = reset;
  await device.writeRegisters(register, Uint8Array.of(bit));
  for (let wait = 0; wait < waits; wait++) {
    await clock.delay(waitMs);
    const [value] = await device.readRegisters(register, 1);
    if (!(value! & bit)) return;
  }
  throw new HalError('timeout', device.where, `still resetting after ${waits * waitMs} ms`);
}

/** What a read-back that differs from what was written means. */
export function lostConfiguration(where: string): HalError {
  return new HalError('lostConfiguration', where, 'its configuration is not what was written', {
    hint: 'it has reset itself: look at its supply',
  });
}
