export * from './anchors.js';
export * from './machine.js';
export * from './system.js';
export type * from './types.js';
