export { systemClock } from './clock.js';
export { Registry } from './registry.js';
export type { Say } from './runner.js';
export { Services } from './services.js';
export * from './types.js';
