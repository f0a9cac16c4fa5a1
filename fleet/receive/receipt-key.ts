import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { keyIdOf } from '../../wire/index.js';
import type { ReceiptKey } from './receipts.js';

/** An Ed25519 private key (PEM, PKCS #8) from a file that nobody else may read. Throws an Error that says what to do. */
export function readReceiptKey(path: string): ReceiptKey {
  const mode = statSync(path).mode & 0o777;
  if (mode & 0o077)
    throw new Error(`${path}: others may read it (mode ${mode.toString(8)}); do: chmod 600 ${path}`);
  const privateKey = parse(path, readFileSync(path, 'utf8'));
  return { kid: keyIdOf(createPublicKey(privateKey)), privateKey };
}

function parse(path: string, pem: string): KeyObject {
  const wanted = `an Ed25519 private key in PEM is wanted: openssl genpkey -algorithm ed25519 -out ${path}`;
  let key: KeyObject;
  try {
    key = createPrivateKey(pem);
  } catch (cause) {
    throw new Error(`${path}: no private key (${(cause as Error).message}); ${wanted}`, { cause });
  }
  if (key.asymmetricKeyType !== 'ed25519')
    throw new Error(`${path}: a key of type ${key.asymmetricKeyType}; ${wanted}`);
  return key;
}
