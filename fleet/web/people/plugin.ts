import rateLimit from '@fastify/rate-limit';
import type { FastifyInstance, FastifyPluginAsync } from 'fastify';
import type { People } from '../../people/index.js';
import { auditPage } from '../pages/people-audit.js';
import { peoplePages } from '../pages/people-list.js';
import { mePages } from '../pages/people-me.js';
import { signInPages } from '../pages/people-sign-in.js';
import { SessionCookie } from './cookie.js';
import { takeForms } from './form.js';
import { type GuardOptions, guard } from './guard.js';

export interface PeoplePluginOptions extends Omit<GuardOptions, 'cookie'> {
  readonly people: People;
}

/** Of one address, whatever it asks for. */
const PER_MINUTE = 1_200;
const MAX_ADDRESSES = 5_000;

/**
 * Sign-in for the whole server that it is registered with: register it before what it is to guard. Routes: /sign-in, /sign-out, /first, /invitation, /me,
 * /people, /people/audit. What it decorates is in guard.ts.
 */
export function peoplePlugin(options: PeoplePluginOptions): FastifyPluginAsync {
  const plugin = async (app: FastifyInstance) => {
    const cookie = new SessionCookie({ secure: options.url?.startsWith('https:') ?? false });
    await app.register(rateLimit, {
      ...{ global: false, max: PER_MINUTE, timeWindow: 60_000, cache: MAX_ADDRESSES, ipv6Subnet: 64 },
    });
    // Before anybody is looked up: who is refused is counted too.
    app.addHook('onRequest', app.rateLimit());
    takeForms(app);
    guard(app, { ...options, cookie });
    const pages = { ...options, cookie };
    for (const add of [signInPages, mePages, peoplePages, auditPage]) add(app, pages);
  };
  // Its hooks are for all that comes after it, not for its own routes only (fastify, "Plugins: skip-override").
  return Object.assign(plugin, { [Symbol.for('skip-override')]: true });
}
