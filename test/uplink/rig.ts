import type { UplinkConfig } from '../../runtime/config/types.js';
import { createUplink, type UplinkOptions } from '../../runtime/uplink/index.js';
import { SimClock } from '../support/sim-clock.js';
import { FakePort, type Sent } from './fake-port.js';
import { FakeStore } from './fake-store.js';

export const CONFIG: UplinkConfig = {
  url: 'mqtt://broker',
  protocol: 'auto',
  payloads: ['packet'],
  window: 10,
  pubackDeadlineMs: 5_000,
  keepAliveS: 30,
  backoffMinMs: 1_000,
  backoffMaxMs: 60_000,
};

/** An uplink over a store, a port and a clock of the tests. */
export function rig(config: Partial<UplinkConfig> = {}, options: Partial<UplinkOptions> = {}) {
  const store = new FakeStore();
  const port = new FakePort();
  const clock = new SimClock();
  const log: string[] = [];
  const uplink = createUplink({
    config: { ...CONFIG, ...config },
    node: store.node,
    store,
    clock,
    connect: port.connect,
    random: () => 0.5,
    log: (level, text) => log.push(`${level} ${text}`),
    software: '0.1.0',
    ...options,
  });
  /** Starts, is accepted, and has its birth answered. */
  const online = async (limits = {}) => {
    uplink.start();
    port.accept(limits);
    const [birth] = port.answerAll();
    await clock.advance(0);
    return birth!;
  };
  return { store, port, clock, log, uplink, online };
}

/** Class, stream and the rest of each topic. */
export const topics = (sent: readonly Sent[]) => sent.map((one) => one.topic.split('/').slice(3).join('/'));
export const telemetry = { class: 'telemetry', stream: 'climate' } as const;
export const alarm = { class: 'alarm', stream: 'sos' } as const;
