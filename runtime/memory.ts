import { readFileSync } from 'node:fs';

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
