import { HalError, type I2cTwin } from '../../drivers/contract/index.js';
import { createWorld, registry } from '../../runtime/board/index.js';
import { type I2cMessage, serveAdapter, TransferError } from '../i2c-adapter/server.js';
import type { Rig } from '../rig.js';

const WORLD_SEED = 1;

/**
 * The parts that the manifest hangs on a bus whose transfers are served from user space: their twins, healthy, for as long as the rig
 * runs. To a suite they are there as real parts are. Returns what takes them off.
 */
export function serveParts(rig: Rig): () => void {
  const stops = Object.values(rig.buses ?? {}).flatMap(({ twins, parts }) => {
    if (twins === undefined || parts === undefined) return [];
    const served = new Map(Object.values(parts).map(({ driver, address }) => [address, twinOf(driver)]));
    return [serveAdapter(twins, async (messages) => transfer(served, messages))];
  });
  return () => {
    for (const stop of stops) stop();
  };
}

function twinOf(driver: string): I2cTwin {
  const twin = registry.twins.find(({ id }) => id === driver)?.create(Math.random);
  if (twin?.attachment === 'i2c') return twin;
  throw new HalError('unsupported', driver, 'no I2C part of that name has a twin');
}

const startMs = performance.now();
const worldAt = createWorld(WORLD_SEED, BigInt(Date.now()) * 1_000_000n);

function transfer(parts: ReadonlyMap<number, I2cTwin>, messages: readonly I2cMessage[]): Uint8Array {
  const world = worldAt(BigInt(Math.round((performance.now() - startMs) * 1e6)));
  const part = parts.get(messages[0]!.address);
  if (!part) throw new TransferError('ENXIO');
  const read = messages.flatMap(({ write, read: length }) => {
    if (length !== undefined) return [...part.read(length, world)];
    if (write && write.length > 0) part.write(write, world); // SMBus quick is an address and nothing else
    return [];
  });
  return Uint8Array.from(read);
}
