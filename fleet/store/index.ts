export { STORE_MIGRATIONS } from './migrations.js';
export { openStore } from './store.js';
export * from './types.js';
