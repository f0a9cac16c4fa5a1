import { ask, ControlError, controlPath } from '../control.js';
import type { PipelineStatus } from '../pipeline.js';
import { checkRunning } from './files.js';

const ASK_DEADLINE_MS = 2000;

/** What things are called on this node, for a prompt and for whoever presses Tab. */
export interface NodeNames {
  /** Undefined where the node file is not there or wrong: `cairn check` says why. */
  readonly node: string | undefined;
  /** Where the running node answers. */
  readonly socket: string | undefined;
  /** Parts, as the node file has them now, and streams, as the running node had them at the beginning. */
  things(): readonly string[];
}

export function nodeNames(path: string): NodeNames {
  const result = checkRunning(path, () => undefined);
  const config = result.ok ? result.config : undefined;
  let streams: readonly string[] = [];
  if (config) {
    void streamsOf(config.store.path).then((found) => {
      streams = found;
    });
  }
  const socket = config && socketOf(config.store.path);
  return { node: config?.name, socket, things: () => [...partsIn(path), ...streams] };
}

function partsIn(path: string): readonly string[] {
  const result = checkRunning(path, () => undefined);
  return result.ok ? result.config.parts.map(({ id }) => id) : [];
}

/** None where the node can't be asked: that is no news for who presses Tab, and `cairn status` says why. */
async function streamsOf(storePath: string): Promise<readonly string[]> {
  try {
    const status = await ask(controlPath(storePath), 'status', { deadlineMs: ASK_DEADLINE_MS });
    return (status as PipelineStatus | undefined)?.store.streams.map(({ stream }) => stream) ?? [];
  } catch (error) {
    if (error instanceof ControlError) return [];
    throw error;
  }
}

/** Undefined for a path that the kernel can't name: `cairn check` says so. */
function socketOf(storePath: string): string | undefined {
  try {
    return controlPath(storePath);
  } catch (error) {
    if (error instanceof ControlError) return undefined;
    throw error;
  }
}
