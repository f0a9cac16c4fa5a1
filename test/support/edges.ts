import type { GpioTwin } from '../../drivers/contract/index.js';

/** Counts the edges that a twin makes, with nothing of the node between. */
export function countEdges(twin: GpioTwin): { edges: number } {
  const made = { edges: 0 };
  const changes = twin.changes.bind(twin);
  twin.changes = (world) => {
    const changed = changes(world);
    made.edges += changed.timesNs.length;
    return changed;
  };
  return made;
}
