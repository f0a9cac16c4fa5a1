import { open } from './open.js';
import type { StoreOptions } from './options.js';
import { LevelStore } from './store.js';
import type { Store } from './types.js';

export { type DeadLetterText, deadLetterTexts } from './dead.js';
export { realFiles, storeDefaults } from './defaults.js';
export { storageDevice } from './device.js';
export { StoreError, type StoreErrorKind } from './error.js';
export { flashOf } from './flash.js';
export { type ForecastStream, forecastWear, type WearForecast } from './forecast.js';
export type {
  FlashSpec,
  LevelDb,
  LevelOperation,
  LevelOptions,
  PlainFile,
  StorageDevice,
  StoreDeps,
  StoreFiles,
  StoreLog,
  StoreOptions,
} from './options.js';
export * from './types.js';
export {
  type ExportedBlock,
  exportBlocks,
  type Range,
  readDeadLetters,
  type StreamVerdict,
  type Verdict,
  verifyStore,
} from './verify.js';

/**
 * Opens the store at `options.path`, or makes one. Resolves once it has recovered and numbers can be given. Rejects with a StoreError:
 * `locked`, `newerFormat`, `foreignNode`, or `io` where the disk refuses (then try later: nothing was lost).
 */
export async function openStore(options: StoreOptions): Promise<Store> {
  return LevelStore.start(await open(options), options);
}
