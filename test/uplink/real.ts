import type { KeyObject } from 'node:crypto';
import { systemClock } from '../../runtime/clock/index.js';
import type { UplinkConfig } from '../../runtime/config/types.js';
import { createUplink, mqttJs } from '../../runtime/uplink/index.js';
import type { Resolver } from '../../runtime/uplink/resolver.js';
import type { Uplink } from '../../runtime/uplink/types.js';
import { FakeStore } from './fake-store.js';

export interface RealUplink {
  readonly uplink: Uplink;
  readonly store: FakeStore;
  readonly log: string[];
  reason(): string;
}

/** The uplink on MQTT.js and real time, over a store in memory. */
export function realUplink(
  config: Partial<UplinkConfig> & { url: string },
  store = new FakeStore(),
  resolver?: Resolver,
  fleetKeys: readonly KeyObject[] = [],
): RealUplink {
  const log: string[] = [];
  const whole: UplinkConfig = {
    protocol: 'auto',
    payloads: ['packet'],
    window: 50,
    pubackDeadlineMs: 5_000,
    keepAliveS: 10,
    backoffMinMs: 50,
    backoffMaxMs: 400,
    ...config,
  };
  const uplink = createUplink({
    config: whole,
    node: store.node,
    store,
    clock: systemClock(),
    connect: mqttJs(whole, systemClock(), resolver),
    random: Math.random,
    log: (level, text) => log.push(`${level} ${text}`),
    software: 'test',
    fleetKeys,
  });
  const reason = () => {
    const { link } = uplink.status();
    return link.state === 'waiting' ? link.reason : link.state;
  };
  return { uplink, store, log, reason };
}
