import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import type { UplinkConfig } from '../config/types.js';
import type { Resolver } from './resolver.js';

/** The way to a broker, and what is below it: with TLS another socket, which counts the bytes that leave and come. */
export interface OpenedSocket {
  readonly socket: Socket;
  readonly tcp: Socket;
}

/** Opens the way to the broker. Files are read anew each time, so that a renewed certificate is used; one that can't be read throws. */
export function openSocket(config: UplinkConfig, resolver: Resolver): OpenedSocket {
  const { host, port, isSecure } = brokerPlace(config);
  const place = {
    ...{ host, port, lookup: resolver.lookup },
    // Nagle's wait for an acknowledgement would cost 20 to 40 ms a window: the next publish carries it.
    noDelay: true,
  };
  const options = isSecure && tlsOptions(config, host);
  const tcp = connect(place);
  if (!options) return { socket: tcp, tcp };
  const socket = connectTls({ socket: tcp, host, ...options });
  tcp.on('error', (error) => socket.destroy(error));
  return { socket, tcp };
}

/** Where `uplink.url` points. */
export function brokerPlace(config: Pick<UplinkConfig, 'url'>) {
  const url = new URL(config.url);
  const isSecure = url.protocol === 'mqtts:';
  const host = url.hostname.replace(/^\[|\]$/g, '');
  return { host, port: url.port ? Number(url.port) : isSecure ? 8883 : 1883, isSecure };
}

/** Of `openSocket`: nothing may be said before. For TLS: the certificate was found good, for this name. */
export function readyEvent(config: UplinkConfig): 'secureConnect' | 'connect' {
  return brokerPlace(config).isSecure ? 'secureConnect' : 'connect';
}

/** Verification is always on: there is no switch. */
export function tlsOptions(config: UplinkConfig, host: string): ConnectionOptions {
  return {
    rejectUnauthorized: true,
    minVersion: 'TLSv1.2',
    ...(/^[\d.]+$|:/.test(host) ? {} : { servername: host }),
    ...(config.ca ? { ca: readFileSync(config.ca) } : {}),
    ...(config.certificate ? { cert: readFileSync(config.certificate) } : {}),
    ...(config.key ? { key: readFileSync(config.key.file) } : {}),
  };
}
