import { type StoreDeps, type StoreOptions, storeDefaults } from '../../runtime/store/index.js';

/** In the watched folder, there before the first process starts: a node's image makes it. */
export const STORE = 'store';

/** The smallest store there is: its tables, logs and quotas are full after a few hundred rows. */
export const SMALL_BYTES = 1024 * 1024;

/** Of the stores that are cut, and of those that open what is left. */
export function crashOptions(path: string, change: Partial<StoreOptions> = {}): StoreOptions {
  return {
    path,
    node: '0123456789abcdef',
    machineId: 'machine-1',
    bootId: '11111111-1111-1111-1111-111111111111',
    software: 'crash states',
    sizeBytes: SMALL_BYTES,
    quotaPercent: { alarm: 10, event: 10, telemetry: 40, bulk: 20, log: 10 },
    commitIntervalMs: 5,
    reserveAheadMs: 100,
    memoryBytes: SMALL_BYTES,
    deps: quiet(),
    ...change,
  };
}

function quiet(): StoreDeps {
  return storeDefaults(() => undefined);
}
