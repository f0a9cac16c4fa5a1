import { openError } from './database.js';
import { StoreError } from './error.js';
import { fittingBytes } from './keeper.js';
import { open } from './open.js';
import type { StoreOptions } from './options.js';
import { LevelStore } from './store.js';
import type { OpenStore } from './types.js';
import { type PatientStore, WaitingStore } from './waiting.js';

export { fits } from './chunk.js';
export { type DeadLetterText, deadLetterTexts } from './dead.js';
export { realFiles, storeDefaults } from './defaults.js';
export { storageDevice } from './device.js';
export { StoreError, type StoreErrorKind } from './error.js';
export { type ExportedBlock, exportBlocks, type HeldBlock, heldBlocks } from './export.js';
export { flashOf } from './flash.js';
export { type ForecastStream, forecastWear, type WearForecast } from './forecast.js';
export { fittingBytes, OVERSHOOT } from './keeper.js';
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
export async function openStore(options: StoreOptions): Promise<OpenStore> {
  try {
    const fitted = await fittedTo(options);
    const opened = await open(fitted);
    try {
      return await LevelStore.start(opened, fitted);
    } catch (error) {
      await opened.connection.close();
      throw error;
    }
  } catch (error) {
    throw openError(options.path, error);
  }
}

export type { PatientStore } from './waiting.js';

/** With the size that the file system can carry. */
async function fittedTo(options: StoreOptions): Promise<StoreOptions> {
  const { path, sizeBytes, deps } = options;
  const fitting = fittingBytes(sizeBytes, await deps.files.capacityBytes?.(path));
  if (fitting === sizeBytes) return options;
  const mib = (bytes: number): string => `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
  deps.log(
    'warn',
    `${path}: of the ${mib(sizeBytes)} that it may take it takes ${mib(fitting)}: its file system holds no more safely`,
  );
  return { ...options, sizeBytes: fitting };
}

/**
 * As openStore, but a disk that refuses is waited for beside the node, not before it: the store that is given back then takes rows, keeps
 * them in its memory, and opens once the disk lets it. `mayWait` is asked first; false: the refusal is thrown.
 */
export async function openPatiently(
  options: StoreOptions,
  mayWait: () => Promise<boolean>,
  open: () => Promise<OpenStore> = () => openStore(options),
): Promise<PatientStore> {
  try {
    const store = await open();
    return { store, opened: Promise.resolve() };
  } catch (error) {
    const mayPass = error instanceof StoreError && (error.kind === 'io' || error.kind === 'locked');
    if (!mayPass || !(await mayWait())) throw error;
    const store = new WaitingStore(options, open, error);
    return { store, opened: store.opened };
  }
}
