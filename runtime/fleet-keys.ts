import type { KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { ConfigProblem, UplinkConfig } from './config/index.js';
import { parsePublicKey } from './identity.js';

/** The keys whose receipts the uplink believes, read from their files; a file that holds none is a problem at its place in the node file. */
export function readFleetKeys(config: UplinkConfig | undefined): {
  readonly keys: readonly KeyObject[];
  readonly problems: readonly ConfigProblem[];
} {
  const keys: KeyObject[] = [];
  const problems: ConfigProblem[] = [];
  for (const { file, place } of config?.fleet?.keys ?? []) {
    try {
      keys.push(parsePublicKey(file, readFileSync(file, 'utf8')));
    } catch (error) {
      const what = `uplink.fleetKeys: ${(error as Error).message}`;
      const wanted =
        "the fleet's Ed25519 public key in PEM: openssl pkey -in receipt.key -pubout -out fleet.pub";
      problems.push({ ...place, what, wanted });
    }
  }
  return { keys, problems };
}
