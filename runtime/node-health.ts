import type { RuntimeClock } from './clock/index.js';
import type { ConfigStatus, NodeConfig } from './config/index.js';
import { diskFacts } from './disk-facts.js';
import { type DiskFacts, healthWords } from './health/index.js';
import { machineFacts } from './machine-facts.js';
import type { Pipeline } from './pipeline.js';
import type { StatusHealth } from './uplink/index.js';

/** What a card may take to say how full it is. */
const DISK_DEADLINE_MS = 2_000;

export interface HealthAround {
  readonly clock: RuntimeClock;
  readonly config: NodeConfig;
  readonly configStatus: (() => ConfigStatus) | undefined;
  /** How the last run ended, where not in order. */
  readonly lastEnd: string | undefined;
}

/** Says how a running node is, by what it knows of itself: its wiring isn't looked into for that, nor its node file checked. */
export function healthTeller({ clock, config, configStatus, lastEnd }: HealthAround) {
  const askDisk = diskAsker(() => diskFacts(config.store.path), clock);
  return async ({ status, seen }: Pick<Pipeline, 'status' | 'seen'>): Promise<StatusHealth> => {
    const [machine, disk] = await Promise.all([machineFacts(), askDisk()]);
    const running = configStatus?.();
    return healthWords({
      ...{ nowNs: clock.nowNs(), node: status(), latest: seen.latest(), machine, disk, wiring: [] },
      life: { problems: [], failedStarts: 0, lastEnd, ...(running ? { config: running } : {}) },
    });
  };
}

/**
 * A card that fails or hangs is told by what the store says of it: it holds nothing up, and no more than one question to it is under way, since each
 * takes a thread that the store needs too.
 */
export function diskAsker(
  facts: () => Promise<DiskFacts | undefined>,
  clock: Pick<RuntimeClock, 'after'>,
): () => Promise<DiskFacts | undefined> {
  let isAsked = false;
  return () => {
    if (isAsked) return Promise.resolve(undefined);
    isAsked = true;
    return new Promise((resolve) => {
      const deadline = clock.after(DISK_DEADLINE_MS, () => resolve(undefined));
      const answered = (found: DiskFacts | undefined) => {
        isAsked = false;
        deadline.cancel();
        resolve(found);
      };
      facts().then(answered, () => answered(undefined));
    });
  };
}
