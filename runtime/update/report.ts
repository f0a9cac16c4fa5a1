import type { ConfigStatus } from '../config/types.js';
import { textFiles } from '../text-files.js';
import type { Bundle } from './bundle.js';
import { hasRequest } from './inbox.js';
import type { Choice, Keeper, Taken } from './keeper.js';
import type { Places } from './places.js';
import type { Trial } from './records.js';
import { State } from './state-files.js';
import { minutesLeft, outcomeText } from './words.js';

/** What the console is told of configurations: by the process that runs the node, or from its files. */
export interface ConfigReport extends ConfigStatus {
  /** What runs, or would at the next start. */
  readonly bundle: Bundle;
  /** The node file as it was at the start. */
  readonly file: { readonly path: string; readonly sha256: string };
  readonly trial?: Omit<Trial, 'bundle'> & { readonly sha256: string };
  /** The last request that was taken in this process. */
  readonly taken?: Taken & { readonly id: string };
}

export function reportOf(keeper: Keeper, file: Bundle, taken: ConfigReport['taken']): ConfigReport {
  return {
    ...keeper.status(),
    bundle: keeper.runs.bundle,
    ...around(file, keeper.trial),
    ...(taken ? { taken } : {}),
  };
}

/** While no process answers: what the next start would run. */
export function reportFromFiles(state: State, file: Bundle): ConfigReport {
  const [trial, outcome] = [state.get('trial'), state.get('outcome')];
  const { state: runs, bundle, why } = nextFromFiles(state, file);
  return {
    ...{ state: runs, sha256: bundle.sha256, bundle, ...around(file, trial) },
    ...(why === undefined ? {} : { why }),
    ...(trial ? { minutesLeft: minutesLeft(trial) } : {}),
    ...(outcome
      ? {
          lastOutcome: {
            what: outcome.what,
            why: outcome.why,
            sha256: outcome.sha256,
            text: outcomeText(outcome),
          },
        }
      : {}),
  };
}

/** What the next start would run, as far as it can be told without counting it. */
export function nextFromFiles(state: State, file: Bundle): Choice {
  const [trial, good, starts] = [state.get('trial'), state.get('good'), state.get('starts')];
  if (trial) return { state: 'trial', bundle: trial.bundle };
  const bundle = good?.bundle ?? file;
  if (starts?.of === bundle.sha256 && starts.safe !== undefined)
    return { state: 'safe', bundle, why: starts.safe };
  return { state: good ? 'good' : 'file', bundle };
}

function around(file: Bundle, trial: Trial | undefined): Pick<ConfigReport, 'file' | 'trial'> {
  const shown = { file: { path: file.main, sha256: file.sha256 } };
  if (!trial) return shown;
  const { bundle, ...rest } = trial;
  return { ...shown, trial: { ...rest, sha256: bundle.sha256 } };
}

/** Whether something was applied, or waits in the inbox to be. */
export function waitsForNode({ state, inbox }: Places): boolean {
  const kept = new State(textFiles(state), () => undefined);
  return kept.get('trial') !== undefined || kept.get('good') !== undefined || hasRequest(inbox);
}
