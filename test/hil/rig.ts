import { readRig } from '../../hil/rig.js';
import { native } from '../../native/index.js';
import { type BoardSetup, completeDeps } from '../../runtime/board/deps.js';
import { testDeps } from '../board/fixture.js';

export const rig = readRig(process.env.CAIRN_RIG ?? 'hil/rigs/qemu-amd64.yaml');
export const setup: BoardSetup = completeDeps(testDeps());
export { native };

/** Long for an edge or a byte to arrive, even where every instruction is translated. */
export const SETTLE_MS = 150;

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
