export * from './meta.js';
export * from './records.js';
export * from './topics.js';
