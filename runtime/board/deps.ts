import { createRequire } from 'node:module';
import type { Twin, World } from '../../drivers/contract/index.js';
import type { NativeApi } from '../../native/api.js';
import type { RuntimeClock } from '../clock/types.js';

/** Runs `task` once after `ms`; the returned function calls it off. */
export type After = (ms: number, task: () => void) => () => void;

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** What the board uses of the C add-on. */
export type BoardNative = Pick<
  NativeApi,
  'clockPair' | 'createFramer' | 'gpioChips' | 'gpioLines' | 'gpioOpen'
>;

/** Native packages, loaded when a backend needs them and not before; each throws what its import threw. */
export interface Loaders {
  i2cBus(): Promise<unknown>;
  onoff(): Promise<unknown>;
  serialport(): Promise<unknown>;
}

/** What surrounds the board: time, randomness, the C add-on, the log, and on a twin board the world. */
export interface BoardDeps {
  readonly clock: RuntimeClock;
  readonly native: BoardNative;
  /** [0, 1). */
  readonly random: () => number;
  readonly log: (level: LogLevel, text: string) => void;
  readonly loaders?: Partial<Loaders>;
  /** Twin boards only: the world at a boot time. Default: `createWorld(1, …)`, by the host's wall clock. */
  readonly world?: (timeNs: bigint) => World;
  /** Twin boards only: told of each twin made in this process, so that its faults can be set. */
  readonly onTwin?: (partId: string, twin: Twin) => void;
}

export type BoardSetup = BoardDeps & { readonly after: After; readonly loaders: Loaders };

export function afterBy(clock: RuntimeClock): After {
  return (ms, task) => {
    const timer = clock.after(ms, task);
    return () => timer.cancel();
  };
}

/** By require, where a part first needs it: importing CommonJS costs memory, see log.ts. */
const loadersByRequire: Loaders = {
  i2cBus: async () => createRequire(import.meta.url)('i2c-bus'),
  onoff: async () => createRequire(import.meta.url)('onoff'),
  serialport: async () => createRequire(import.meta.url)('serialport'),
};

export function completeDeps(deps: BoardDeps): BoardSetup {
  return {
    ...deps,
    after: afterBy(deps.clock),
    loaders: { ...loadersByRequire, ...deps.loaders },
  };
}

/** Calls `task` every `intervalMs` until the returned function is called; a run never overlaps the next. */
export function every(after: After, intervalMs: number, task: () => void): () => void {
  let cancel = after(intervalMs, tick);
  let stopped = false;
  function tick() {
    task();
    if (!stopped) cancel = after(intervalMs, tick);
  }
  return () => {
    stopped = true;
    cancel();
  };
}
