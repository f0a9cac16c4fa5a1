import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { People, PeopleError } from '../../people/index.js';
import { type Html, html } from '../html.js';
import type { SessionCookie } from '../people/cookie.js';
import { asked, browserOf, by, callerOf, csrfField, field, problem, show, trying } from '../people/form.js';
import { requireSession } from '../people/guard.js';
import { newPasswordField } from './people-parts.js';

interface Deps {
  readonly people: People;
  readonly cookie: SessionCookie;
}

/** /sign-in, /sign-out, /first (the first owner, by the secret that was printed), /invitation (by a link). */
export function signInPages(app: FastifyInstance, { people, cookie }: Deps): void {
  const { signIn, directory, sessions } = people;

  /** A browser that held another session has lost it. */
  async function enter(request: FastifyRequest, reply: FastifyReply, token: string, to = '/') {
    const { person } = request;
    if (person?.via === 'session') await sessions.end(person.id, person.key, by(request));
    cookie.set(reply, token);
    return reply.redirect(to, 303);
  }

  app.get('/sign-in', async (request, reply) => {
    if (!(await signIn.hasOwner())) return reply.redirect('/first', 303);
    return signInPage(request, reply, localPath(asked(request, 'to')));
  });
  app.post('/sign-in', (request, reply) => {
    const to = localPath(field(request, 'to'));
    const typed = {
      ...{ name: field(request, 'name'), password: field(request, 'password'), code: field(request, 'code') },
    };
    return trying(
      reply,
      async () => enter(request, reply, await signIn.signIn(typed, browserOf(request)), to),
      (error) => signInPage(request, reply, to, error),
    );
  });
  app.post('/sign-out', { preHandler: requireSession }, async (request, reply) => {
    await signIn.signOut(callerOf(request), by(request));
    cookie.clear(reply);
    return reply.redirect('/sign-in', 303);
  });

  app.get('/first', async (request, reply) => {
    if (await signIn.hasOwner()) return reply.redirect('/sign-in', 303);
    return firstPage(request, reply);
  });
  app.post('/first', (request, reply) => {
    const typed = {
      ...{ secret: field(request, 'secret'), name: field(request, 'name') },
      password: field(request, 'password'),
    };
    return trying(
      reply,
      async () => enter(request, reply, await signIn.claim(typed, browserOf(request))),
      (error) => firstPage(request, reply, error),
    );
  });

  const invitationPage = async (
    request: FastifyRequest,
    reply: FastifyReply,
    link: string,
    error?: PeopleError,
  ) =>
    show(request, reply, {
      ...{ title: 'Welcome', path: '' },
      body: html`${problem(error)}${invitationBody((await directory.invited(link))?.name, link, csrfField(request))}`,
    });
  app.get('/invitation', (request, reply) => invitationPage(request, reply, asked(request, 'link')));
  app.post('/invitation', (request, reply) => {
    const link = field(request, 'link');
    return trying(
      reply,
      async () =>
        enter(request, reply, await signIn.accept(link, field(request, 'password'), browserOf(request))),
      (error) => invitationPage(request, reply, link, error),
    );
  });
}

function signInPage(request: FastifyRequest, reply: FastifyReply, to: string, error?: PeopleError) {
  const body = html`${problem(error)}<form method="post" action="/sign-in">
<input type="hidden" name="to" value="${to}">${csrfField(request)}
<label>Name <input name="name" value="${field(request, 'name')}" autocomplete="username" required maxlength="64" autofocus></label>
<label>Password <input type="password" name="password" autocomplete="current-password" required maxlength="256"></label>
<label>Code, if you use an app for codes; or a recovery code
<input name="code" autocomplete="one-time-code" maxlength="32"></label>
<button>Sign in</button></form>`;
  return show(request, reply, { title: 'Sign in', path: '', body });
}

function firstPage(request: FastifyRequest, reply: FastifyReply, error?: PeopleError) {
  const body = html`${problem(error)}<p>Nobody owns this fleet yet. When cairn-fleet started it printed a secret, good for once.</p>
<form method="post" action="/first">${csrfField(request)}
<label>Secret <input name="secret" autocomplete="off" required maxlength="64" autofocus></label>
<label>Your name <input name="name" value="${field(request, 'name')}" autocomplete="username" required maxlength="64"></label>
${newPasswordField}
<button>Own this fleet</button></form>`;
  return show(request, reply, { title: 'The first owner', path: '', body });
}

function invitationBody(name: string | undefined, link: string, csrf: Html) {
  if (name === undefined)
    return html`<p>This link is used, expired or unknown: ask an owner for a new one.</p>`;
  return html`<p>You sign in as <strong>${name}</strong>. Choose a password.</p>
<form method="post" action="/invitation">${csrf}
<input type="hidden" name="link" value="${link}"><input type="hidden" name="username" autocomplete="username" value="${name}">
${newPasswordField}
<button>Sign in</button></form>`;
}

/** Never to another site. */
function localPath(to: string): string {
  return /^\/(?![/\\])[\x21-\x7e]*$/.test(to) ? to : '/';
}
