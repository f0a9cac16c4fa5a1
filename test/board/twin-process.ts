/**
 * Twins in a process of their own: `node twin-process.js <socket> <part>@<address>…`, such as `bme280@0x76`. Says `ready` once it
 * serves; SIGTERM ends it. What it served is asked over the socket, so it outlives any kill of the node.
 */
import type { I2cTwin } from '../../drivers/contract/index.js';
import { native } from '../../native/index.js';
import { createWorld, registry, serveTwins } from '../../runtime/board/index.js';
import { realClock, seeded } from './fixture.js';

const [path, ...parts] = process.argv.slice(2);
if (path === undefined || parts.length === 0)
  throw new Error('usage: twin-process <socket> <part>@<address>…');
const random = seeded(1);
const twins = new Map<number, I2cTwin>(
  parts.map((part) => {
    const [id, address] = part.split('@');
    const twin = registry.twins.find((candidate) => candidate.id === id)?.create(random);
    if (twin?.attachment !== 'i2c') throw new Error(`${id} has no twin on I2C`);
    return [Number(address), twin];
  }),
);
const worldAt = createWorld(1, BigInt(Date.now()) * 1_000_000n - native.bootTimeNs());
const server = await serveTwins(path, twins, () => worldAt(native.bootTimeNs()), {
  random,
  clock: realClock,
});
process.once('SIGTERM', () => void server.close());
process.stdout.write('ready\n');
