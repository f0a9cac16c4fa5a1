import { HalError, type I2cTwin, i2cWhere, type World } from '../../drivers/contract/index.js';
import type { After } from './deps.js';
import type { I2cTransfer, RawI2c } from './i2c-queue.js';

/** One attempt to clock a stuck bus free (UM10204 §3.1.16). */
const RECOVERY_CLOCKS = 9;
const NOTHING = new Uint8Array(0);

export interface TwinI2cSetup {
  readonly name: string;
  readonly twins: ReadonlyMap<number, I2cTwin>;
  readonly world: () => World;
  readonly random: () => number;
  readonly after: After;
  /** Told of each transfer that read something and was answered. */
  readonly onServed?: (address: number) => void;
}

/** Twins on one bus, with the faults of a bus between them and the driver. */
export class TwinI2c implements RawI2c {
  readonly #setup: TwinI2cSetup;
  readonly #clocksGiven = new Map<I2cTwin, number>();

  constructor(setup: TwinI2cSetup) {
    this.#setup = setup;
  }

  async transfer(address: number, transfer: I2cTransfer): Promise<Uint8Array> {
    const where = i2cWhere(this.#setup.name, address);
    this.#refuseWhenStuck(where);
    const twin = this.#setup.twins.get(address);
    if (!twin || this.#setup.random() < twin.faults.noAcknowledgeProbability) {
      throw new HalError('noAcknowledge', where, 'nobody acknowledged the address');
    }
    if (twin.faults.stretchMs > 0) await this.#pause(twin.faults.stretchMs);
    const bytes = perform(twin, transfer, this.#setup.world());
    if ('length' in transfer) this.#setup.onServed?.(address);
    return bytes;
  }

  async recover(): Promise<boolean> {
    for (const twin of this.#stuck()) {
      const clocks = (this.#clocksGiven.get(twin) ?? 0) + RECOVERY_CLOCKS;
      this.#clocksGiven.set(twin, clocks);
      if (clocks < twin.faults.sdaReleaseClocks) continue;
      twin.faults.sdaStuck = false;
      this.#clocksGiven.delete(twin);
    }
    return this.#stuck().length === 0;
  }

  async close(): Promise<void> {
    this.#clocksGiven.clear();
  }

  #stuck(): I2cTwin[] {
    return [...this.#setup.twins.values()].filter((twin) => twin.faults.sdaStuck);
  }

  #refuseWhenStuck(where: string): void {
    if (this.#stuck().length === 0) return;
    throw new HalError('busStuck', where, 'a part holds SDA low: no transfer is possible on the whole bus', {
      hint: 'the bus is clocked free if the part lets go; else cut its power',
    });
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.#setup.after(ms, resolve);
    });
  }
}

function perform(twin: I2cTwin, transfer: I2cTransfer, world: World): Uint8Array {
  switch (transfer.kind) {
    case 'read':
      return twin.read(transfer.length, world);
    case 'write':
      twin.write(transfer.bytes, world);
      return NOTHING;
    case 'readRegisters':
      twin.write(Uint8Array.of(transfer.register), world);
      return twin.read(transfer.length, world);
    case 'writeRegisters':
      twin.write(Uint8Array.of(transfer.register, ...transfer.bytes), world);
      return NOTHING;
  }
}
