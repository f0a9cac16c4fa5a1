import { type I2cTwin, noI2cFaults, type World } from './twin.js';

/** 128 registers behind a pointer, as ST's parts have them: a write begins with the register, and each byte steps on as the part steps. */
export abstract class TwinRegisters implements I2cTwin {
  readonly attachment = 'i2c';
  readonly faults = noI2cFaults();
  protected readonly registers = new Uint8Array(128);
  protected pointer = 0;

  abstract powerCycle(): void;

  write(bytes: Uint8Array, world: World): void {
    this.settle(world);
    this.point(bytes[0]!);
    for (const value of bytes.subarray(1)) {
      this.set(this.pointer, value, world);
      this.step();
    }
  }

  read(length: number, world: World): Uint8Array {
    this.settle(world);
    const bytes = new Uint8Array(length);
    for (let i = 0; i < length; i++) {
      bytes[i] = this.get(this.pointer);
      this.step();
    }
    return bytes;
  }

  /** Brings the registers to the present moment. */
  protected abstract settle(world: World): void;
  protected abstract set(register: number, value: number, world: World): void;
  /** Where the pointer goes after a byte. */
  protected abstract step(): void;

  /** The first byte of a write: 7 bits of register. */
  protected point(first: number): void {
    this.pointer = first & 0x7f;
  }

  /** What a read of a register gives, and does. */
  protected get(register: number): number {
    return this.registers[register]!;
  }
}
