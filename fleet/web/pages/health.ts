import type { FastifyInstance } from 'fastify';
import { spanOf, timeOfMs } from '../format.js';
import { type Html, html } from '../html.js';
import { isWell, summaryOf } from '../notices.js';
import { sendPage } from '../reply.js';
import type { Health, WebDeps } from '../types.js';
import { table } from './parts.js';

/** `/health`: a page for browsers, JSON for all else, with 503 while a service is down. Nobody learns no more than that. */
export function healthPage(app: FastifyInstance, { health, nowMs }: WebDeps): void {
  app.get('/health', async (request, reply) => {
    const now = health();
    if (request.headers.accept?.includes('text/html')) {
      const body = request.person ? detail(now, nowMs()) : html`<p>${summaryOf(now)}</p>`;
      return sendPage(reply, {
        title: 'Health',
        path: '/health',
        body: html`<section id="health" data-live aria-label="Services">${body}</section>`,
        watch: ['health'],
      });
    }
    return reply.code(isWell(now) ? 200 : 503).send(healthJson(now, request.person !== undefined));
  });
}

export function healthJson(health: Health, withDetail: boolean) {
  const status = isWell(health) ? 'ok' : 'degraded';
  if (!withDetail) return { status };
  const services = health.services.map(({ name, state, sinceMs, why }) => ({
    name,
    state,
    since: new Date(sinceMs).toISOString(),
    ...(why !== undefined && { why }),
  }));
  return { status, services };
}

function detail(health: Health, nowMs: number): Html {
  return html`<p>${summaryOf(health)}</p>${table(
    [
      { title: 'Service', cell: ({ name }) => name },
      {
        title: 'State',
        cell: ({ state }) => html`<span class="tag ${state}">${state}</span>`,
      },
      {
        title: 'Since',
        cell: ({ sinceMs }) => html`${timeOfMs(sinceMs)} <small>${spanOf(nowMs - sinceMs)}</small>`,
      },
      { title: 'Why', cell: ({ why }) => why ?? '' },
    ],
    health.services,
  )}`;
}
