export { believedMs } from './believed-day.js';
export {
  channelsOf,
  lockNodes,
  type NodeFacts,
  nodeFacts,
  type RowWhen,
  removedTo,
  rowNotAfter,
  rowTimes,
} from './facts.js';
export { type Cell, type GivenType, withGiven } from './given.js';
export { STORE_MIGRATIONS } from './migrations.js';
export { NodeHealth } from './node-health.js';
export { openStore } from './store.js';
export * from './types.js';
