import type { SystemFiles } from '../../../drivers/contract/index.js';
import type { NodeConfig } from '../../config/types.js';
import type { BoardDeps } from '../deps.js';
import type { Registry, Wires } from '../types.js';

export interface SurveyDeps extends BoardDeps {
  /** sysfs and proc; the running kernel's own unless a test gives others. */
  readonly files?: SystemFiles;
  /** Told which parts are looked into further, before it takes its time. */
  readonly onLook?: (parts: readonly string[]) => void;
  /** Nobody waits for the answer any more: ports are given back at once. */
  readonly signal?: AbortSignal;
}

/** What a survey looks at, and with. */
export interface Surveyed {
  readonly config: NodeConfig;
  readonly registry: Registry;
  readonly wires: Wires;
  readonly deps: SurveyDeps;
}
