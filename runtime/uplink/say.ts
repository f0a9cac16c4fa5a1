import type { RuntimeClock } from '../clock/types.js';
import type { UplinkLog } from './types.js';

const INTERVAL_NS = 60_000_000_000n;

export type Say = (cause: string, ...line: Parameters<UplinkLog>) => void;

/** One line a minute for one cause: a refusal a second must not flood the log that is to be sent. */
export function onceAMinute(clock: RuntimeClock, log: UplinkLog): Say {
  const said = new Map<string, bigint>();
  return (cause, ...line) => {
    const nowNs = clock.nowNs();
    const lastNs = said.get(cause);
    if (lastNs !== undefined && nowNs - lastNs < INTERVAL_NS) return;
    said.set(cause, nowNs);
    log(...line);
  };
}
