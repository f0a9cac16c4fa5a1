import { mkdirSync } from 'node:fs';
import type { Logger } from 'pino';
import type { FleetConfig } from './config/index.js';
import { FolderLock } from './db/index.js';
import { makeParts } from './parts.js';
import { fleetServices } from './service-list.js';
import { Services, systemClock } from './services/index.js';
import type { Store } from './store/index.js';

export interface RunningFleet {
  readonly services: Services;
  readonly store: Store;
  /** `http://127.0.0.1:8000`, once the web listens. */
  readonly address: Promise<string>;
  stop(): Promise<void>;
}

/** Starts all services, each when what it needs is there; resolves before that. Rejects where its folder can't be had, or another process has it. */
export async function startFleet(
  config: FleetConfig,
  log: Logger,
  nowMs?: () => number,
): Promise<RunningFleet> {
  mkdirSync(config.data, { recursive: true, mode: 0o700 });
  const lock = new FolderLock(config.data);
  const parts = await makeParts(config, {
    holder: lock.id,
    log,
    health: () => services.health(),
    nowMs,
  }).catch((error) => {
    lock.close();
    throw error;
  });
  let tell: (address: string) => void = () => undefined;
  const address = new Promise<string>((resolve) => {
    tell = resolve;
  });
  const say = (level: 'info' | 'warn' | 'error', text: string) => log[level](text);
  const services: Services = new Services(fleetServices(parts, tell), { clock: systemClock, say });
  services.registry.onChange(() => parts.news.tell({ kind: 'health' }));
  const running = services.run();
  return {
    services,
    store: parts.store,
    address,
    stop: async () => {
      await services.stop();
      await running;
      await parts.db.close();
      lock.close();
    },
  };
}
