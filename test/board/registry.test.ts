import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openBoardWith } from '../../runtime/board/board.js';
import { createWorld, registry } from '../../runtime/board/index.js';
import { driverContract, type OpenDriver } from '../contract/driver.js';
import { SimClock } from '../support/sim-clock.js';
import { nodeConfig, partConfig, testDeps } from './fixture.js';

/** The real driver on the real twin backend, in simulated time. */
const openOnTwinBoard: OpenDriver = async (definition, twin, attachment, change) => {
  const clock = new SimClock();
  const worldAt = createWorld(1, 1_750_000_000_000_000_000n);
  const board = await openBoardWith(
    nodeConfig([partConfig('part', definition, attachment)]),
    {
      drivers: [definition],
      twins: [{ id: definition.id, attachment: attachment.kind, create: () => twin }],
    },
    testDeps({ clock, world: (timeNs) => change(worldAt(timeNs)) }),
  );
  assert.deepEqual(
    board.missing.map(({ error }) => error),
    [],
  );
  return {
    driver: board.parts[0]!.driver,
    nowNs: () => clock.nowNs(),
    advance: (ms) => clock.advance(ms),
    close: () => board.close(),
  };
};

test('every driver has a twin, and no two the same name', () => {
  const ids = registry.drivers.map((driver) => driver.id);
  assert.equal(new Set(ids).size, ids.length);
  assert.deepEqual([...ids].sort(), registry.twins.map((twin) => twin.id).sort());
  assert.ok(ids.includes('bme280'));
});

for (const definition of registry.drivers) {
  const twin = registry.twins.find((candidate) => candidate.id === definition.id);
  if (twin) driverContract(definition, twin, openOnTwinBoard);
}
