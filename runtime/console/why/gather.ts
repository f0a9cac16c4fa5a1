import { existsSync, readFileSync } from 'node:fs';
import { native } from '../../../native/index.js';
import { surveyWiring, wiringLine } from '../../board/index.js';
import { systemClock } from '../../clock/index.js';
import type { NodeConfig } from '../../config/index.js';
import { ask, controlPath, withBigints } from '../../control.js';
import { type Facts, lastEnd, type WiringFact } from '../../health/index.js';
import type { PipelineStatus } from '../../pipeline.js';
import type { LatestRow } from '../../seen-rows.js';
import { checkRunning, startsOf } from '../files.js';
import { diskFacts } from './disk.js';
import { machineFacts } from './machine.js';

/** Where the unit leaves how the last run ended (install/cairn.service). */
const RUNTIME_FOLDER = '/run/cairn';

export interface Asked {
  readonly configPath: string;
  /** Look further where parts don't answer: up to half a minute. */
  readonly looksFurther: boolean;
  readonly onLook: (parts: readonly string[]) => void;
}

/** All that the rules look at, of a node that runs or doesn't, whatever state its configuration is in. */
export async function gatherFacts({ configPath, looksFurther, onLook }: Asked): Promise<Facts> {
  const checked = checkRunning(configPath, () => undefined);
  const config = checked.ok ? checked.config : undefined;
  const node = config && (await asked<PipelineStatus>(config, 'status'));
  const latest = (node && (await asked<readonly LatestRow[]>(config, 'latest'))) ?? [];
  return {
    nowNs: native.bootTimeNs(),
    node,
    latest,
    machine: await machineFacts(),
    disk: config && diskFacts(config.store.path),
    wiring: looksFurther && config && node ? await wiring(config, node, onLook) : [],
    life: {
      problems: checked.ok ? [] : checked.problems,
      ...(node?.config ? { config: node.config } : {}),
      // The one that runs has not failed.
      failedStarts: Math.max(0, startsOf(configPath) - (node ? 1 : 0)),
      lastEnd: lastEnd(RUNTIME_FOLDER, readIfThere),
    },
  };
}

async function asked<T>(config: NodeConfig, name: string): Promise<T | undefined> {
  const answer = await ask(controlPath(config.store.path), name);
  return answer === undefined ? undefined : (withBigints(answer) as T);
}

/** Parts that fail are probed beside the running node, which does a bus no harm; a port or a line that the node holds says so. */
async function wiring(
  config: NodeConfig,
  node: PipelineStatus,
  onLook: Asked['onLook'],
): Promise<readonly WiringFact[]> {
  const bad = node.parts
    .filter(({ state }) => state === 'failing' || state === 'missing')
    .map(({ id }) => id);
  if (bad.length === 0) return [];
  const survey = await surveyWiring(
    { ...config, parts: config.parts.filter(({ id }) => bad.includes(id)) },
    { clock: systemClock(), native, random: Math.random, log: () => undefined, onLook },
  );
  return survey.faults.map((fault) => ({ ...fault, line: wiringLine(fault) }));
}

function readIfThere(path: string): string | undefined {
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
}
