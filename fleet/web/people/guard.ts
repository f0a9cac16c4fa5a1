import type { FastifyInstance, FastifyReply, FastifyRequest, preHandlerAsyncHookHandler } from 'fastify';
import { type Caller, everywhere, may, type People, type Role } from '../../people/index.js';
import type { Group } from '../../store/types.js';
import { isAway } from '../away.js';
import { html } from '../html.js';
import { titleOf } from '../reply.js';
import { csrfOf, isCsrf, type SessionCookie } from './cookie.js';
import { field, show } from './form.js';
import { isFromHere, isLoopback } from './origin.js';
import { Recall } from './recall.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** Who asks; undefined: nobody that is known. */
    person: Caller | undefined;
    /** For the hidden field `csrf` of each POST form, or the header `x-csrf-token`; empty without a session. */
    csrf(): string;
    /** Who asks by now, for what lasts longer than an answer; absent where no plugin asks who it is. */
    findPerson?(): Promise<Caller | undefined>;
  }
}

export interface GuardOptions {
  readonly people: People;
  readonly cookie: SessionCookie;
  readonly nowMs: () => number;
  /** What people type, where a proxy stands before it. */
  readonly url?: string | undefined;
  /** `loopback`: who comes from this machine may look at all without signing in. */
  readonly open?: 'nobody' | 'loopback' | undefined;
}

/** These answer anybody: routes as they are registered. */
const OPEN = /^\/(sign-in|first|invitation|health|assets\/[^/]+)$/;
const SAFE = /^(GET|HEAD|OPTIONS)$/;
const LOOPBACK: Caller = {
  ...{ id: '', name: 'this machine', roles: everywhere('viewer'), via: 'loopback', key: '' },
};

/** Finds out who asks, of each request; nobody gets anywhere but to OPEN, and no other site posts in somebody's name. */
export function guard(app: FastifyInstance, { people, cookie, nowMs, url, open }: GuardOptions): void {
  const recall = new Recall(nowMs);

  async function find(request: FastifyRequest): Promise<Caller | undefined> {
    const { authorization } = request.headers;
    if (authorization !== undefined) {
      const [, bearer] = /^Bearer +([\w-]{1,128})$/i.exec(authorization) ?? [];
      return bearer === undefined ? undefined : recall.find(bearer, (token) => people.tokens.find(token));
    }
    const session = cookie.read(request);
    const caller = session && (await recall.find(session, (token) => people.sessions.find(token)));
    if (caller) return caller;
    return open === 'loopback' && SAFE.test(request.method) && isLoopback(request) ? LOOPBACK : undefined;
  }

  if (!app.hasRequestDecorator('person')) app.decorateRequest('person');
  app.decorateRequest('csrf', function (this: FastifyRequest) {
    return this.person?.via === 'session' ? csrfOf(cookie.read(this) ?? '') : '';
  });
  app.decorateRequest('findPerson', function (this: FastifyRequest) {
    return find(this);
  });
  app.addHook('onRequest', async (request, reply) => {
    const isOpen = OPEN.test(request.routeOptions.url ?? '');
    request.person = await find(request).catch((error) => {
      // What answers anybody answers while nobody can be looked up, too.
      if (isOpen && isAway(error)) return undefined;
      throw error;
    });
    const isAsking = SAFE.test(request.method) && request.headers.upgrade === undefined;
    if (!isAsking && request.person?.via !== 'token' && !isFromHere(request, url))
      return refuse(request, reply, 403, 'This was sent by a page of another site: nothing was done.');
    if (!request.person && !isOpen) return askWho(request, reply);
  });
  app.addHook('preHandler', async (request, reply) => {
    if (SAFE.test(request.method) || request.person?.via !== 'session') return;
    const given = request.headers['x-csrf-token'] ?? field(request, 'csrf');
    if (!isCsrf(given, cookie.read(request) ?? ''))
      return refuse(
        request,
        reply,
        403,
        'This form is of another session: nothing was done. Open the page again.',
      );
  });
}

/** Lets on who has that role, or a higher one, in that group; without a group: in every one. */
export function requireRole(role: Role, group?: Group): preHandlerAsyncHookHandler {
  return async (request, reply) => {
    if (request.person && may(request.person, role, group)) return;
    return refuse(request, reply, 403, `This needs the role ${role} in ${group ?? 'every group'}.`);
  };
}

/** Lets on people themselves: no program, and nobody who hasn't signed in. */
export const requireSession: preHandlerAsyncHookHandler = async (request, reply) => {
  if (request.person?.via === 'session') return;
  if (request.person?.via === 'loopback') return askWho(request, reply);
  return refuse(request, reply, 403, 'This is for people who signed in with a browser.');
};

function askWho(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  if (wantsPage(request) && request.method === 'GET')
    return reply.redirect(`/sign-in?to=${encodeURIComponent(request.url)}`, 303);
  reply.header('www-authenticate', 'Bearer');
  return refuse(request, reply, 401, 'Sign in, or send a token: Authorization: Bearer cairn_…');
}

function refuse(request: FastifyRequest, reply: FastifyReply, code: number, why: string): FastifyReply {
  reply.code(code);
  const title = titleOf(code);
  if (!wantsPage(request)) return reply.send({ statusCode: code, error: title, message: why });
  return show(request, reply, { title, path: '', body: html`<p role="alert">${why}</p>` });
}

function wantsPage({ headers }: FastifyRequest): boolean {
  return headers.accept?.includes('text/html') ?? false;
}
