import { createHash, type KeyObject } from 'node:crypto';

/** The 12 bytes in front of a raw Ed25519 key in SPKI DER (RFC 8410 §4). */
const SPKI_PREFIX_BYTES = 12;

/** What an Ed25519 key is called by everybody: the first 8 bytes of SHA-256 of its raw public half, as 16 lower-case hex digits. */
export function keyIdOf(publicKey: KeyObject): string {
  const raw = publicKey.export({ type: 'spki', format: 'der' }).subarray(SPKI_PREFIX_BYTES);
  return createHash('sha256').update(raw).digest('hex').slice(0, 16);
}
