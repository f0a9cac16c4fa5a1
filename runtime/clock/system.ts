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
