export * from './records.js';
export * from './topics.js';
