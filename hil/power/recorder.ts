import { join } from 'node:path';
import { loadIdentity } from '../../runtime/identity.js';
import { storeDefaults, verifyStore } from '../../runtime/store/index.js';
import type { ChainBoot } from './chain.js';
import { DiskImage } from './disk-image.js';
import { extract } from './file-system.js';
import {
  checkReplay,
  loadDisks,
  type Recording,
  recordingFiles,
  saveRecording,
  UNDER_WAY_SECTORS,
} from './recording.js';
import { promisedBy, type Witness } from './witness.js';

/** hil/power/node.yaml */
const STORE = { storePath: 'store', sizeBytes: 16_000_000 };

/**
 * Makes recordings of a data disk's boots, in their order: each one bears the promises of those before. Error where a replay isn't the
 * disk. `machineId` where the disk can't be asked: of a node that didn't sync.
 */
export async function recordBoots(
  boots: readonly Pick<ChainBoot, 'folder' | 'said'>[],
  machineId?: string,
): Promise<readonly Recording[]> {
  const last = boots.at(-1);
  if (!last) return [];
  const owner = { node: nodeOf(last.folder), machineId: machineId ?? (await machineOf(last.folder)) };
  const promised: Witness[] = [];
  return boots.map(({ folder, said }) => {
    const recording = { folder, ...STORE, ...owner, said: [...promised, ...said] };
    checkReplay(recording, loadDisks(recording), UNDER_WAY_SECTORS);
    saveRecording(recording);
    promised.push(...promisedBy(said).map((one) => ({ ...one, logBytes: 0 })));
    return recording;
  });
}

function nodeOf(folder: string): string {
  return loadIdentity(fromLive(folder, 'identity')).node;
}

async function machineOf(folder: string): Promise<string> {
  const deps = storeDefaults(() => undefined);
  return (await verifyStore(fromLive(folder, STORE.storePath), deps)).machineId;
}

function fromLive(folder: string, inner: string): string {
  return extract(DiskImage.read(recordingFiles(folder).live), inner, join(folder, `live-${inner}`)).path;
}
