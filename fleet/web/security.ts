import type { FastifyInstance } from 'fastify';
import type { Tiles } from './types.js';

/** No inline script or style, nothing from elsewhere but tiles where they are given, in nobody's frame. */
const headersFor = (tiles: Tiles | undefined) => ({
  'content-security-policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    `img-src 'self'${tiles ? ` ${new URL(tiles.url).origin}` : ''}`,
    "connect-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=()',
});

export function secure(app: FastifyInstance, tiles: Tiles | undefined): void {
  const headers = { ...headersFor(tiles), 'cache-control': 'no-store' };
  app.addHook('onRequest', async (_request, reply) => {
    reply.headers(headers);
  });
}
