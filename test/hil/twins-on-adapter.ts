import { constants } from 'node:os';
import { type HalErrorKind, halErrorKind, type I2cTwin, type World } from '../../drivers/contract/index.js';
import { type I2cMessage, serveAdapter } from '../../hil/i2c-adapter/server.js';
import type { RawI2c } from '../../runtime/board/i2c-queue.js';
import { TwinI2c } from '../../runtime/board/twin-i2c.js';
import { rig, setup } from './rig.js';

/** What the adapters of boards say: Documentation/i2c/fault-codes.rst. */
const ERRNO: Partial<Record<HalErrorKind, number>> = {
  noAcknowledge: constants.errno.ENXIO,
  timeout: constants.errno.ETIMEDOUT,
  busStuck: constants.errno.EBUSY,
};

/** Twins as parts on the rig's real bus, until the returned function is called. */
export function serveTwinsOnAdapter(twins: ReadonlyMap<number, I2cTwin>, world: () => World): () => void {
  const bus = new TwinI2c({ name: 'rig', twins, world, random: setup.random, after: setup.after });
  const errnoOf = (error: unknown) => ERRNO[halErrorKind(error) as HalErrorKind] ?? constants.errno.EIO;
  return serveAdapter(rig.bus().twins!, (messages) => perform(bus, messages), errnoOf);
}

async function perform(bus: RawI2c, messages: readonly I2cMessage[]): Promise<Uint8Array> {
  const read: number[] = [];
  for (const { address, write: bytes, read: length } of messages) {
    if (bytes) await bus.transfer(address, { kind: 'write', bytes });
    else read.push(...(await bus.transfer(address, { kind: 'read', length: length! })));
  }
  return Uint8Array.from(read);
}
