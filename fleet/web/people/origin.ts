import type { FastifyRequest } from 'fastify';

const LOOPBACK = /^(127\.\d+\.\d+\.\d+|::1|::ffff:127\.\d+\.\d+\.\d+)$/;
const LOOPBACK_HOST = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?$/;

/** Whether a page of ours sent it, as far as the browser says; who says nothing is no browser. */
export function isFromHere({ headers, host }: FastifyRequest, url: string | undefined): boolean {
  const site = headers['sec-fetch-site'];
  if (site !== undefined) return site === 'same-origin' || site === 'none';
  if (headers.origin === undefined) return true;
  if (!URL.canParse(headers.origin)) return false;
  const origin = new URL(headers.origin);
  const ours: string[] = url === undefined ? [] : [new URL(url).origin];
  // A browser leaves out the port that the protocol has anyway.
  const asked = `${origin.protocol}//${host}`;
  if (URL.canParse(asked)) ours.push(new URL(asked).origin);
  return ours.includes(origin.origin);
}

/** Whether it comes from this machine itself: not by a proxy on it, nor by a name that somebody else points at it. */
export function isLoopback({ raw, headers, host }: FastifyRequest): boolean {
  const byProxy = headers.forwarded ?? headers['x-forwarded-for'] ?? headers.via;
  return LOOPBACK.test(raw.socket.remoteAddress ?? '') && LOOPBACK_HOST.test(host) && byProxy === undefined;
}
