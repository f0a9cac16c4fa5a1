import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import type { I2cTwin } from '../../drivers/contract/index.js';
import { openBoardWith } from '../../runtime/board/board.js';
import { createWorld, registry } from '../../runtime/board/index.js';
import type { I2cBusModule } from '../../runtime/board/linux-i2c.js';
import { nodeConfig, partConfig, testDeps } from '../board/fixture.js';
import { driverContract, type OpenDriver } from '../contract/driver.js';
import { SimClock } from '../support/sim-clock.js';
import { needs, rig } from './rig.js';
import { serveTwinsOnAdapter } from './twins-on-adapter.js';

const STEP_MS = 10;
/** A transfer takes real time, in which the suite's clock stands: so many turns of the loop without one, and nobody waits for the bus. */
const QUIET_TURNS = 3;

/** The real driver on the real kernel's bus; its twin is behind the kernel, in simulated time. */
const openOnRealBus: OpenDriver = async (definition, twin, attachment, change) => {
  assert.equal(attachment.kind, 'i2c');
  const clock = new SimClock();
  const worldAt = createWorld(1, 1_750_000_000_000_000_000n);
  const address = definition.addresses![0]!;
  const stop = serveTwinsOnAdapter(new Map([[address, twin as I2cTwin]]), () =>
    change(worldAt(clock.nowNs())),
  );
  const traffic = countTraffic();
  const config = nodeConfig([partConfig('part', definition, attachment)], {
    kind: 'linux',
    i2c: { 'i2c-9': { pins: [], timeoutMs: 1000, device: rig.bus().device } },
  });
  const board = await openBoardWith(
    config,
    { drivers: [definition], twins: [] },
    testDeps({ clock, loaders: { i2cBus: async () => traffic.module } }),
  );
  assert.deepEqual(
    board.missing.map(({ error }) => error),
    [],
  );
  return {
    driver: board.parts[0]!.driver,
    nowNs: () => clock.nowNs(),
    async advance(ms) {
      for (let doneMs = 0; doneMs < ms; doneMs += STEP_MS) {
        await traffic.quiet();
        await clock.advance(Math.min(STEP_MS, ms - doneMs));
      }
      await traffic.quiet();
    },
    async close() {
      await board.close();
      stop();
    },
  };
};

/** The package i2c-bus, counting the calls that are under way. */
function countTraffic() {
  let calls = 0;
  const counted = async <T>(call: () => Promise<T>): Promise<T> => {
    calls++;
    try {
      return await call();
    } finally {
      calls--;
    }
  };
  const real = createRequire(import.meta.url)('i2c-bus') as I2cBusModule;
  const module: I2cBusModule = {
    openPromisified: (busNumber) =>
      counted(async () => {
        const bus = await real.openPromisified(busNumber);
        return {
          i2cRead: (...args) => counted(() => bus.i2cRead(...args)),
          i2cWrite: (...args) => counted(() => bus.i2cWrite(...args)),
          readI2cBlock: (...args) => counted(() => bus.readI2cBlock(...args)),
          writeI2cBlock: (...args) => counted(() => bus.writeI2cBlock(...args)),
          close: () => counted(() => bus.close()),
        };
      }),
  };
  return {
    module,
    async quiet() {
      for (let turns = 0; turns < QUIET_TURNS; turns = calls > 0 ? 0 : turns + 1) {
        await new Promise((resolve) => setImmediate(resolve));
      }
    },
  };
}

needs('buses.main.twins');
for (const definition of registry.drivers.filter((driver) => driver.attachment === 'i2c')) {
  const twin = registry.twins.find((candidate) => candidate.id === definition.id);
  if (twin) driverContract(definition, twin, openOnRealBus);
}
