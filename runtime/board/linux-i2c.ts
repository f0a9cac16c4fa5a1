import { constants } from 'node:fs';
import { access, readlink, realpath } from 'node:fs/promises';
import { basename } from 'node:path';
import { HalError, i2cWhere } from '../../drivers/contract/index.js';
import type { BoardSetup } from './deps.js';
import { errnoName, errorText, toHalError } from './errno.js';
import type { I2cTransfer, RawI2c } from './i2c-queue.js';

/** What is used of npm `i2c-bus`: its promised calls, each of which runs on libuv's pool. */
export interface PromisedBus {
  i2cRead(address: number, length: number, buffer: Buffer): Promise<{ bytesRead: number; buffer: Buffer }>;
  i2cWrite(address: number, length: number, buffer: Buffer): Promise<unknown>;
  readI2cBlock(
    address: number,
    register: number,
    length: number,
    buffer: Buffer,
  ): Promise<{ bytesRead: number; buffer: Buffer }>;
  writeI2cBlock(address: number, register: number, length: number, buffer: Buffer): Promise<unknown>;
  close(): Promise<void>;
}
export interface I2cBusModule {
  openPromisified(busNumber: number): Promise<PromisedBus>;
}

const LOOK_AT_THE_PART = 'check its wires, its supply and its address';

/** How adapters say what went wrong on the wire: Documentation/i2c/fault-codes.rst, and EREMOTEIO as many drivers do. */
const ON_THE_WIRE = {
  ENXIO: ['noAcknowledge', 'nobody acknowledged the address', LOOK_AT_THE_PART],
  EREMOTEIO: ['noAcknowledge', 'nobody acknowledged the address or a byte', LOOK_AT_THE_PART],
  EAGAIN: ['arbitrationLost', 'another controller took the bus'],
  ETIMEDOUT: ['timeout', 'the adapter gave the transfer up', 'a part may hold the clock or the data line'],
  EBUSY: [
    'busStuck',
    'the bus never fell idle: a part holds the data line low, and the kernel could not clock it free',
    'cut the supply of its parts, or take them off one by one',
  ],
  ENODEV: ['disconnected', 'the bus went away'],
  EBADF: ['disconnected', 'the bus went away'],
  EACCES: ['denied', 'this user may not open it', 'add it to the group i2c'],
  EPERM: ['denied', 'this user may not open it', 'add it to the group i2c'],
} as const;

const NOTHING = new Uint8Array(0);

/** Opens the device behind a path such as `/dev/i2c-1`, or a link to one. HalError `absent`, `denied` or `unsupported`. */
export async function openLinuxI2c(
  name: string,
  device: string,
  setup: Pick<BoardSetup, 'loaders'>,
): Promise<RawI2c> {
  const where = `${name} (${device})`;
  const busNumber = await findBusNumber(where, device);
  const module = await loadI2cBus(where, setup);
  return openBusNumber(name, busNumber, module);
}

/** The same with the package given: its tests give one that fails as they wish. */
export async function openBusNumber(name: string, busNumber: number, module: I2cBusModule): Promise<RawI2c> {
  return new LinuxI2c(name, busNumber, module, await module.openPromisified(busNumber));
}

async function findBusNumber(where: string, device: string): Promise<number> {
  const path = await realpath(device).catch((error) => {
    throw toHalError(error, where, {
      ENOENT: [
        'absent',
        'there is no such bus',
        'switch I2C on (on a Raspberry Pi: dtparam=i2c_arm=on in config.txt) and load i2c-dev',
      ],
    });
  });
  const match = /^\/dev\/i2c-(\d+)$/.exec(path);
  if (!match) throw new HalError('invalid', where, `${path} is not an I2C bus: /dev/i2c-<number> is wanted`);
  await access(path, constants.R_OK | constants.W_OK).catch((error) => {
    throw toHalError(error, where, ON_THE_WIRE);
  });
  return Number(match[1]);
}

/** The package's exports, whether the loader gave them bare or as `default`. */
export async function loadI2cBus(where: string, setup: Pick<BoardSetup, 'loaders'>): Promise<I2cBusModule> {
  const loaded = await setup.loaders.i2cBus().catch((error: unknown) => {
    throw new HalError('unsupported', where, `the package i2c-bus cannot be loaded: ${errorText(error)}`, {
      cause: error,
      hint: 'install a C++ compiler and make, then: npm rebuild i2c-bus',
    });
  });
  const { default: exported = loaded } = loaded as { default?: unknown };
  return exported as I2cBusModule;
}

/**
 * One `/dev/i2c-N` through i2c-bus. The package keeps a descriptor an address, cached before the address is set on it: after a
 * first call to an address failed, a later one might go to address 0, so the whole bus is closed and opened again.
 */
class LinuxI2c implements RawI2c {
  readonly #proven = new Set<number>();

  constructor(
    private readonly name: string,
    private readonly busNumber: number,
    private readonly module: I2cBusModule,
    private bus: PromisedBus,
  ) {}

  async transfer(address: number, transfer: I2cTransfer): Promise<Uint8Array> {
    try {
      const bytes = await perform(this.bus, address, transfer);
      this.#proven.add(address);
      return bytes;
    } catch (error) {
      const where = i2cWhere(this.name, address);
      const holder = await this.#holderOf(address, error);
      if (!this.#proven.has(address)) await this.#reopen();
      throw holder ? heldByKernel(where, holder, error) : toHalError(error, where, ON_THE_WIRE);
    }
  }

  /** The kernel's driver has given its clocks and its STOP before a transfer fails, where it can: nothing is left to do here. */
  async recover(): Promise<boolean> {
    return false;
  }

  close(): Promise<void> {
    return this.bus.close();
  }

  /** The kernel driver that an address is refused for: `lm75`. Undefined where the failure is another one. */
  async #holderOf(address: number, error: unknown): Promise<string | undefined> {
    if (errnoName(error) !== 'EBUSY' || (error as { syscall?: string }).syscall !== 'setAddr')
      return undefined;
    const device = `${this.busNumber}-${address.toString(16).padStart(4, '0')}`;
    const driver = await readlink(`/sys/bus/i2c/devices/${device}/driver`).catch(() => 'unknown');
    return basename(driver);
  }

  async #reopen(): Promise<void> {
    this.#proven.clear();
    await this.bus.close();
    this.bus = await this.module.openPromisified(this.busNumber);
  }
}

function heldByKernel(where: string, driver: string, cause: unknown): HalError {
  return new HalError('busy', where, `the kernel driver "${driver}" holds this address [EBUSY]`, {
    cause,
    hint: 'see /sys/bus/i2c/devices; unbind that driver, or take the part out of the device tree',
  });
}

async function perform(bus: PromisedBus, address: number, transfer: I2cTransfer): Promise<Uint8Array> {
  switch (transfer.kind) {
    case 'read': {
      const { bytesRead, buffer } = await bus.i2cRead(
        address,
        transfer.length,
        Buffer.alloc(transfer.length),
      );
      return new Uint8Array(buffer.subarray(0, bytesRead));
    }
    case 'write':
      await bus.i2cWrite(address, transfer.bytes.length, Buffer.from(transfer.bytes));
      return NOTHING;
    case 'readRegisters': {
      const { register, length } = transfer;
      const { bytesRead, buffer } = await bus.readI2cBlock(address, register, length, Buffer.alloc(length));
      return new Uint8Array(buffer.subarray(0, bytesRead));
    }
    case 'writeRegisters': {
      const { register, bytes } = transfer;
      await bus.writeI2cBlock(address, register, bytes.length, Buffer.from(bytes));
      return NOTHING;
    }
  }
}
