import { createHash, createPublicKey, type KeyObject } from 'node:crypto';

/** What stands in front of a raw Ed25519 key in SPKI DER (RFC 8410 §4). */
const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');

/** An Ed25519 public key as its 32 bytes (RFC 8032 §5.1.5). */
export function rawKeyOf(publicKey: KeyObject): Uint8Array {
  return publicKey.export({ type: 'spki', format: 'der' }).subarray(SPKI_PREFIX.length);
}

/** The key whose 32 bytes these are; throws where they are not 32. */
export function keyFromRaw(raw: Uint8Array): KeyObject {
  return createPublicKey({ key: Buffer.concat([SPKI_PREFIX, raw]), type: 'spki', format: 'der' });
}

/** What an Ed25519 key is called by everybody: the first 8 bytes of SHA-256 of its raw public half, as 16 lower-case hex digits. */
export function keyIdOf(publicKey: KeyObject): string {
  return createHash('sha256').update(rawKeyOf(publicKey)).digest('hex').slice(0, 16);
}
