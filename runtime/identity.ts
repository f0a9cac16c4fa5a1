import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
} from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { NodeId } from '../wire/index.js';

/** Who the node is. The id follows from the key, so that nobody can hold another's without its private key. */
export interface Identity {
  readonly node: NodeId;
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

const KEY_FILE = 'node.key';
/** The 12 bytes in front of a raw Ed25519 key in SPKI DER (RFC 8410 §4). */
const SPKI_PREFIX_BYTES = 12;

/** What went wrong with the identity's files; the text says what to do. */
export class IdentityError extends Error {
  override readonly name = 'IdentityError';
}

/** First 8 bytes of SHA-256 of the raw public key, in hex. */
export function nodeIdOf(publicKey: KeyObject): NodeId {
  const raw = publicKey.export({ type: 'spki', format: 'der' }).subarray(SPKI_PREFIX_BYTES);
  return createHash('sha256').update(raw).digest('hex').slice(0, 16);
}

/** Makes the node's key (0600) where there is none; keeps one that is there. */
export function ensureIdentity(folder: string): { identity: Identity; made: boolean } {
  const path = join(folder, KEY_FILE);
  if (existsSync(path)) return { identity: loadIdentity(folder), made: false };
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  writeFileSync(path, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600, flag: 'wx' });
  writeFileSync(join(folder, 'node.pub'), publicKey.export({ type: 'spki', format: 'pem' }), { mode: 0o644 });
  return { identity: { node: nodeIdOf(publicKey), publicKey, privateKey }, made: true };
}

export function loadIdentity(folder: string): Identity {
  const path = join(folder, KEY_FILE);
  if (!existsSync(path)) {
    throw new IdentityError(`${path}: no such key; make one with: cairn init --identity ${folder}`);
  }
  const mode = statSync(path).mode & 0o777;
  if (mode & 0o077) {
    throw new IdentityError(`${path}: readable by others (mode ${mode.toString(8)}); do: chmod 600 ${path}`);
  }
  const privateKey = parseKey(path, () => createPrivateKey(readFileSync(path)));
  const publicKey = createPublicKey(privateKey);
  return { node: nodeIdOf(publicKey), publicKey, privateKey };
}

/** Installs somebody's public key (the fleet's, the owner's) after looking that it is one. Returns its fingerprint. */
export function installPublicKey(folder: string, name: 'fleet' | 'owner', from: string): string {
  const key = parseKey(from, () => createPublicKey(readFileSync(from)));
  const target = join(folder, `${name}.pub`);
  copyFileSync(from, target);
  chmodSync(target, 0o644);
  return nodeIdOf(key);
}

function parseKey(path: string, parse: () => KeyObject): KeyObject {
  let key: KeyObject;
  try {
    key = parse();
  } catch (cause) {
    throw new IdentityError(`${path}: not a key in PEM form: ${(cause as Error).message}`, { cause });
  }
  if (key.asymmetricKeyType !== 'ed25519') {
    throw new IdentityError(`${path}: a key of type ${key.asymmetricKeyType}; an Ed25519 key is wanted`);
  }
  return key;
}
