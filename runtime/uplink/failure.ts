/** Why a link isn't there, as far as it can be told. */
export type LinkFailureKind =
  | 'dns' // the name has no address now
  | 'refused' // nobody listens there, or no route
  | 'timeout' // no answer in time
  | 'closed' // the other end ended it in order, without a word
  | 'reset' // the other end, or something between, broke it off
  | 'tlsName' // the certificate is another host's
  | 'tlsExpired'
  | 'tlsNotYetValid' // often our own clock, before it is set
  | 'tlsUntrusted' // not signed by the CA that we were given
  | 'tlsClient' // the broker wants a certificate of ours, or refuses the one it was shown
  | 'tls'
  | 'auth' // user, password or certificate refused
  | 'identifier' // the client id was refused
  | 'version' // the server doesn't speak this MQTT version
  | 'busy' // server unavailable, busy, over quota, moved
  | 'takenOver' // another client came with our id
  | 'captivePortal' // something answers that isn't an MQTT broker
  | 'protocol'
  | 'deadline' // a publish stayed unanswered
  | 'subscription' // the broker doesn't let us read our receipts
  | 'credentials'; // a certificate, key or password file can't be read

/** None of them passes by itself: a person has to look. */
export const FOR_A_PERSON: ReadonlySet<LinkFailureKind> = new Set([
  'tlsName',
  'tlsExpired',
  'tlsNotYetValid',
  'tlsUntrusted',
  'tlsClient',
  'auth',
  'identifier',
  'takenOver',
  'credentials',
]);

export interface LinkFailure {
  readonly kind: LinkFailureKind;
  /** For people: what happened, and what to look at. */
  readonly text: string;
}

const BY_CODE: Readonly<Record<string, LinkFailureKind>> = {
  ENOTFOUND: 'dns',
  EAI_AGAIN: 'dns',
  EAI_FAIL: 'dns',
  ENODATA: 'dns',
  ECONNREFUSED: 'refused',
  EHOSTUNREACH: 'refused',
  ENETUNREACH: 'refused',
  EADDRNOTAVAIL: 'refused',
  EHOSTDOWN: 'refused',
  ENETDOWN: 'refused',
  ETIMEDOUT: 'timeout',
  ECONNRESET: 'reset',
  EPIPE: 'reset',
  ERR_TLS_CERT_ALTNAME_INVALID: 'tlsName',
  CERT_HAS_EXPIRED: 'tlsExpired',
  CERT_NOT_YET_VALID: 'tlsNotYetValid',
  // What the broker says of ours.
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED: 'tlsExpired',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'tlsUntrusted',
  SELF_SIGNED_CERT_IN_CHAIN: 'tlsUntrusted',
  UNABLE_TO_GET_ISSUER_CERT: 'tlsUntrusted',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'tlsUntrusted',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'tlsUntrusted',
  CERT_REVOKED: 'tlsUntrusted',
  // Plain text where TLS was expected: a portal, or a wrong port.
  ERR_SSL_WRONG_VERSION_NUMBER: 'captivePortal',
  ERR_SSL_PACKET_LENGTH_TOO_LONG: 'captivePortal',
  EPROTO: 'tls',
};

/** What a server says of the client's certificate, or of its absence (RFC 8446 §6.2; `handshake_failure` is TLS 1.2's word for none). */
const OF_OUR_CERTIFICATE =
  /ALERT_(HANDSHAKE_FAILURE|(BAD|UNSUPPORTED)_CERTIFICATE|CERTIFICATE_(REQUIRED|REVOKED|UNKNOWN)|UNKNOWN_CA|ACCESS_DENIED)$/;

/** OpenSSL's SSL_R_WRONG_VERSION_NUMBER, as Node prints it in an EPROTO: the first bytes of the answer were no TLS record. */
const PLAIN_ANSWER = /:0A00010B:/;

/** CONNACK and DISCONNECT codes of MQTT 5 (§3.2.2.2, §3.14.2.1); 1 to 5 are CONNACK's of 3.1.1 (§3.2.2.3). */
const BY_REASON: Readonly<Record<number, LinkFailureKind>> = {
  1: 'version',
  2: 'identifier',
  3: 'busy',
  4: 'auth',
  5: 'auth',
  132: 'version',
  133: 'identifier',
  134: 'auth',
  135: 'auth',
  136: 'busy',
  137: 'busy',
  138: 'auth',
  139: 'busy',
  140: 'auth',
  141: 'timeout',
  142: 'takenOver',
  150: 'busy',
  151: 'busy',
  156: 'busy',
  157: 'busy',
  159: 'busy',
};

const HINTS: Readonly<Partial<Record<LinkFailureKind, string>>> = {
  tlsName: 'the certificate is for another name: a captive portal, or a wrong uplink.url',
  tlsExpired:
    'a certificate has expired: renew it (a new file is taken at the next try), or look at the clock',
  tlsNotYetValid: 'the certificate is not valid yet: is the clock set?',
  tlsUntrusted: 'the certificate is not signed by uplink.ca',
  tlsClient: 'the broker wants a certificate of this node, or refuses the one it was shown',
  auth: 'the broker refused user, password or certificate',
  takenOver: 'another client connected with the same client id: two nodes with one identity?',
  captivePortal: 'what answers is not an MQTT broker: a captive portal, or a wrong port',
};

export function failure(kind: LinkFailureKind, text: string): LinkFailure {
  const hint = HINTS[kind];
  return { kind, text: hint ? `${hint} (${text})` : text };
}

/** By the reason code of a CONNACK that refuses, or of the server's DISCONNECT. */
export function reasonFailure(reasonCode: number, text: string): LinkFailure {
  return failure(BY_REASON[reasonCode] ?? 'protocol', `${text}, reason 0x${reasonCode.toString(16)}`);
}

/** By `code`, never by text. An error without one, before the CONNACK, is the parser's: no MQTT broker answered. */
export function errorFailure(error: Error, connected: boolean): LinkFailure {
  const code: unknown = (error as { code?: unknown }).code;
  if (typeof code === 'number') return reasonFailure(code, error.message);
  if (code === 'EPROTO' && PLAIN_ANSWER.test(error.message)) return failure('captivePortal', error.message);
  if (typeof code === 'string') return failure(BY_CODE[code] ?? tlsOr(code), error.message);
  return failure(connected ? 'protocol' : 'captivePortal', error.message);
}

function tlsOr(code: string): LinkFailureKind {
  if (OF_OUR_CERTIFICATE.test(code)) return 'tlsClient';
  return /^(ERR_SSL|ERR_TLS|ERR_OSSL|CERT_|UNABLE_TO_|CRL_)/.test(code) ? 'tls' : 'refused';
}
