import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type People, PeopleError, type Person, rolesText } from '../../people/index.js';
import { type Html, html } from '../html.js';
import { by, csrfField, field, idOf, posts, problem, rolesField, show, trying } from '../people/form.js';
import { requireRole, requireSession } from '../people/guard.js';
import { type Column, table } from './parts.js';
import { roleFields, when } from './people-parts.js';

interface Deps {
  readonly people: People;
  readonly url?: string | undefined;
}

/** /people: for owners of all groups. */
export function peoplePages(app: FastifyInstance, { people: { directory }, url }: Deps): void {
  const preHandler = [requireSession, requireRole('owner')];

  const list = async (request: FastifyRequest, reply: FastifyReply, above?: Html) =>
    show(request, reply, {
      ...{ title: 'People', path: '/people' },
      body: html`${above}${listBody(await directory.list(), request)}`,
    });
  /** Shown once. */
  const linkFor = (request: FastifyRequest, name: string, end: string) =>
    linkBody(
      name,
      `${(url ?? `${request.protocol}://${request.host}`).replace(/\/$/, '')}/invitation?link=${end}`,
    );

  app.get('/people', { preHandler }, (request, reply) => list(request, reply));
  app.get('/people/:id', { preHandler }, (request, reply) =>
    trying(
      reply,
      async () => {
        const person = await directory.get(idOf(request));
        const body = personBody(person, request);
        return show(request, reply, { title: person.name, path: '/people', body });
      },
      (error) => list(request, reply, problem(error)),
    ),
  );

  const post = posts(app, { preHandler, page: list, back: '/people' });
  post('/people', async (request) => {
    const name = field(request, 'name');
    const person = { name, email: field(request, 'email'), roles: rolesField(request) };
    return linkFor(request, name, await directory.invite(person, by(request)));
  });
  post('/people/:id/roles', (request) => directory.setRoles(idOf(request), rolesField(request), by(request)));
  post('/people/:id/remove', async (request) => {
    const { id, name } = await directory.get(idOf(request));
    if (field(request, 'confirm').trim() !== name)
      throw new PeopleError('input', `Nobody was removed: that is not the name of ${name}.`);
    await directory.remove(id, by(request));
  });
  post('/people/:id/link', async (request) => {
    const { name } = await directory.get(idOf(request));
    return linkFor(request, name, await directory.inviteAgain(idOf(request), by(request)));
  });
}

const COLUMNS: readonly Column<Person>[] = [
  { title: 'Name', cell: ({ id, name }) => html`<a href="/people/${id}">${name}</a>` },
  { title: 'E-mail', cell: ({ email }) => email ?? '' },
  { title: 'Roles', cell: ({ roles }) => rolesText(roles) },
  { title: 'Sign-in', cell: signInText },
  { title: 'Since', cell: ({ createdMs }) => when(createdMs) },
];

function listBody(people: readonly Person[], request: FastifyRequest): Html {
  return html`${table(COLUMNS, people)}
<p><a href="/people/audit">Audit: who did what</a></p>
<h2>Invite somebody</h2>
<form method="post" action="/people">${csrfField(request)}
<label>Name <input name="name" required maxlength="64" autocomplete="off"></label>
<label>E-mail (optional) <input type="email" name="email" maxlength="254" autocomplete="off"></label>
${roleFields({ dev: 'viewer', stage: 'viewer', prod: 'viewer' })}
<button>Make a link</button></form>`;
}

function signInText({ state, hasCode }: Person): string {
  if (state === 'invited') return 'invited';
  return hasCode ? 'password and code' : 'password';
}

function linkBody(name: string, link: string): Html {
  return html`<section class="once" role="status"><h2>Link for ${name}</h2>
<p>Shown once. Whoever opens it chooses the password of ${name}: give it to nobody else. It is good for once, for 7 days.</p>
<p><code>${link}</code></p></section>`;
}

function personBody(person: Person, request: FastifyRequest): Html {
  const to = `/people/${person.id}`;
  return html`<dl class="facts">
<div><dt>E-mail</dt><dd>${person.email ?? 'none'}</dd></div><div><dt>Roles</dt><dd>${rolesText(person.roles)}</dd></div>
<div><dt>Sign-in</dt><dd>${signInText(person)}</dd></div><div><dt>Since</dt><dd>${when(person.createdMs)}</dd></div></dl>
<h2>Roles</h2>
<form method="post" action="${to}/roles">${csrfField(request)}${roleFields(person.roles)}<button>Change roles</button></form>
<h2>Forgot the password, lost the phone</h2>
<form method="post" action="${to}/link">${csrfField(request)}
<p>A link lets them choose a password; once it is used, no code is asked of them, and they are signed out everywhere else.</p>
<button>Make a link</button></form>
<h2>Remove</h2>
<form method="post" action="${to}/remove">${csrfField(request)}
<p>Their sessions and tokens end at once. What they did stays in the audit.</p>
<label>Their name, to be sure <input name="confirm" required maxlength="64" autocomplete="off"></label>
<button class="danger">Remove ${person.name}</button></form>`;
}
