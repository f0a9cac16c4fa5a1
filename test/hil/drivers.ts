import assert from 'node:assert/strict';
import type { I2cTwin } from '../../drivers/contract/index.js';
import { openBoardWith } from '../../runtime/board/board.js';
import { createWorld, registry } from '../../runtime/board/index.js';
import { nodeConfig, partConfig, testDeps } from '../board/fixture.js';
import { driverContract, type OpenDriver } from '../contract/driver.js';
import { SimClock } from '../support/sim-clock.js';
import { full, needs, rig } from './rig.js';
import { Traffic } from './traffic.js';
import { serveTwinsOnAdapter } from './twins-on-adapter.js';

needs('buses.main.twins');
/** `npm test` cuts each transfer off, over the twin alone; here each costs seconds. */
const CUT_STRIDE = full ? 1 : 3;
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
  const traffic = new Traffic();
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
      await traffic.quiet(QUIET_TURNS);
      for (let leftMs = ms; leftMs > 0; ) {
        const stepMs = clock.timers === 0 ? leftMs : Math.min(STEP_MS, leftMs); // nobody waits: nothing happens meanwhile
        await clock.advance(stepMs);
        await traffic.quiet(QUIET_TURNS);
        leftMs -= stepMs;
      }
    },
    async close() {
      await board.close();
      stop();
    },
  };
};

for (const definition of registry.drivers.filter((driver) => driver.attachment === 'i2c')) {
  const twin = registry.twins.find((candidate) => candidate.id === definition.id);
  if (twin) driverContract(definition, twin, openOnRealBus, CUT_STRIDE);
}
