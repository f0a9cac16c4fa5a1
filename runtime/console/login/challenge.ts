import { type KeyObject, sign, verify } from 'node:crypto';
import type { NodeId } from '../../../wire/index.js';

/** Length of the random part: no challenge is ever asked twice. */
export const NONCE_BYTES = 16;
const CHALLENGE = /^c1\.([0-9a-f]{16})\.([A-Za-z0-9_-]{22})$/;
/** An Ed25519 signature (RFC 8032 §5.1.6: 64 bytes) in base64url without padding. */
const ANSWER = /^[A-Za-z0-9_-]{86}$/;
/** What is signed begins with its purpose, so that no signature made for anything else opens a console. */
const PURPOSE = 'cairn console login\n';

/** What a node asks on its console: who it is and a number never used before; one word, short enough to be read out. */
export function makeChallenge(node: NodeId, nonce: Uint8Array): string {
  return `c1.${node}.${Buffer.from(nonce).toString('base64url')}`;
}

/** The node that a challenge comes from; undefined where the text is no challenge. */
export function challenger(text: string): NodeId | undefined {
  return CHALLENGE.exec(text)?.[1];
}

/** One line that answers it, made offline by whoever holds the private key. */
export function answerTo(challenge: string, key: KeyObject): string {
  return sign(null, Buffer.from(PURPOSE + challenge), key).toString('base64url');
}

export function isAnswer(answer: string, challenge: string, publicKey: KeyObject): boolean {
  if (!ANSWER.test(answer)) return false;
  return verify(null, Buffer.from(PURPOSE + challenge), publicKey, Buffer.from(answer, 'base64url'));
}
