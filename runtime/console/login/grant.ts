import type { KeyObject } from 'node:crypto';
import * as v from 'valibot';
import { keyFromRaw, type NodeId, rawKeyOf } from '../../../wire/index.js';
import { ROLES, type Role } from '../command.js';
import { bytesField, epochField, type OwnerTextForm, openText, readText, signText } from './owner-text.js';

/** The owner's word that whoever holds a key may log in, and as what. */
export interface Grant {
  readonly publicKey: KeyObject;
  readonly role: Role;
  /** The one node that it is for; undefined: all of the owner's. */
  readonly node: NodeId | undefined;
  /** Whom records name: 1 to 64 printable characters. */
  readonly name: string;
  /** It holds as long as the node has seen no higher one. */
  readonly epoch: number;
}

/** Letters, marks, digits, punctuation and symbols; nothing that moves a cursor or turns the direction of writing. */
const NAME =
  /^[\p{L}\p{M}\p{N}\p{P}\p{S}](?:[\p{L}\p{M}\p{N}\p{P}\p{S} ]{0,62}[\p{L}\p{M}\p{N}\p{P}\p{S}])?$/u;

const FORM: OwnerTextForm<Grant> = {
  title: 'grant',
  prefix: 'g1.',
  context: 'cairn/1/grant',
  // 64 characters of four bytes, all else at its longest: 406 bytes.
  maxLength: 545,
  fields: v.pipe(
    v.tuple([
      bytesField(32),
      v.picklist(ROLES, `a role is one of ${ROLES.join(', ')}`),
      v.nullable(bytesField(8)),
      v.pipe(v.string(), v.regex(NAME, 'a name is 1 to 64 printable characters')),
      epochField,
    ]),
    v.transform(([key, role, node, name, epoch]) => ({
      publicKey: keyFromRaw(key),
      role,
      node: node === null ? undefined : Buffer.from(node).toString('hex'),
      name,
      epoch,
    })),
  ),
};

/** One word, made offline with the owner's private key (docs/grants.md); throws OwnerTextError `malformed` for a bad name or epoch. */
export function signGrant(grant: Grant, kid: string, key: KeyObject): string {
  const { publicKey, role, node, name, epoch } = grant;
  const nodeBytes = node === undefined ? null : Buffer.from(node, 'hex');
  return signText(FORM, [rawKeyOf(publicKey), role, nodeBytes, name, epoch], key, kid);
}

/** A grant that the owner signed; throws OwnerTextError. */
export function openGrant(text: string, owner: KeyObject): Grant {
  return openText(FORM, text, owner);
}

/** A grant whose signature nobody has looked at: enough for its holder to know what it says. Throws OwnerTextError. */
export function readGrant(text: string): Grant {
  return readText(FORM, text);
}
