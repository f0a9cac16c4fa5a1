import type { KeyObject } from 'node:crypto';
import * as v from 'valibot';
import { bytesField, epochField, type OwnerTextForm, openText, signText } from './owner-text.js';

/** The owner's word to every node: what epoch it is, and whose grants are void all the same. */
export interface Notice {
  readonly epoch: number;
  /** Ids of keys: 16 lower-case hex digits each. */
  readonly revoked: readonly string[];
}

/** So that a notice fits a line of 1,024 characters. */
export const REVOKED_MAX = 64;

const FORM: OwnerTextForm<Notice> = {
  title: 'notice',
  prefix: 'n1.',
  context: 'cairn/1/owner-notice',
  // 64 keys of 9 bytes and the longest epoch: 671 bytes.
  maxLength: 898,
  fields: v.pipe(
    v.tuple([
      epochField,
      v.pipe(
        v.array(bytesField(8)),
        v.maxLength(REVOKED_MAX, `a notice names ${REVOKED_MAX} keys at most; a higher epoch voids the rest`),
      ),
    ]),
    v.transform(([epoch, revoked]) => ({
      epoch,
      revoked: revoked.map((key) => Buffer.from(key).toString('hex')),
    })),
  ),
};

/** One word, made offline with the owner's private key (docs/grants.md); throws OwnerTextError `malformed`. */
export function signNotice({ epoch, revoked }: Notice, kid: string, key: KeyObject): string {
  const keys = [...new Set(revoked)].sort().map((id) => Buffer.from(id, 'hex'));
  return signText(FORM, [epoch, keys], key, kid);
}

/** A notice that the owner signed; throws OwnerTextError. */
export function openNotice(text: string, owner: KeyObject): Notice {
  return openText(FORM, text, owner);
}

/** Whether somebody means it as one. */
export function isNotice(text: string): boolean {
  return text.startsWith(FORM.prefix);
}
