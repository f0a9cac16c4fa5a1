import type { RuntimeClock } from './clock/index.js';
import type { ConfigStatus, NodeConfig } from './config/index.js';
import { diskFacts } from './disk-facts.js';
import { type DiskFacts, healthWords } from './health/index.js';
import { machineFacts } from './machine-facts.js';
import type { Pipeline } from './pipeline.js';
import type { StatusHealth } from './uplink/index.js';

export interface HealthAround {
  readonly clock: RuntimeClock;
  readonly config: NodeConfig;
  readonly configStatus: (() => ConfigStatus) | undefined;
  /** How the last run ended, where not in order. */
  readonly lastEnd: string | undefined;
}

/** How the running node is, by what it knows of itself: its wiring isn't looked into for that, nor its node file checked. */
export async function nodeHealth(
  { status, seen }: Pick<Pipeline, 'status' | 'seen'>,
  { clock, config, configStatus, lastEnd }: HealthAround,
): Promise<StatusHealth> {
  const machine = await machineFacts();
  const running = configStatus?.();
  return healthWords({
    ...{ nowNs: clock.nowNs(), node: status(), latest: seen.latest(), machine, wiring: [] },
    disk: diskOrNothing(config.store.path),
    life: { problems: [], failedStarts: 0, lastEnd, ...(running ? { config: running } : {}) },
  });
}

/** A disk that can't even be asked: what the store says of it is told all the same. */
function diskOrNothing(path: string): DiskFacts | undefined {
  try {
    return diskFacts(path);
  } catch {
    return undefined;
  }
}
