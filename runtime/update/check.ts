import { statSync } from 'node:fs';
import {
  checkSecrets,
  formatProblem,
  type LoadedConfig,
  type NodeConfig,
  type StatFile,
} from '../config/index.js';
import { controlPath } from '../control.js';
import { readFleetKeys } from '../fleet-keys.js';
import { forecast, wearProblems } from '../forecast.js';

export type Checked =
  | { readonly ok: true; readonly config: NodeConfig; readonly warnings: readonly string[] }
  /** A line a problem, with its place. */
  | { readonly ok: false; readonly problems: readonly string[] };

const statHere: StatFile = (file) => statSync(file, { throwIfNoEntry: false });

/** All that can be known of a configuration on this machine without its hardware: what `run`, `check` and `config apply` ask for alike. */
export function checkHere(main: string, loaded: LoadedConfig, stat: StatFile = statHere): Checked {
  if (!loaded.ok) return { ok: false, problems: loaded.problems.map(formatProblem) };
  const { config, warnings } = loaded;
  const keys = [...checkSecrets(config, stat), ...readFleetKeys(config.uplink).problems];
  if (keys.length > 0) return { ok: false, problems: keys.map(formatProblem) };
  const problems = [...socketProblems(main, config), ...flashProblems(config)];
  return problems.length > 0
    ? { ok: false, problems }
    : { ok: true, config, warnings: warnings.map(formatProblem) };
}

/** A declared flash that would be worn out before its time. One that is only looked up is another machine's as likely as not. */
function flashProblems(config: NodeConfig): readonly string[] {
  if (config.store.flash?.sizeBytes === undefined) return [];
  return wearProblems(config, forecast(config)).map(formatProblem);
}

/** A store whose socket the kernel can't name would be opened, and then nobody could ask the node. */
function socketProblems(main: string, { store }: NodeConfig): readonly string[] {
  try {
    controlPath(store.path);
    return [];
  } catch (error) {
    return [`${main}: store.path: ${(error as Error).message}`];
  }
}
