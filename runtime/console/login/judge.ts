import type { KeyObject } from 'node:crypto';
import { keyIdOf, type NodeId } from '../../../wire/index.js';
import type { Caller } from '../command.js';
import { type Answer, isSignedBy, parseAnswer } from './challenge.js';
import { type Grant, openGrant } from './grant.js';
import { OwnerTextError, type OwnerTextErrorKind } from './owner-text.js';
import type { Seen } from './seen.js';

/** Why an answer lets nobody in. */
export type Refusal =
  | OwnerTextErrorKind
  /** The grant is for another node. */
  | 'foreignNode'
  /** A higher epoch was seen since. */
  | 'expired'
  | 'revoked'
  /** What was seen of epochs is damaged: no grant is believed until a notice comes. */
  | 'memoryDamaged'
  /** Not made by the key, or to another challenge: a replay, another node's, another purpose. */
  | 'wrongSignature'
  | 'wrongSecret';

/** How the owner is called in records. */
export const OWNER: Caller = { role: 'owner', name: 'owner' };

export type Verdict =
  | { readonly caller: Caller }
  /** `holder`: they proved the key of a grant that the owner made, and may know what is wrong with it. */
  | { readonly refusal: Refusal; readonly holder: boolean };

export interface Asked {
  readonly node: NodeId;
  readonly challenge: string;
  readonly owner: KeyObject;
  /** A grant's epoch is durable there before anything is answered. */
  readonly memory: { seeGrant(grant: Grant): Promise<Seen | undefined> };
}

/** Looks at an answer: shape, the owner's signature of the grant, what the grant says, and at last who signed the challenge. */
export async function judgeAnswer(text: string, asked: Asked): Promise<Verdict> {
  const answer = parseAnswer(text);
  if (!answer) return stranger('malformed');
  if (answer.grant === undefined)
    return isSignedBy(answer, asked.challenge, asked.owner) ? { caller: OWNER } : stranger('wrongSignature');
  try {
    return await judgeGranted(answer, openGrant(answer.grant, asked.owner), asked);
  } catch (error) {
    if (error instanceof OwnerTextError) return stranger(error.kind);
    throw error;
  }
}

async function judgeGranted(answer: Answer, grant: Grant, asked: Asked): Promise<Verdict> {
  const refusal = refusalOf(grant, asked.node, await asked.memory.seeGrant(grant));
  const isHolder = isSignedBy(answer, asked.challenge, grant.publicKey);
  if (refusal) return { refusal, holder: isHolder };
  return isHolder ? { caller: { role: grant.role, name: grant.name } } : stranger('wrongSignature');
}

function refusalOf({ node, epoch, publicKey }: Grant, here: NodeId, seen: Seen | undefined) {
  if (node !== undefined && node !== here) return 'foreignNode';
  if (!seen) return 'memoryDamaged';
  if (epoch < seen.epoch) return 'expired';
  return seen.revoked.includes(keyIdOf(publicKey)) ? 'revoked' : undefined;
}

function stranger(refusal: Refusal): Verdict {
  return { refusal, holder: false };
}

/** What a holder may be told; whoever is a stranger hears one word. */
export function refusalText(verdict: { readonly refusal: Refusal; readonly holder: boolean }): string {
  const text = verdict.holder ? TOLD[verdict.refusal] : undefined;
  return text === undefined ? 'Refused.' : `Refused: ${text}`;
}

const TOLD: Partial<Record<Refusal, string>> = {
  foreignNode: 'your grant is for another node. Ask the owner for one for this node.',
  expired: 'your grant has expired: its epoch is over. Ask the owner for a new one.',
  revoked: 'the owner has revoked your key.',
  memoryDamaged: "what this node knows of grants is damaged. Paste the owner's newest notice, then answer.",
};
