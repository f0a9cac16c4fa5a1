import type { Logger } from 'pino';

const EVERY_MS = 60_000;
/** Reasons that are told apart; beyond them all are one. */
const MAX_REASONS = 32;
/** aedes' word for who comes with another version than 3.1.1. */
const OTHER_VERSION = 'unacceptable protocol version';

interface Told {
  sinceMs: number;
  more: number;
}

/**
 * Says whom the fleet's own broker turned away: of each reason a line a minute, with how many came since the last one. 2,000 nodes after a start, or
 * a client that tries again each second, would fill the log.
 */
export function turnedAwayLog(
  log: Pick<Logger, 'info' | 'warn'>,
  nowMs: () => number,
): (who: string, why: string) => void {
  const told = new Map<string, Told>();
  return (who, why) => {
    const reason = told.has(why) || told.size < MAX_REASONS ? why : '';
    const last = told.get(reason);
    if (last && nowMs() - last.sinceMs < EVERY_MS) {
      last.more++;
      return;
    }
    told.set(reason, { sinceMs: nowMs(), more: 0 });
    const more = last?.more ? ` (and ${last.more} more since that was last said)` : '';
    if (why === OTHER_VERSION)
      log.info(`broker: ${who}: it wants another version than MQTT 3.1.1; a node comes again in that${more}`);
    else log.warn(`broker: ${who}: ${why}${more}`);
  };
}
