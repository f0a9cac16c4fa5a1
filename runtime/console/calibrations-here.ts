import { Calibrations, calibrationFolder, type Kept } from '../calibrations.js';
import type { NodeConfig } from '../config/index.js';
import { ask, controlPath } from '../control.js';
import { stateFolder } from '../node.js';
import { textFiles } from '../text-files.js';
import type { Terminal } from './command.js';

/** All that are kept: as the running node has them, else from its files. Rejects with ControlError where the node can't be asked. */
export async function keptHere(
  config: NodeConfig,
  terminal: Pick<Terminal, 'err'>,
): Promise<readonly Kept[]> {
  const answer = await ask(controlPath(config.store.path), 'calibrations');
  return answer ? (answer as readonly Kept[]) : calibrationsInFiles(config, terminal).all();
}

/** While no node runs: what the next one would correct its parts by. Nothing is moved or changed. */
export function calibrationsInFiles(config: NodeConfig, terminal: Pick<Terminal, 'err'>): Calibrations {
  const files = textFiles(calibrationFolder(config, stateFolder(config)));
  return new Calibrations(files, config.parts, (text) => terminal.err(`warning: ${text}`), false);
}
