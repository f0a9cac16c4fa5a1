import { existsSync, readFileSync } from 'node:fs';
import { native } from '../../../native/index.js';
import type { NodeConfig } from '../../config/index.js';
import { ask, ControlError, controlPath, follow, withBigints } from '../../control.js';
import { diskFacts } from '../../disk-facts.js';
import { type Facts, lastEnd, type WiringFact } from '../../health/index.js';
import { machineFacts } from '../../machine-facts.js';
import type { PipelineStatus } from '../../pipeline.js';
import type { SurveyAnswer } from '../../requests/index.js';
import type { LatestRow } from '../../seen-rows.js';
import type { Heard } from '../../tap.js';
import { checkRunning, startsOf } from '../files.js';

/** Where the unit leaves how the last run ended (install/cairn.service). */
const RUNTIME_FOLDER = '/run/cairn';

export interface Asked {
  readonly configPath: string;
  /** Look further where parts don't answer: up to half a minute. */
  readonly looksFurther: boolean;
  readonly onLook: (parts: readonly string[]) => void;
  /** What could not be looked at. */
  readonly warn: (text: string) => void;
  /** Nobody waits for the answer any more. */
  readonly signal: AbortSignal;
}

/** All that the rules look at, of a node that runs or doesn't, whatever state its configuration is in. */
export async function gatherFacts(gathered: Asked): Promise<Facts> {
  const { configPath, looksFurther } = gathered;
  const checked = checkRunning(configPath, () => undefined);
  const config = checked.ok ? checked.config : undefined;
  const node = config && (await asked<PipelineStatus>(config, 'status'));
  const latest = (node && (await asked<readonly LatestRow[]>(config, 'latest'))) ?? [];
  return {
    nowNs: native.bootTimeNs(),
    node,
    latest,
    machine: await machineFacts(),
    disk: config && (await diskFacts(config.store.path)),
    wiring: looksFurther && config && node ? await wiring(config, node, gathered) : [],
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

/** The running node looks at its parts that fail, with its own hardware; a port or a line is lent for it. */
async function wiring(
  config: NodeConfig,
  node: PipelineStatus,
  { onLook, warn, signal }: Asked,
): Promise<readonly WiringFact[]> {
  const parts = node.parts
    .filter(({ state }) => state === 'failing' || state === 'missing')
    .map(({ id }) => id);
  if (parts.length === 0) return [];
  try {
    const path = controlPath(config.store.path);
    const answers = follow(path, 'survey', { parts }, signal) as AsyncIterable<Heard<SurveyAnswer>>;
    for await (const heard of answers) {
      if (!('item' in heard)) continue;
      if ('faults' in heard.item) return heard.item.faults;
      onLook(heard.item.look);
    }
  } catch (error) {
    if (!(error instanceof ControlError)) throw error;
    warn(`the wiring was not looked at: ${error.message}`);
  }
  return [];
}

function readIfThere(path: string): string | undefined {
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
}
