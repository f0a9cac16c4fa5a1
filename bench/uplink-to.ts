import { systemClock } from '../runtime/clock/index.js';
import type { UplinkConfig } from '../runtime/config/index.js';
import type { Store } from '../runtime/store/index.js';
import { createUplink, mqttJs, type Uplink } from '../runtime/uplink/index.js';

/** Messages under way at once, ours and a peer's. */
export const WINDOW = 200;

/** An uplink as a node has it, custody `broker`; errors are said on stderr. */
export function uplinkTo(url: string, store: Store): Uplink {
  const config: UplinkConfig = {
    ...{ url, protocol: '5', payloads: ['packet'], window: WINDOW, pubackDeadlineMs: 20_000 },
    ...{ keepAliveS: 60, backoffMinMs: 100, backoffMaxMs: 1000 },
  };
  const clock = systemClock();
  return createUplink({
    ...{ config, node: store.node, store, clock, random: Math.random, software: 'bench' },
    connect: mqttJs(config, clock),
    log: (level, text) => {
      if (level === 'error') process.stderr.write(`bench: ${text}\n`);
    },
  });
}
