export * from './anchors.js';
export * from './system.js';
export type * from './types.js';
