import { type KeyObject, sign, verify } from 'node:crypto';
import * as v from 'valibot';
import { ask } from './control.js';

/** What is signed begins with its purpose, so that no signature made for one of them is one for another. */
const PURPOSES = { journal: 'cairn console journal\n', report: 'cairn report\n' } as const;
export type HeadPurpose = keyof typeof PURPOSES;
/** SHA-256. */
export const HEAD_BYTES = 32;

export function signHead(head: Uint8Array, key: KeyObject, purpose: HeadPurpose = 'journal'): Uint8Array {
  return sign(null, signed(head, purpose), key);
}

function signed(head: Uint8Array, purpose: HeadPurpose): Uint8Array {
  return Buffer.concat([Buffer.from(PURPOSES[purpose]), head]);
}

/** Whether that key signed this head (RFC 8032, 64 bytes). */
export function isHeadSignedBy(
  head: Uint8Array,
  signature: Uint8Array,
  publicKey: KeyObject,
  purpose: HeadPurpose = 'journal',
): boolean {
  return verify(null, signed(head, purpose), publicKey, signature);
}

const REQUEST = v.strictObject({
  head: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/, 'nothing is signed but 32 bytes')),
  purpose: v.optional(v.picklist(['journal', 'report'])),
});

/** The node's answer to the request `sign`, the signature in base64. Throws for what is no head. */
export function answerSign(params: unknown, key: KeyObject): { readonly signature: string } {
  const { head, purpose } = v.parse(REQUEST, params);
  return { signature: Buffer.from(signHead(Buffer.from(head, 'hex'), key, purpose)).toString('base64') };
}

/** Asks the node at that socket; undefined where none answers. Rejects with ControlError when it refuses or can't be asked. */
export async function askToSign(
  socket: string,
  head: Uint8Array,
  purpose: HeadPurpose = 'journal',
): Promise<Uint8Array | undefined> {
  const params = { head: Buffer.from(head).toString('hex'), purpose };
  const answer = await ask(socket, 'sign', { params });
  const signature = (answer as { signature?: unknown } | undefined)?.signature;
  return typeof signature === 'string' ? Buffer.from(signature, 'base64') : undefined;
}
