import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';

export interface Mail {
  readonly to: readonly string[];
  readonly source: string;
  readonly messageId: string;
  readonly atMs: number;
}

export interface Sink {
  readonly port: number;
  readonly mails: readonly Mail[];
  /** Refuses connections; a mail under way may be cut off. */
  stop(): Promise<void>;
  start(): Promise<void>;
}

/** A real SMTP server on loopback that keeps what it is given. */
export async function startSink(options: SMTPServerOptions = {}): Promise<Sink> {
  const mails: Mail[] = [];
  let server: SMTPServer | undefined;
  let port = 0;
  const start = async () => {
    server = new SMTPServer({
      authOptional: true,
      disabledCommands: ['STARTTLS'],
      closeTimeout: 100,
      onData(stream, session, done) {
        const chunks: Buffer[] = [];
        stream.on('data', (chunk: Buffer) => chunks.push(chunk));
        stream.on('end', () => {
          const source = Buffer.concat(chunks).toString('utf8');
          const messageId = /^Message-ID: (.*)$/im.exec(source)?.[1]?.trim() ?? '';
          mails.push({
            to: session.envelope.rcptTo.map(({ address }) => address),
            source,
            messageId,
            atMs: Date.now(),
          });
          done();
        });
      },
      ...options,
    });
    // A client that breaks off is no fault of the sink.
    server.on('error', () => undefined);
    server.listen(port, '127.0.0.1');
    await once(server.server, 'listening');
    port = (server.server.address() as AddressInfo).port;
  };
  const stop = () => new Promise<void>((resolve) => server!.close(() => resolve()));
  await start();
  return {
    get port() {
      return port;
    },
    mails,
    start,
    stop,
  };
}
