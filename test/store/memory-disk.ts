import type { LevelDb, LevelOperation, StoreDeps, StoreFiles } from '../../runtime/store/index.js';
import type { SimClock } from '../support/sim-clock.js';

/** The store's time by a simulated clock. */
export function simulatedTime(clock: SimClock): Pick<StoreDeps, 'nowNs' | 'setTimer' | 'clearTimer'> {
  return {
    nowNs: () => clock.nowNs(),
    setTimer: (run, ms) => clock.after(ms, run),
    clearTimer: (timer) => (timer as { cancel(): void }).cancel(),
  };
}

/** Goes on in turns of `turnMs`; what the disk answers is heard in between. */
export async function passTime(clock: SimClock, ms: number, turnMs: number): Promise<void> {
  for (let left = ms; left > 0; left -= turnMs) {
    await clock.advance(Math.min(turnMs, left));
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** A disk in memory without faults: each answer comes with the next microtasks, so that a simulated clock may stand still meanwhile. */
export function memoryDisk(): Pick<StoreDeps, 'files' | 'openLevel' | 'checkTables'> {
  const files = new Map<string, Uint8Array>();
  const rows = new Map<string, Uint8Array>();
  const checkTables = async () => ({ isComplete: true });
  return { files: memoryFiles(files), openLevel: async () => memoryLevel(rows), checkTables };
}

function memoryLevel(rows: Map<string, Uint8Array>): LevelDb {
  const apply = (operation: LevelOperation): void => {
    const key = hex(operation.key);
    if (operation.type === 'put') rows.set(key, operation.value.slice());
    else rows.delete(key);
  };
  return {
    get: async (key) => rows.get(hex(key)),
    batch: async (operations) => operations.forEach(apply),
    scan: async function* (from, to) {
      const [low, high] = [hex(from), hex(to)];
      const found = [...rows.keys()].filter((key) => low <= key && key < high).sort();
      for (const key of found) {
        const value = rows.get(key);
        if (value) yield [Uint8Array.from(Buffer.from(key, 'hex')), value] as const;
      }
    },
    compact: async () => undefined,
    close: async () => undefined,
  };
}

function memoryFiles(files: Map<string, Uint8Array>): StoreFiles {
  const below = (path: string) => [...files.keys()].filter((name) => name.startsWith(`${path}/`));
  return {
    makeDirectory: async () => undefined,
    list: async (path) => [...new Set(below(path).map((name) => name.slice(path.length + 1).split('/')[0]!))],
    read: async (path) => files.get(path),
    write: async (path, bytes) => void files.set(path, bytes.slice()),
    open: async (path) => ({
      write: async (bytes, position) => files.get(path)!.set(bytes, position),
      datasync: async () => undefined,
      close: async () => undefined,
    }),
    rename: async () => {
      throw new Error('nothing is renamed on this disk');
    },
    remove: async (path) => {
      for (const name of [path, ...below(path)]) files.delete(name);
    },
    copy: async () => {
      throw new Error('nothing is copied on this disk');
    },
    sync: async () => undefined,
    sizeBytes: async () => [...files.values()].reduce((sum, bytes) => sum + bytes.length, 0),
  };
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
