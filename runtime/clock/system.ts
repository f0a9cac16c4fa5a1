import { readFileSync } from 'node:fs';
import { native } from '../../native/index.js';
import type { RuntimeClock, WallClock } from './types.js';

/** libuv's timers count whole milliseconds, Node cuts off what is less, and both may come up to one early; the contract says "at least". */
const TIMER_EARLY_MS = 1;

/** The real clock: CLOCK_BOOTTIME, libuv's timers. */
export function systemClock(): RuntimeClock {
  return {
    nowNs: () => native.bootTimeNs(),
    delay: (ms) => new Promise((resolve) => setTimeout(resolve, Math.ceil(ms) + TIMER_EARLY_MS)),
    after(ms, callback) {
      const timeout = setTimeout(callback, Math.ceil(ms) + TIMER_EARLY_MS);
      return { cancel: () => clearTimeout(timeout) };
    },
  };
}

export function systemWallClock(): WallClock {
  return { pair: () => native.clockPair(), sync: () => native.clockSync() };
}

/** The kernel's id of this boot: new at each, the same in every process. */
export function kernelBootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
}

/**
 * What tells one machine from another: a card moved into a second one must be noticed. A board's serial number where there is one
 * (it stays with the machine), else the root's machine-id (which moves with the card: all that is left to look at).
 */
export function machineId(read: (path: string) => string = (path) => readFileSync(path, 'utf8')): string {
  const sources = [
    '/sys/firmware/devicetree/base/serial-number',
    '/sys/class/dmi/id/product_uuid',
    '/etc/machine-id',
  ];
  for (const path of sources) {
    try {
      const id = read(path).replaceAll('\0', '').trim();
      if (id) return `${path}:${id}`;
    } catch (error) {
      if (!isUnreadable(error)) throw error;
    }
  }
  return 'unknown';
}

/** Absent on this board, or for root only: the next source is asked. */
function isUnreadable(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException).code;
  return code === 'ENOENT' || code === 'EACCES' || code === 'EPERM' || code === 'EIO';
}
