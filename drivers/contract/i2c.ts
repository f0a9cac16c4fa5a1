import { HalError } from './error.js';

/** The longest transfer in bytes: the limit of the kernel's SMBus emulation, which every adapter meets. */
export const I2C_MAX_BYTES = 32;

/**
 * One I2C bus. Transfers run one at a time in the order of the calls, each bounded in time by the backend. Every method
 * rejects with a HalError whose `where` names the bus and the address (`i2c-1 0x76`).
 */
export interface I2cBus {
  /** As people know it: `i2c-1`. */
  readonly name: string;
  /** Plain read, 1 to 32 bytes. Resolves to exactly `length` bytes. */
  read(address: number, length: number): Promise<Uint8Array>;
  /** Plain write, 1 to 32 bytes. */
  write(address: number, bytes: Uint8Array): Promise<void>;
  /** Writes the register number, repeated start, reads `length` (1 to 32) bytes. */
  readRegisters(address: number, register: number, length: number): Promise<Uint8Array>;
  /** Writes the register number and 1 to 31 bytes in one transfer. */
  writeRegisters(address: number, register: number, bytes: Uint8Array): Promise<void>;
  close(): Promise<void>;
}

/** One part's handle on a bus: what an I2C driver owns. */
export interface I2cDevice {
  /** `i2c-1 0x76` */
  readonly where: string;
  read(length: number): Promise<Uint8Array>;
  write(bytes: Uint8Array): Promise<void>;
  readRegisters(register: number, length: number): Promise<Uint8Array>;
  writeRegisters(register: number, bytes: Uint8Array): Promise<void>;
}

/** `i2c-1 0x76`: how a bus and an address are named in every text. */
export function i2cWhere(busName: string, address: number): string {
  return `${busName} 0x${address.toString(16).padStart(2, '0')}`;
}

export function i2cDevice(bus: I2cBus, address: number): I2cDevice {
  const where = i2cWhere(bus.name, address);
  if (!Number.isInteger(address) || address < 0x03 || address > 0x77) {
    throw new HalError('invalid', where, 'not a 7-bit address that a part may have', {
      hint: 'give one from 0x03 to 0x77',
    });
  }
  return {
    where,
    read: (length) => bus.read(address, length),
    write: (bytes) => bus.write(address, bytes),
    readRegisters: (register, length) => bus.readRegisters(address, register, length),
    writeRegisters: (register, bytes) => bus.writeRegisters(address, register, bytes),
  };
}
