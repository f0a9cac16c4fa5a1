import { type KeyObject, sign, verify } from 'node:crypto';
import * as v from 'valibot';
import { ask } from './control.js';

/** What is signed begins with its purpose, so that no signature made for anything else is one of a journal. */
const PURPOSE = Buffer.from('cairn console journal\n');
/** SHA-256. */
export const HEAD_BYTES = 32;

export function signHead(head: Uint8Array, key: KeyObject): Uint8Array {
  return sign(null, Buffer.concat([PURPOSE, head]), key);
}

/** Whether that key signed this head (RFC 8032, 64 bytes). */
export function isHeadSignedBy(head: Uint8Array, signature: Uint8Array, publicKey: KeyObject): boolean {
  return verify(null, Buffer.concat([PURPOSE, head]), publicKey, signature);
}

const REQUEST = v.strictObject({
  head: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/, 'nothing is signed but 32 bytes')),
});

/** The node's answer to the request `sign`, the signature in base64. Throws for what is no head. */
export function answerSign(params: unknown, key: KeyObject): { readonly signature: string } {
  const { head } = v.parse(REQUEST, params);
  return { signature: Buffer.from(signHead(Buffer.from(head, 'hex'), key)).toString('base64') };
}

/** Asks the node at that socket; undefined where none answers. Rejects with ControlError when it refuses or can't be asked. */
export async function askToSign(socket: string, head: Uint8Array): Promise<Uint8Array | undefined> {
  const answer = await ask(socket, 'sign', { params: { head: Buffer.from(head).toString('hex') } });
  const signature = (answer as { signature?: unknown } | undefined)?.signature;
  return typeof signature === 'string' ? Buffer.from(signature, 'base64') : undefined;
}
