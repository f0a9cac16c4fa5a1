import type { KeyObject } from 'node:crypto';
import { Encoder } from 'cbor-x/encode';
import * as v from 'valibot';
import { CoseError, keyIdOf, openCose, readCose, signCose } from '../../../wire/index.js';
import { fromBase64url, toBase64url } from './base64url.js';

export type OwnerTextErrorKind =
  /** Not in its form, or cut, or too long. */
  | 'malformed'
  /** Nobody that this node knows signed it. */
  | 'notOfOwner'
  /** Signed well, by a later version. */
  | 'unknownVersion'
  /** A notice that would make a list longer than any notice may be. */
  | 'tooMany';

/** A text of the owner's that can't be made or believed; `kind` is what to decide by. */
export class OwnerTextError extends Error {
  override readonly name = 'OwnerTextError';

  constructor(
    readonly kind: OwnerTextErrorKind,
    what: string,
    options: { cause?: unknown } = {},
  ) {
    super(what, options);
  }
}

/** A kind of text that an owner signs: a CBOR array in a COSE_Sign1, as one word that fits a line. */
export interface OwnerTextForm<T> {
  /** For people: `grant`. */
  readonly title: string;
  /** What the word begins with: `g1.`. */
  readonly prefix: string;
  /** Signed along (RFC 9052 §4.3), so that no text of one kind is one of another. */
  readonly context: string;
  /** With its prefix. */
  readonly maxLength: number;
  /** After the version. */
  readonly fields: v.GenericSchema<unknown, T>;
}

const VERSION = 1;
/** cbor-x/encode is cbor-x without its native extract: plain RFC 8949, lengths and integers in their shortest form (§4.2.1). */
const cbor = new Encoder({ useRecords: false, tagUint8Array: false, mapsAsObjects: true });

/** The same fields and key give the same text. Throws OwnerTextError `malformed` where the fields are not of this form. */
export function signText<T>(
  form: OwnerTextForm<T>,
  fields: readonly unknown[],
  key: KeyObject,
  kid: string,
): string {
  readFields(form, fields);
  const payload = cbor.encode([VERSION, ...fields]);
  return form.prefix + toBase64url(signCose(payload, form.context, kid, key));
}

/** What the owner says in it; throws OwnerTextError. Nothing that the owner didn't sign is decoded. */
export function openText<T>(form: OwnerTextForm<T>, text: string, owner: KeyObject): T {
  const ownerId = keyIdOf(owner);
  const bytes = bytesOf(form, text);
  return decode(form, () => openCose(bytes, form.context, (kid) => (kid === ownerId ? owner : undefined)));
}

/** What it says, whoever signed it: for whoever holds it and no owner's key. Throws OwnerTextError. */
export function readText<T>(form: OwnerTextForm<T>, text: string): T {
  const bytes = bytesOf(form, text);
  return decode(form, () => readCose(bytes).payload);
}

function bytesOf<T>({ title, prefix, maxLength }: OwnerTextForm<T>, text: string): Uint8Array {
  const isInForm = text.startsWith(prefix) && text.length <= maxLength;
  const bytes = isInForm ? fromBase64url(text.slice(prefix.length)) : undefined;
  if (!bytes) throw new OwnerTextError('malformed', `a ${title} is ${prefix} and base64url, whole`);
  return bytes;
}

function decode<T>(form: OwnerTextForm<T>, payloadOf: () => Uint8Array): T {
  const { title } = form;
  let fields: unknown;
  try {
    fields = cbor.decode(payloadOf());
  } catch (cause) {
    const isForeign = cause instanceof CoseError && cause.kind !== 'malformed';
    const kind = isForeign ? 'notOfOwner' : 'malformed';
    throw new OwnerTextError(kind, `this ${title} is not believed: ${(cause as Error).message}`, { cause });
  }
  if (!Array.isArray(fields) || fields[0] !== VERSION)
    throw new OwnerTextError('unknownVersion', `this ${title} is of another version; known is ${VERSION}`);
  return readFields(form, fields.slice(1));
}

function readFields<T>({ title, fields: schema }: OwnerTextForm<T>, fields: readonly unknown[]): T {
  const result = v.safeParse(schema, fields);
  if (result.success) return result.output;
  const what = result.issues.map((issue) => issue.message).join('; ');
  throw new OwnerTextError('malformed', `this ${title} is not in its form: ${what}`);
}

export const EPOCH_MAX = 0xffff_ffff;

/** Whole, from 1; a grant or notice without one would never end. */
export const epochField = v.pipe(
  v.number('an epoch is a number'),
  v.integer('an epoch is a whole number'),
  v.minValue(1, 'epochs begin at 1'),
  v.maxValue(EPOCH_MAX, `an epoch is at most ${EPOCH_MAX}`),
);

export function bytesField(length: number) {
  const is = (value: unknown) => value instanceof Uint8Array && value.length === length;
  return v.custom<Uint8Array>(is, `${length} bytes are wanted`);
}
