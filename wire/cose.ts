import { type KeyObject, sign, verify } from 'node:crypto';
import { Encoder } from 'cbor-x/encode';

export type CoseErrorKind =
  | 'malformed'
  /** Signed, it says, with a key that we weren't given. */
  | 'unknownKey'
  | 'badSignature';

/** A message that can't be believed; `kind` is what to decide by. */
export class CoseError extends Error {
  override readonly name = 'CoseError';

  constructor(
    readonly kind: CoseErrorKind,
    what: string,
  ) {
    super(what);
  }
}

/**
 * COSE_Sign1 (RFC 9052 §4.2) with one shape only: protected header {1: -8 (EdDSA, RFC 9053 §2.2), 4: kid of 8 bytes}, nothing
 * unprotected, payload attached. So its bytes stand at fixed places, and nothing unsigned ever reaches a CBOR decoder.
 */
const PREFIX = Buffer.from('d2844d', 'hex');
const PROTECTED = Buffer.from('a20127', 'hex');
const KID = Buffer.from('0448', 'hex');
const UNPROTECTED = Buffer.from('a0', 'hex');
const SIGNATURE = Buffer.from('5840', 'hex');

const KID_BYTES = 8;
const SIGNATURE_BYTES = 64;
const PROTECTED_AT = PREFIX.length;
const KID_AT = PROTECTED_AT + PROTECTED.length + KID.length;
const PAYLOAD_AT = KID_AT + KID_BYTES + UNPROTECTED.length;
const TRAILER_BYTES = SIGNATURE.length + SIGNATURE_BYTES;

const cbor = new Encoder({ useRecords: false, tagUint8Array: false });

/** What is signed (RFC 9052 §4.4). `context` is the externally supplied data: a signature for one purpose is none for another. */
function toBeSigned(header: Uint8Array, context: string, payload: Uint8Array): Uint8Array {
  return cbor.encode(['Signature1', Buffer.from(header), Buffer.from(context), Buffer.from(payload)]);
}

export function signCose(payload: Uint8Array, context: string, kid: string, key: KeyObject): Uint8Array {
  const header = Buffer.concat([PROTECTED, KID, Buffer.from(kid, 'hex')]);
  const signature = sign(null, toBeSigned(header, context, payload), key);
  const body = cbor.encode(Buffer.from(payload));
  return Buffer.concat([PREFIX, header, UNPROTECTED, body, SIGNATURE, signature]);
}

/** The payload of a message that one of the keys signed; throws CoseError `malformed`, `unknownKey` or `badSignature`. */
export function openCose(
  bytes: Uint8Array,
  context: string,
  keyOf: (kid: string) => KeyObject | undefined,
): Uint8Array {
  const { kid, header, payload, signature } = readCose(bytes);
  const key = keyOf(kid);
  if (!key) throw new CoseError('unknownKey', `signed with key ${kid}, which is none of ours`);
  if (!verify(null, toBeSigned(header, context, payload), key, signature))
    throw new CoseError('badSignature', `the signature is not of key ${kid}`);
  return payload;
}

export interface CoseParts {
  /** Of the key that signed, it says: 16 lower-case hex digits. */
  readonly kid: string;
  /** The protected header's bytes. */
  readonly header: Uint8Array;
  readonly payload: Uint8Array;
  readonly signature: Uint8Array;
}

/** The pieces of a message that nobody has verified yet; throws CoseError `malformed`. */
export function readCose(bytes: Uint8Array): CoseParts {
  const message = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const header = message.subarray(PROTECTED_AT, KID_AT + KID_BYTES);
  const fixed = [PREFIX, PROTECTED, KID, header.subarray(-KID_BYTES), UNPROTECTED];
  if (
    message.length < PAYLOAD_AT + 1 + TRAILER_BYTES ||
    !message.subarray(0, PAYLOAD_AT).equals(Buffer.concat(fixed))
  )
    throw new CoseError('malformed', 'not a COSE_Sign1 of Ed25519 with a key id of 8 bytes');
  const payload = byteString(message.subarray(PAYLOAD_AT, -TRAILER_BYTES));
  const trailer = message.subarray(-TRAILER_BYTES);
  if (!payload || !trailer.subarray(0, SIGNATURE.length).equals(SIGNATURE))
    throw new CoseError('malformed', 'payload and signature are not where their lengths say');
  const kid = header.subarray(-KID_BYTES).toString('hex');
  return { kid, header, payload, signature: trailer.subarray(SIGNATURE.length) };
}

/** The content of one CBOR byte string that takes all of `bytes`, its length in the shortest form; lengths to 65,535. */
function byteString(bytes: Buffer): Buffer | undefined {
  const head = bytes[0]! < 0x58 ? 1 : bytes[0] === 0x58 ? 2 : 3;
  if (bytes.length < head) return undefined;
  const content = bytes.subarray(head);
  return cbor.encode(content).equals(bytes) ? content : undefined;
}
