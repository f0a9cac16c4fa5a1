import { type KeyObject, sign, verify } from 'node:crypto';
import type { NodeId } from '../../../wire/index.js';
import { fromBase64url, toBase64url } from './base64url.js';

/** Length of the random part: no challenge is ever asked twice. */
export const NONCE_BYTES = 16;
const CHALLENGE = /^c1\.([0-9a-f]{16})\.([A-Za-z0-9_-]{22})$/;
/** An Ed25519 signature (RFC 8032 §5.1.6: 64 bytes) in base64url; a grant behind a point where the key is not the owner's own. */
const ANSWER = /^([A-Za-z0-9_-]{86})(?:\.(g1\.[A-Za-z0-9_-]{1,600}))?$/;
/** What is signed begins with its purpose, so that no signature made for anything else opens a console. */
const PURPOSE = 'cairn console login\n';

/** What a node asks on its console: who it is and a number never used before; one word, short enough to be read out. */
export function makeChallenge(node: NodeId, nonce: Uint8Array): string {
  return `c1.${node}.${toBase64url(nonce)}`;
}

/** The node that a challenge comes from; undefined where the text is no challenge. */
export function challenger(text: string): NodeId | undefined {
  return CHALLENGE.exec(text)?.[1];
}

/** One line that answers it, made offline by whoever holds the private key; `grant` where that is not the owner. */
export function answerTo(challenge: string, key: KeyObject, grant?: string): string {
  const signature = toBase64url(sign(null, toBeSigned(challenge, grant), key));
  return grant === undefined ? signature : `${signature}.${grant}`;
}

export interface Answer {
  readonly signature: Uint8Array;
  readonly grant: string | undefined;
}

/** An answer's pieces; undefined where the text has not the length and shape of one. */
export function parseAnswer(text: string): Answer | undefined {
  const [, word = '', grant] = ANSWER.exec(text) ?? [];
  const signature = fromBase64url(word);
  return signature && signature.length > 0 ? { signature, grant } : undefined;
}

/** Whether that key made this answer, with this grant, to this challenge. */
export function isSignedBy({ signature, grant }: Answer, challenge: string, publicKey: KeyObject): boolean {
  return verify(null, toBeSigned(challenge, grant), publicKey, signature);
}

/** The grant is signed along: nobody on the line puts another in its place. */
function toBeSigned(challenge: string, grant: string | undefined): Buffer {
  return Buffer.from(grant === undefined ? PURPOSE + challenge : `${PURPOSE}${challenge}\n${grant}`);
}
