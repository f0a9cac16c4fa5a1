/**
 * Magnetometer twins in a process of their own, which count the measurements that they handed out: what was produced, by somebody
 * whom no kill of the node touches. `node counting-twins.js <socket>…` serves two a socket; a line on stdin is answered by the
 * counts as JSON, `{"<socket> <address>": count}`.
 */
import type { I2cTwin, World } from '../../drivers/contract/index.js';
import { native } from '../../native/index.js';
import { createWorld, registry, serveTwins } from '../../runtime/board/index.js';
import { systemClock } from '../../runtime/clock/index.js';

const ADDRESSES = [0x1c, 0x1e];
/** LIS3MDL (DocID024204): the driver's burst from CTRL_REG1 (20h) holds STATUS_REG (27h), whose bit 3 says that a new set is in it. */
const STATUS_IN_BURST = 0x27 - 0x20;
const ZYXDA = 0x08;

const definition = registry.twins.find((candidate) => candidate.id === 'lis3mdl')!;
const counts: Record<string, number> = {};

/** The twin itself, with a tally of the bursts that carried a new measurement. */
function counted(key: string): I2cTwin {
  const twin = definition.create(Math.random) as I2cTwin;
  counts[key] = 0;
  return {
    attachment: 'i2c',
    faults: twin.faults,
    powerCycle: () => twin.powerCycle(),
    write: (bytes: Uint8Array, world: World) => twin.write(bytes, world),
    read: (length: number, world: World) => {
      const bytes = twin.read(length, world);
      if (length > STATUS_IN_BURST + 6 && bytes[STATUS_IN_BURST]! & ZYXDA) counts[key] = counts[key]! + 1;
      return bytes;
    },
  };
}

const worldAt = createWorld(1, 0n);
for (const path of process.argv.slice(2)) {
  const twins = new Map(ADDRESSES.map((address) => [address, counted(`${path} ${address}`)]));
  await serveTwins(path, twins, () => worldAt(native.bootTimeNs()), {
    random: Math.random,
    clock: systemClock(),
  });
}
process.stdin.on('data', () => process.stdout.write(`${JSON.stringify(counts)}\n`));
process.stdin.on('end', () => process.exit(0));
process.stdout.write('ready\n');
