import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type People, type PeopleError, type Person, rolesText } from '../../people/index.js';
import { type Html, html } from '../html.js';
import { by, csrfField, field, problem, rolesField, show, trying } from '../people/form.js';
import { requireRole, requireSession } from '../people/guard.js';
import { roleFields, when } from './people-parts.js';

interface Deps {
  readonly people: People;
  readonly url?: string | undefined;
}
type OfPerson = { Params: { id: string } };

/** /people: for owners of all groups. */
export function peoplePages(app: FastifyInstance, { people: { directory }, url }: Deps): void {
  const preHandler = [requireSession, requireRole('owner')];

  const list = async (request: FastifyRequest, reply: FastifyReply, above?: Html) =>
    show(request, reply, {
      ...{ title: 'People', path: '/people' },
      body: html`${above}${listBody(await directory.list(), request)}`,
    });
  const retry = (request: FastifyRequest, reply: FastifyReply) => (error: PeopleError) =>
    list(request, reply, problem(error));
  /** Shown once. */
  const link = (request: FastifyRequest, reply: FastifyReply, name: string, end: string) =>
    list(
      request,
      reply,
      linkBody(name, `${(url ?? origin(request)).replace(/\/$/, '')}/invitation?link=${end}`),
    );

  app.get('/people', { preHandler }, (request, reply) => list(request, reply));
  app.post('/people', { preHandler }, (request, reply) => {
    const typed = {
      ...{ name: field(request, 'name'), email: field(request, 'email'), roles: rolesField(request) },
    };
    return trying(
      reply,
      async () => link(request, reply, typed.name, await directory.invite(typed, by(request))),
      retry(request, reply),
    );
  });
  app.get<OfPerson>('/people/:id', { preHandler }, async (request, reply) => {
    const person = await directory.find(request.params.id);
    if (!person) return reply.callNotFound();
    return show(request, reply, {
      ...{ title: person.name, path: '/people', body: personBody(person, request) },
    });
  });
  app.post<OfPerson>('/people/:id/roles', { preHandler }, (request, reply) =>
    trying(
      reply,
      async () => {
        await directory.setRoles(request.params.id, rolesField(request), by(request));
        return reply.redirect('/people', 303);
      },
      retry(request, reply),
    ),
  );
  app.post<OfPerson>('/people/:id/link', { preHandler }, (request, reply) =>
    trying(
      reply,
      async () => {
        const end = await directory.inviteAgain(request.params.id, by(request));
        return link(request, reply, (await directory.find(request.params.id))?.name ?? '', end);
      },
      retry(request, reply),
    ),
  );
  app.post<OfPerson>('/people/:id/remove', { preHandler }, (request, reply) =>
    trying(
      reply,
      async () => {
        await directory.remove(request.params.id, by(request));
        return reply.redirect('/people', 303);
      },
      retry(request, reply),
    ),
  );
}

function origin({ protocol, host }: FastifyRequest): string {
  return `${protocol}://${host}`;
}

function listBody(people: readonly Person[], request: FastifyRequest): Html {
  return html`<table><thead><tr><th scope="col">Name</th><th scope="col">E-mail</th><th scope="col">Roles</th>
<th scope="col">Sign-in</th><th scope="col">Since</th></tr></thead><tbody>${people.map(
    (person) => html`
<tr><th scope="row"><a href="/people/${person.id}">${person.name}</a></th><td>${person.email}</td><td>${rolesText(person.roles)}</td>
<td>${signInText(person)}</td><td>${when(person.createdMs)}</td></tr>`,
  )}</tbody></table>
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
  return html`<p>${person.email ?? 'No e-mail.'} ${rolesText(person.roles)}. Sign-in: ${signInText(person)}.</p>
<h2>Roles</h2>
<form method="post" action="${to}/roles">${csrfField(request)}${roleFields(person.roles)}<button>Change roles</button></form>
<h2>Forgot the password, lost the phone</h2>
<form method="post" action="${to}/link">${csrfField(request)}
<p>A link lets them choose a password; once it is used, no code is asked of them, and they are signed out everywhere else.</p>
<button>Make a link</button></form>
<h2>Remove</h2>
<form method="post" action="${to}/remove">${csrfField(request)}
<p>Their sessions and tokens end at once. What they did stays in the audit.</p>
<button class="danger">Remove ${person.name}</button></form>`;
}
