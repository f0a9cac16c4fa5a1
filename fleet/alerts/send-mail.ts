import { createTransport } from 'nodemailer';
import type { Message, ProbedTransport } from './transport.js';

const TIMEOUT_MS = 20_000;

export interface MailOptions {
  readonly host: string;
  readonly port: number;
  /** `tls`: from the first byte (465). `starttls`: it must be offered (587). `none`: in the clear, for a relay on this machine. */
  readonly security: 'tls' | 'starttls' | 'none';
  /** PEM of who signs the server's certificate, where the system doesn't know them. */
  readonly ca?: string;
  readonly user?: string;
  readonly password?: string;
  /** `Cairn <cairn@example.org>`. */
  readonly from: string;
}

/** Mail by SMTP. Its Message-ID is the delivery's: a repeat after a broken connection is known by it. */
export function mailTransport({
  host,
  port,
  security,
  ca,
  user,
  password,
  from,
}: MailOptions): ProbedTransport {
  const smtp = createTransport({
    host,
    port,
    secure: security === 'tls',
    requireTLS: security === 'starttls',
    ignoreTLS: security === 'none',
    ...(ca ? { tls: { ca } } : {}),
    ...(user ? { auth: { user, pass: password ?? '' } } : {}),
    connectionTimeout: TIMEOUT_MS,
    greetingTimeout: TIMEOUT_MS,
    socketTimeout: TIMEOUT_MS,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  const domain = /@([A-Za-z0-9.-]+)/.exec(from)?.[1] ?? 'cairn.invalid';
  return {
    scheme: 'mail',
    async send({ id, to, subject, text, isUrgent }: Message): Promise<void> {
      await smtp.sendMail({
        from,
        to: { name: '', address: to },
        subject,
        text,
        messageId: `<${id}@${domain}>`,
        ...(isUrgent ? { priority: 'high' as const } : {}),
        // Nobody's holiday notice answers an alarm (RFC 3834).
        headers: { 'Auto-Submitted': 'auto-generated' },
      });
    },
    async probe() {
      await smtp.verify();
    },
    async close() {
      smtp.close();
    },
  };
}
