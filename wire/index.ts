export { DRIFT_PPB, type KnownTime } from './boot-times.js';
export * from './cells.js';
export * from './key-id.js';
export * from './meta.js';
export * from './receipt.js';
export * from './records.js';
export * from './senml.js';
export * from './times.js';
export * from './topics.js';
