import { readFileSync } from 'node:fs';
import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** A file as text; `undefined`: it isn't there. */
type Read = (path: string) => string | undefined;

/**
 * Bytes that this process may still take before the kernel ends it: what its control group leaves (memory.high or memory.max of version 2,
 * memory.limit_in_bytes of version 1), and what the board has (MemAvailable), whichever is less. Cached files are no use of memory: the
 * kernel gives them up first. Infinity where the kernel says neither.
 */
export function spareMemoryBytes(read: Read = readKernel): number {
  return Math.min(ofGroup(read), ofBoard(read));
}

/** Less garbage isn't worth a collection, which holds all else up for 10 to 50 ms. */
const GARBAGE_BYTES = 4 * 1024 * 1024;

interface OwnMemory {
  /** That the process may still take. */
  spareBytes(): number;
  /** Of objects and buffers, garbage included. */
  usedBytes(): number;
  collect(): void;
}

/**
 * What a process may still take, garbage not counted where that matters: by itself V8 lets buffers that nobody holds any longer grow to
 * 64 MiB, whatever the kernel leaves it.
 */
export class SpareMemory {
  /** The least that was in use since the last collection: what is more may be garbage. */
  #usedBytes = 0;

  constructor(readonly memory: OwnMemory = new ProcessMemory()) {}

  /** Bytes; with less left than `wantedBytes` garbage is collected first. */
  bytes(wantedBytes: number): number {
    const { memory } = this;
    this.#usedBytes = Math.min(this.#usedBytes, memory.usedBytes());
    const bytes = memory.spareBytes();
    if (bytes >= wantedBytes || memory.usedBytes() - this.#usedBytes < GARBAGE_BYTES) return bytes;
    memory.collect();
    this.#usedBytes = memory.usedBytes();
    return memory.spareBytes();
  }
}

type Collector = (options?: { readonly type: 'minor' }) => void;

class ProcessMemory implements OwnMemory {
  #collector: Collector | undefined;

  /** V8 has a limit of its own (--max-old-space-size), past which it ends the process. */
  spareBytes(): number {
    const { heap_size_limit, used_heap_size } = getHeapStatistics();
    return Math.min(spareMemoryBytes(), Math.max(0, heap_size_limit - used_heap_size));
  }

  usedBytes(): number {
    const { used_heap_size, external_memory } = getHeapStatistics();
    return used_heap_size + external_memory;
  }

  collect(): void {
    this.#collector ??= exposeCollector();
    this.#collector();
    // Waits for the thread that frees what the first one found.
    this.#collector({ type: 'minor' });
  }
}

/** Only contexts that are made after the flag know it. */
function exposeCollector(): Collector {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc');
}

function ofBoard(read: Read): number {
  const kilobytes = /^MemAvailable:\s+(\d+) kB/m.exec(read('/proc/meminfo') ?? '')?.[1];
  return kilobytes === undefined ? Number.POSITIVE_INFINITY : Number(kilobytes) * 1024;
}

/** cgroups(7): `0::/path` is version 2, `9:memory:/path` version 1. */
function ofGroup(read: Read): number {
  const groups = read('/proc/self/cgroup') ?? '';
  const first = /^\d+:(?:[^:]*,)?memory(?:,[^:]*)?:(.*)$/m.exec(groups)?.[1];
  if (first !== undefined) {
    const folder = `/sys/fs/cgroup/memory${first}`;
    return left(read, folder, ['memory.limit_in_bytes'], 'memory.usage_in_bytes');
  }
  const second = /^0::(.*)$/m.exec(groups)?.[1];
  if (second === undefined) return Number.POSITIVE_INFINITY;
  return left(read, `/sys/fs/cgroup${second}`, ['memory.max', 'memory.high'], 'memory.current');
}

function left(read: Read, folder: string, limits: readonly string[], usage: string): number {
  // `max` is no number: no limit.
  const limit = Math.min(
    ...limits.map((name) => Number(read(`${folder}/${name}`) ?? 'max')).filter((bytes) => bytes >= 0),
  );
  const used = Number(read(`${folder}/${usage}`) ?? Number.NaN);
  if (!Number.isFinite(limit) || Number.isNaN(used)) return Number.POSITIVE_INFINITY;
  const stat = read(`${folder}/memory.stat`) ?? '';
  const cached = ['inactive_file', 'active_file'].map((name) =>
    Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(stat)?.[1] ?? 0),
  );
  return Math.max(0, limit - used + cached[0]! + cached[1]!);
}

function readKernel(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // Not of this kernel, or not for us to see: then it says nothing.
    return undefined;
  }
}
