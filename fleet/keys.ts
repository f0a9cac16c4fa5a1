import { generateKeyPairSync } from 'node:crypto';
import { existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ReceiptKey, readReceiptKey } from './receive/index.js';

/** The key that signs receipts, made at the first start: `receipt.key`, and `fleet.pub` for the nodes (uplink.fleetKeys). */
export function receiptKeyOf(data: string): ReceiptKey {
  const file = join(data, 'receipt.key');
  if (!existsSync(file)) {
    mkdirSync(data, { recursive: true, mode: 0o700 });
    const { privateKey, publicKey } = generateKeyPairSync('ed25519');
    writeFileSync(join(data, 'fleet.pub'), publicKey.export({ type: 'spki', format: 'pem' }));
    // Last, and whole or not at all: without it both are made anew.
    writeFileSync(`${file}.new`, privateKey.export({ type: 'pkcs8', format: 'pem' }), {
      mode: 0o600,
      flush: true,
    });
    renameSync(`${file}.new`, file);
  }
  return readReceiptKey(file);
}
