import type { FastifyInstance, FastifyReply, FastifyRequest, preHandlerAsyncHookHandler } from 'fastify';
import {
  type Browser,
  type By,
  byOf,
  type Caller,
  GROUPS,
  PeopleError,
  type PeopleErrorKind,
  ROLES,
  type Roles,
} from '../../people/index.js';
import { Html, html } from '../html.js';
import { page } from '../layout.js';

const FORM_BYTES = 16_384;
const FORM = 'application/x-www-form-urlencoded';

/** Forms without files, as browsers send them. */
export function takeForms(app: FastifyInstance): void {
  if (app.hasContentTypeParser(FORM)) return;
  app.addContentTypeParser(FORM, { parseAs: 'string', bodyLimit: FORM_BYTES }, (_request, body, done) => {
    done(null, Object.fromEntries(new URLSearchParams(body as string)));
  });
}

/** A field of the form; empty where it isn't there, or is no text. */
export function field({ body }: FastifyRequest, name: string): string {
  return textIn(body, name);
}

/** A part of the address's query; empty where it isn't there, or is there twice. */
export function asked({ query }: FastifyRequest, name: string): string {
  return textIn(query, name);
}

function textIn(fields: unknown, name: string): string {
  if (typeof fields !== 'object' || fields === null || !Object.hasOwn(fields, name)) return '';
  const value = (fields as Record<string, unknown>)[name];
  return typeof value === 'string' ? value : '';
}

/** Of the fields that `roleFields` makes. */
export function rolesField(request: FastifyRequest): Roles {
  return Object.fromEntries(
    GROUPS.flatMap((group) => {
      const role = ROLES.find((each) => each === field(request, `role_${group}`));
      return role ? [[group, role]] : [];
    }),
  );
}

/** Of the person, session or token that the address names. Throws PeopleError `gone`. */
export function idOf(request: FastifyRequest): string {
  const { id } = request.params as { readonly id?: string };
  if (!/^[0-9a-f]{32,64}$/.test(id ?? '')) throw new PeopleError('gone', 'There is nothing of that name.');
  return id as string;
}

export function browserOf({ ip, headers }: FastifyRequest): Browser {
  return { address: ip, agent: headers['user-agent'] ?? '' };
}

/** Only for routes that want somebody. */
export function callerOf(request: FastifyRequest): Caller {
  if (!request.person) throw new Error(`${request.url} answers nobody who isn't signed in`);
  return request.person;
}

export function by(request: FastifyRequest): By {
  return byOf(callerOf(request), request.ip);
}

export function csrfField(request: FastifyRequest): Html {
  return html`<input type="hidden" name="csrf" value="${request.csrf()}">`;
}

/** A page that no cache keeps, and that no other site learns the address of. */
export function show(
  request: FastifyRequest,
  reply: FastifyReply,
  { title, path, body }: { readonly title: string; readonly path: string; readonly body: Html },
): FastifyReply {
  reply.header('cache-control', 'no-store').header('referrer-policy', 'same-origin');
  const { person } = request;
  return reply.type('text/html; charset=utf-8').send(page({ title, path, body, ...(person && { person }) }));
}

/** What was wrong, in words, above a form. */
export function problem(error: PeopleError | undefined): Html | undefined {
  return error && html`<p class="problem" role="alert">${error.message}</p>`;
}

const CODES: Record<PeopleErrorKind, number> = {
  ...{ input: 400, denied: 401, taken: 409, lastOwner: 409, full: 409, gone: 410, wait: 429, busy: 503 },
};

/** Does what a form asks for; where people can do something about it, `again` shows them the form once more. */
export async function trying(
  reply: FastifyReply,
  work: () => Promise<FastifyReply>,
  again: (error: PeopleError) => FastifyReply | Promise<FastifyReply>,
): Promise<FastifyReply> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof PeopleError)) throw error;
    reply.code(CODES[error.kind]);
    if (error.waitMs > 0) reply.header('retry-after', Math.ceil(error.waitMs / 1000));
    return again(error);
  }
}

type Guards = preHandlerAsyncHookHandler | preHandlerAsyncHookHandler[];
type Page = (request: FastifyRequest, reply: FastifyReply, above?: Html) => Promise<FastifyReply>;

/** Adds POST routes of a page: they lead `back` to it, or show it with what is to be seen once, or with what was wrong. */
export function posts(
  app: FastifyInstance,
  { preHandler, page, back }: { readonly preHandler: Guards; readonly page: Page; readonly back: string },
): (path: string, work: (request: FastifyRequest, reply: FastifyReply) => Promise<unknown>) => void {
  return (path, work) =>
    app.post(path, { preHandler }, (request, reply) =>
      trying(
        reply,
        async () => {
          const once = await work(request, reply);
          return once instanceof Html ? page(request, reply, once) : reply.redirect(back, 303);
        },
        (error) => page(request, reply, problem(error)),
      ),
    );
}
