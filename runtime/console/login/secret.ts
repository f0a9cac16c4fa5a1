import { scryptSync, timingSafeEqual } from 'node:crypto';

export const SECRET_BYTES = 16;
/** Crockford's base32: nothing in it looks like something else. */
const DIGITS = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const GROUP = 4;
/** RFC 7914 §2: 16 MB and some tens of milliseconds, though 128 random bits need no stretching. */
const COST = { N: 16_384, r: 8, p: 1 };
const HASH_BYTES = 32;

/** 128 random bits as a person types them: 26 digits in groups of four. */
export function secretText(bytes: Uint8Array): string {
  let bits = BigInt(`0x${Buffer.from(bytes).toString('hex')}`);
  let text = '';
  for (let i = 0; i < Math.ceil((bytes.length * 8) / 5); i++) {
    text = DIGITS[Number(bits & 31n)] + text;
    bits >>= 5n;
  }
  return text.match(new RegExp(`.{1,${GROUP}}`, 'g'))?.join('-') ?? '';
}

/** What an image holds of its secret: a salted hash, from which nobody gets it back. */
export function secretRecord(text: string, salt: Uint8Array): string {
  return `scrypt ${Buffer.from(salt).toString('hex')} ${hash(text, salt).toString('hex')}`;
}

/** Whether what was typed is the secret; case, spaces, hyphens and look-alikes don't matter. */
export function isSecret(typed: string, record: string): boolean {
  const [kind, salt, wanted] = record.trim().split(' ');
  if (kind !== 'scrypt' || salt === undefined || wanted === undefined) return false;
  const found = hash(typed, Buffer.from(salt, 'hex'));
  const bytes = Buffer.from(wanted, 'hex');
  return bytes.length === found.length && timingSafeEqual(found, bytes);
}

function hash(text: string, salt: Uint8Array): Buffer {
  const plain = text.toUpperCase().replace(/[\s-]/g, '').replaceAll('O', '0').replace(/[IL]/g, '1');
  return scryptSync(plain, salt, HASH_BYTES, COST);
}
