import type { Rig } from '../rig.js';

export interface HostRun {
  readonly rig: Rig;
  readonly rigFile?: string;
  readonly only: readonly string[];
}

export async function runOnHost(run: HostRun): Promise<string> {
  throw new Error(`${run.rig.name}: not reached yet`);
}
