import type { I2cTwin, I2cTwinFaults, Twin } from '../../drivers/contract/index.js';
import { createWorld, registry } from '../../runtime/board/index.js';
import { MemoryTwin, realClock, seeded } from '../board/fixture.js';
import type { TwinCommand, TwinServerSpec } from './twin-process.js';
import { serveTwinsOnAdapter } from './twins-on-adapter.js';

/** The process of a TwinProcess: serves its parts on one bus, does what its parent says, and ends with it. */
const { server, parts, seed, worldSeed } = JSON.parse(process.argv[2]!) as TwinServerSpec;
const random = seeded(seed);
const twins = new Map(parts.map(({ driver, address }) => [address, make(driver)]));
const worldAt = createWorld(worldSeed, 0n);
const stop = serveTwinsOnAdapter(twins, () => worldAt(realClock.nowNs()), server, random);

process.on('message', (command: TwinCommand) => {
  const twin = twins.get(command.address)!;
  if (command.faults) Object.assign(twin.faults, command.faults satisfies Partial<I2cTwinFaults>);
  if (command.powerCycle) twin.powerCycle();
  process.send!('done');
});
process.once('disconnect', stop);
process.send!('ready');

function make(driver: string): I2cTwin {
  if (driver === 'memory') return new MemoryTwin();
  const twin: Twin = registry.twins.find(({ id }) => id === driver)!.create(random);
  if (twin.attachment !== 'i2c') throw new Error(`${driver} is no part on I2C`);
  return twin;
}
