import type { Socket } from 'node:net';
import { connect, type DetailedPeerCertificate, type TLSSocket } from 'node:tls';
import type { UplinkConfig } from '../../config/types.js';
import { errorFailure, failure, type LinkFailureKind } from '../failure.js';
import { tlsOptions } from '../socket.js';
import { ProbeError } from './types.js';

/** What a clock that is wrong makes of a certificate that is right. */
const OF_THE_CLOCK: readonly LinkFailureKind[] = ['tlsExpired', 'tlsNotYetValid'];
/** No chain is longer; one that names itself in a circle has an end so. */
const CHAIN_MAX = 10;

export interface OpenTls {
  readonly socket: TLSSocket;
  /** Version, who answered, who vouches for it. */
  readonly text: string;
}

/** The handshake as the uplink does it; rejects with a ProbeError, which says who answered. `wallMs`: this machine's clock, ms since 1970. */
export function openTls(tcp: Socket, host: string, config: UplinkConfig, wallMs: number): Promise<OpenTls> {
  return new Promise((resolve, reject) => {
    const socket = connect({ socket: tcp, host, ...optionsOf(config, host) });
    let peer = '';
    // Before it is judged: of a certificate that is refused nothing is left afterwards.
    socket.prependListener('secure', () => {
      peer = peerText(socket.getPeerCertificate(true));
    });
    const fail = (why: ReturnType<typeof failure>) => {
      const clock = OF_THE_CLOCK.includes(why.kind) ? `; this machine's clock: ${dayText(wallMs)}` : '';
      reject(ProbeError.of(why, `${peer && `; who answered: ${peer}`}${clock}`));
      socket.destroy();
    };
    socket.once('secureConnect', () => {
      const by = `verified by ${rootOf(socket.getPeerCertificate(true))} (${config.ca ?? 'of the system'})`;
      resolve({ socket, text: `${socket.getProtocol()}; ${peer}; ${by}` });
    });
    socket.on('error', (error) => fail(errorFailure(error, false)));
    socket.on('close', () => fail(failure('closed', 'the connection was closed during the TLS handshake')));
    tcp.on('error', (error) => socket.destroy(error));
  });
}

function optionsOf(config: UplinkConfig, host: string): ReturnType<typeof tlsOptions> {
  try {
    return tlsOptions(config, host);
  } catch (error) {
    throw ProbeError.of(failure('credentials', (error as Error).message));
  }
}

function peerText({ subject, issuer, valid_from, valid_to }: DetailedPeerCertificate): string {
  const span = `valid ${dayText(Date.parse(valid_from))} to ${dayText(Date.parse(valid_to))}`;
  return `${nameOf(subject)}, issued by ${nameOf(issuer)}, ${span}`;
}

function rootOf(leaf: DetailedPeerCertificate): string {
  let root = leaf;
  for (let i = 0; i < CHAIN_MAX && root.issuerCertificate && root.issuerCertificate !== root; i++)
    root = root.issuerCertificate;
  return nameOf(root.subject);
}

function nameOf(name: DetailedPeerCertificate['subject'] | undefined): string {
  const { CN, O } = (name ?? {}) as { readonly CN?: string | string[]; readonly O?: string | string[] };
  return `CN=${CN ?? '-'}${O === undefined ? '' : ` O=${O}`}`;
}

/** A day, and the time of day: a certificate that ended today has both. */
function dayText(ms: number): string {
  return Number.isFinite(ms) ? `${new Date(ms).toISOString().slice(0, 16)}Z` : 'an unknown day';
}
