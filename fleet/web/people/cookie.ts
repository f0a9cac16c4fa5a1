import { createHmac, timingSafeEqual } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';

/** As long as a session lasts at most. */
const MAX_AGE_S = 7 * 86_400;

/** The cookie that holds a session's token. `__Host-` (RFC 6265bis §4.1.3.2) keeps other hosts from setting it, and needs https. */
export class SessionCookie {
  readonly #name: string;
  readonly #attributes: string;

  constructor({ secure }: { readonly secure: boolean }) {
    this.#name = secure ? '__Host-cairn' : 'cairn';
    this.#attributes = `Path=/; HttpOnly; SameSite=Lax${secure ? '; Secure' : ''}`;
  }

  /** The token that came; the first one, should there be more. */
  read({ headers }: Pick<FastifyRequest, 'headers'>): string | undefined {
    const start = `${this.#name}=`;
    const pair = headers.cookie?.split(/; */).find((each) => each.startsWith(start));
    return pair?.slice(start.length) || undefined;
  }

  set(reply: FastifyReply, token: string): void {
    reply.header('set-cookie', `${this.#name}=${token}; Max-Age=${MAX_AGE_S}; ${this.#attributes}`);
  }

  clear(reply: FastifyReply): void {
    reply.header('set-cookie', `${this.#name}=; Max-Age=0; ${this.#attributes}`);
  }
}

/** What a form of this session has to bring along; nothing of the session can be told from it. */
export function csrfOf(token: string): string {
  return createHmac('sha256', token).update('cairn form').digest('base64url');
}

export function isCsrf(given: unknown, token: string): boolean {
  const [a, b] = [Buffer.from(String(given)), Buffer.from(csrfOf(token))];
  return a.length === b.length && timingSafeEqual(a, b);
}
