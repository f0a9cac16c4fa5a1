export { channelsOf, type NodeFacts, nodeFacts, type RowWhen, rowTimes } from './facts.js';
export { STORE_MIGRATIONS } from './migrations.js';
export { openStore } from './store.js';
export * from './types.js';
