import type { ServiceClock } from './types.js';

export const systemClock: ServiceClock = {
  nowMs: () => performance.now(),
  wallMs: () => Date.now(),
  after: (ms, callback) => {
    const timer = setTimeout(callback, ms);
    return { cancel: () => clearTimeout(timer) };
  },
};
