import { drivers, twins } from '../../drivers/index.js';
import type { NodeConfig, PartConfig } from '../config/types.js';
import { openBoardWith } from './board.js';
import type { BoardDeps } from './deps.js';
import type { Registry, WiredBoard } from './types.js';
import { type Survey, surveyWith } from './wiring/survey.js';
import type { SurveyDeps } from './wiring/surveyed.js';

export type { BoardDeps, BoardNative, Loaders, LogLevel } from './deps.js';
export { openCdevLine } from './linux-gpio.js';
export { sampleMachine } from './machine.js';
export { type ServedTwins, type ServeOptions, serveTwins } from './twin-server.js';
export type { Board, BoardPart, Registry, WiredBoard, Wires } from './types.js';
export * from './wiring/index.js';
export { createWorld } from './world.js';

/** Every driver and twin there is. Nobody else in the runtime imports the code of drivers. */
export const registry: Registry = { drivers, twins };

/** Opens the node's hardware, or its twins, for these parts; it never fails for a part that is missing. */
export function openBoard(
  config: NodeConfig,
  deps: BoardDeps,
  parts: readonly PartConfig[] = config.parts,
): Promise<WiredBoard> {
  return openBoardWith(config, registry, deps, parts);
}

/** Probes each part and says, in one line a fault, why those don't answer that don't. */
export function surveyWiring(config: NodeConfig, deps: SurveyDeps): Promise<Survey> {
  return surveyWith(config, registry, deps);
}
