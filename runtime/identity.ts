import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { keyIdOf, type NodeId } from '../wire/index.js';

/** Who the node is. The id follows from the key, so that nobody can hold another's without its private key. */
export interface Identity {
  readonly node: NodeId;
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

const KEY_FILE = 'node.key';
/** What went wrong with the identity's files; the text says what to do. */
export class IdentityError extends Error {
  override readonly name = 'IdentityError';
}

/** Makes the node's key (0600) where there is none; keeps one that is there. Beside it lies its public half, `node.pub`. */
export function ensureIdentity(folder: string): { identity: Identity; made: boolean } {
  const made = !existsSync(join(folder, KEY_FILE)) && makeKey(folder);
  const identity = loadIdentity(folder);
  const publicPath = join(folder, 'node.pub');
  if (made || !existsSync(publicPath)) writePublicKey(publicPath, identity.publicKey);
  return { identity, made };
}

/** Whole or not at all, through a power cut too: a node whose key is half a file is nobody. False where another was quicker. */
function makeKey(folder: string): boolean {
  // Its group may read who the node is; the key itself is 0600.
  mkdirSync(folder, { recursive: true, mode: 0o750 });
  const { privateKey } = generateKeyPairSync('ed25519');
  const path = join(folder, KEY_FILE);
  const draft = `${path}.${process.pid}`;
  writeSynced(draft, privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), 0o600);
  try {
    linkSync(draft, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    return false;
  } finally {
    rmSync(draft);
    syncFolder(folder);
  }
}

function writePublicKey(path: string, key: KeyObject): void {
  writeWhole(path, key.export({ type: 'spki', format: 'pem' }).toString(), 0o644);
}

/** A small file, whole and on the disk when this returns, or as it was before. */
export function writeWhole(path: string, text: string, mode: number): void {
  const draft = `${path}.${process.pid}`;
  writeSynced(draft, text, mode);
  renameSync(draft, path);
  syncFolder(dirname(path));
}

function writeSynced(path: string, text: string, mode: number): void {
  rmSync(path, { force: true });
  const file = openSync(path, 'wx', mode);
  try {
    writeSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  chmodSync(path, mode);
}

/** What was renamed in it, or removed from it, is so on the disk. */
export function syncFolder(path: string): void {
  const folder = openSync(path, 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

export function loadIdentity(folder: string): Identity {
  const path = join(folder, KEY_FILE);
  if (!existsSync(path)) {
    throw new IdentityError(`${path}: no such key; make one with: cairn init --identity ${folder}`);
  }
  const privateKey = loadPrivateKey(path);
  const publicKey = createPublicKey(privateKey);
  return { node: keyIdOf(publicKey), publicKey, privateKey };
}

/**
 * Installs somebody's public key (the fleet's, the owner's) after looking that it is one and no more: OpenSSL takes the public half out
 * of a private key's file without a word, and the secret would lie on every node. Returns its fingerprint.
 */
export function installPublicKey(folder: string, name: 'fleet' | 'owner', from: string): string {
  const key = parsePublicKey(from, readKeyFile(from).toString());
  writePublicKey(join(folder, `${name}.pub`), key);
  return keyIdOf(key);
}

/** An Ed25519 public key in PEM, and not the private one; `from` is where it came from, for the error. */
export function parsePublicKey(from: string, pem: string): KeyObject {
  if (pem.includes('PRIVATE KEY')) {
    throw new IdentityError(
      `${from}: a private key, which stays with its owner; give the public one: openssl pkey -in ${from} -pubout`,
    );
  }
  return parseKey(from, () => createPublicKey(pem));
}

/** An Ed25519 private key in PEM from a file that nobody else may read. */
export function loadPrivateKey(path: string): KeyObject {
  const mode = existsSync(path) ? statSync(path).mode & 0o777 : 0;
  if (mode & 0o077) {
    throw new IdentityError(`${path}: readable by others (mode ${mode.toString(8)}); do: chmod 600 ${path}`);
  }
  const pem = readKeyFile(path);
  return parseKey(path, () => createPrivateKey(pem));
}

function readKeyFile(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw new IdentityError(`${path}: the key can't be read: ${(cause as Error).message}`, { cause });
  }
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
