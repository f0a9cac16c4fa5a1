import { type Handles, i2cDevice } from '../../drivers/contract/index.js';
import type { RuntimeClock } from '../clock/types.js';
import type { PartConfig } from '../config/types.js';
import type { Closable, Wires } from './types.js';

/** What a part's driver is given to own. */
export interface Attached {
  readonly handles: Handles[keyof Handles];
  readonly where: string;
  /** The part's own; absent for what parts share. */
  readonly own?: Closable;
}

/** Opens the port or the line of a part, or finds its bus. */
export async function attach(config: PartConfig, wires: Wires, clock: RuntimeClock): Promise<Attached> {
  const { attachment } = config;
  switch (attachment.kind) {
    case 'i2c': {
      const device = i2cDevice(await wires.i2c(attachment.bus), attachment.address);
      return { handles: { device, clock }, where: device.where };
    }
    case 'serial': {
      const port = await wires.serial(config);
      return { handles: { port, clock }, where: port.where, own: port };
    }
    case 'gpio': {
      const line = await wires.gpio(config);
      return { handles: { line, clock }, where: line.where, own: line };
    }
    case 'system':
      return { handles: { files: wires.system(), clock }, where: 'system' };
  }
}
