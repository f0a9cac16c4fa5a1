import { halErrorKind, type I2cTwin, type World } from '../../drivers/contract/index.js';
import { type I2cMessage, serveAdapter, TransferError } from '../../hil/i2c-adapter/server.js';
import { rig, setup, sleep } from './rig.js';

/** SMBus 3.1, §6.5.7: a block is 1 to 32 bytes after its length. */
const BLOCK_MAX_BYTES = 33;

/**
 * Twins as parts on a real bus of the rig, until the returned function is called. A twin's fault `sdaStuck` is for buses without wires:
 * here a part holds the wires themselves (hil/i2c-adapter/wires.ts).
 */
export function serveTwinsOnAdapter(
  twins: ReadonlyMap<number, I2cTwin>,
  world: () => World,
  server = rig.bus().twins!,
  random = setup.random,
): () => void {
  return serveAdapter(server, async (messages) => {
    const twin = twins.get(messages[0]!.address);
    if (!twin || random() < twin.faults.noAcknowledgeProbability) throw new TransferError('ENXIO');
    if (twin.faults.stretchMs > 0) await sleep(twin.faults.stretchMs);
    return Uint8Array.from(messages.flatMap((message) => perform(twin, message, world())));
  });
}

/** The bytes that one message reads. What a part refuses while it is written to is a byte; while it is read from, its address. */
function perform(twin: I2cTwin, { write, read, isBlock }: I2cMessage, world: World): readonly number[] {
  try {
    if (write) {
      if (write.length > 0) twin.write(write, world); // SMBus quick is an address and nothing else
      return [];
    }
    const bytes = twin.read(isBlock ? BLOCK_MAX_BYTES : read!, world);
    return [...(isBlock ? bytes.subarray(0, 1 + bytes[0]!) : bytes)];
  } catch (error) {
    if (halErrorKind(error) !== 'noAcknowledge') throw error;
    throw new TransferError(write ? 'EREMOTEIO' : 'ENXIO');
  }
}
