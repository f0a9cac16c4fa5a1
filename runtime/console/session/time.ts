import type { RuntimeClock } from '../../clock/types.js';

/** The process's own clock: a console is there also where the node's add-on is not. */
export const systemTime: Pick<RuntimeClock, 'nowNs' | 'after'> = {
  nowNs: () => process.hrtime.bigint(),
  after: (ms, callback) => {
    const timer = setTimeout(callback, ms);
    return { cancel: () => clearTimeout(timer) };
  },
};
