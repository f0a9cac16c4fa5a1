import type { ServiceHealth } from '../services/index.js';
import { spanOf } from './format.js';
import { type Html, html } from './html.js';
import type { Health } from './types.js';

/** A sentence for each service that isn't as it should be; nobody in particular learns only that there is one. */
export function healthNotices(health: Health, nowMs: number, isKnown: boolean): readonly Html[] {
  if (!isKnown) return isWell(health) ? [] : [html`${summaryOf(health)}`];
  return health.services
    .filter(({ state }) => state !== 'healthy')
    .map((service) => noticeOf(service, nowMs));
}

/** One that only lacks another service is a line below it: on a phone the page itself is to stay in sight. */
function noticeOf(service: ServiceHealth, nowMs: number): Html {
  const { name, state, why } = service;
  if (state === 'unhealthy' && why?.startsWith('needs '))
    return html`<span class="dependent"><strong>${name}</strong> is down: ${why}.</span>`;
  return html`<strong>${name}</strong> ${sentenceOf(service, nowMs)}`;
}

export function isWell({ services }: Health): boolean {
  return services.every(({ state }) => state === 'healthy' || state === 'maintenance');
}

export function summaryOf(health: Health): string {
  return isWell(health) ? 'All services are well.' : 'Not all services are well.';
}

function sentenceOf({ state, sinceMs, why }: ServiceHealth, nowMs: number): string {
  const since = `for ${spanOf(nowMs - sinceMs)}`;
  const because = why ? `: ${why}` : '';
  switch (state) {
    case 'waiting':
      return `has not started yet, ${since}${because}.`;
    case 'maintenance':
      return `is under maintenance, ${since}${because}.`;
    case 'stopped':
      return `is stopped, ${since}${because}.`;
    default:
      return `is down, ${since}${because}. What it does waits, and goes on by itself once it is back.`;
  }
}
