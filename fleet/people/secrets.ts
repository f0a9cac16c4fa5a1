import { createHash } from 'node:crypto';
import { Secret } from 'otpauth';
import type { Sources } from './types.js';

const TOKEN_BYTES = 32;
const ID_BYTES = 16;

/** 256 random bits, for machines: sessions, tokens, links. */
export function newToken(random: Sources['random']): string {
  return Buffer.from(random(TOKEN_BYTES)).toString('base64url');
}

export function newId(random: Sources['random']): string {
  return Buffer.from(random(ID_BYTES)).toString('hex');
}

/** What is kept of a token: SHA-256 in hex; whoever reads it gets nobody in. */
export function hashOf(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}

/** Random bytes for fingers: base32 (RFC 4648 §6) in groups of four. */
export function newTyped(random: Sources['random'], bytes: number): string {
  return base32(random(bytes))
    .match(/.{1,4}/g)!
    .join('-');
}

/** As it was made, however it was typed: case, spaces, hyphens, and digits that the alphabet has no use for. */
export function asTyped(text: string): string {
  return text.toUpperCase().replace(/[\s-]/g, '').replaceAll('0', 'O').replaceAll('1', 'I');
}

export function base32(bytes: Uint8Array): string {
  return new Secret({ buffer: Uint8Array.from(bytes).buffer }).base32;
}
