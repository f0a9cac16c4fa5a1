import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { I2cTwinFaults } from '../../drivers/contract/index.js';

export interface TwinServerSpec {
  /** `/dev/cairn-i2c-0` */
  readonly server: string;
  /** `driver`: the id of a driver with a twin, or `memory`. */
  readonly parts: readonly { readonly driver: string; readonly address: number }[];
  /** Of the twins' own randomness, and of the world around them. */
  readonly seed: number;
  readonly worldSeed: number;
}
export interface TwinCommand {
  readonly address: number;
  readonly faults?: Partial<I2cTwinFaults>;
  readonly powerCycle?: true;
}

/** Twins that another process serves on a bus: they share neither the suite's event loop nor its fate. */
export class TwinProcess {
  static async start(spec: TwinServerSpec): Promise<TwinProcess> {
    const child = fork(join(import.meta.dirname, 'twin-server.js'), [JSON.stringify(spec)]);
    await once(child, 'message');
    return new TwinProcess(child);
  }

  private constructor(private readonly child: ChildProcess) {}

  /** Faults of one part, from now on. */
  set(address: number, faults: Partial<I2cTwinFaults>): Promise<void> {
    return this.#tell({ address, faults });
  }

  powerCycle(address: number): Promise<void> {
    return this.#tell({ address, powerCycle: true });
  }

  /** All its parts vanish, in the middle of whatever they do. */
  async kill(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    this.child.kill('SIGKILL');
    await once(this.child, 'exit');
  }

  async #tell(command: TwinCommand): Promise<void> {
    this.child.send(command);
    await once(this.child, 'message');
  }
}
