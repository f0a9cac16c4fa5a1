export * from './anchors.js';
export * from './kept-time.js';
export * from './machine.js';
export * from './system.js';
export type * from './types.js';
