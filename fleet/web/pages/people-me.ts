import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import {
  type Caller,
  type Enrolment,
  type People,
  rolesText,
  type Session,
  type Token,
} from '../../people/index.js';
import { type Html, html } from '../html.js';
import type { SessionCookie } from '../people/cookie.js';
import { browserOf, by, callerOf, csrfField, field, idOf, posts, rolesField, show } from '../people/form.js';
import { requireSession } from '../people/guard.js';
import { type Column, table } from './parts.js';
import { newPasswordField, roleFields, when } from './people-parts.js';

interface Deps {
  readonly people: People;
  readonly cookie: SessionCookie;
}
interface Mine {
  readonly hasCode: boolean;
  readonly pending: Enrolment | undefined;
  readonly sessions: readonly Session[];
  readonly tokens: readonly Token[];
}

/** /me: one's own password, code, sessions and tokens. */
export function mePages(app: FastifyInstance, { people, cookie }: Deps): void {
  const { signIn, factors, sessions, tokens } = people;

  async function me(request: FastifyRequest, reply: FastifyReply, above?: Html): Promise<FastifyReply> {
    const caller = callerOf(request);
    const mine: Mine = {
      hasCode: (await people.directory.get(caller.id)).hasCode,
      pending: await factors.pending(caller.id),
      sessions: await sessions.of(caller.id),
      tokens: await tokens.of(caller.id),
    };
    return show(request, reply, {
      title: caller.name,
      path: '',
      body: html`${above}${meBody(caller, mine, request)}`,
    });
  }

  /** A browser left open gives nothing away that outlives its session. */
  const prove = (request: FastifyRequest) =>
    signIn.prove(callerOf(request), field(request, 'old'), by(request));

  app.get('/me', { preHandler: requireSession }, (request, reply) => me(request, reply));
  const post = posts(app, { preHandler: requireSession, page: me, back: '/me' });
  post('/me/password', async (request, reply) => {
    const typed = { password: field(request, 'old'), next: field(request, 'password') };
    cookie.set(reply, await signIn.changePassword(callerOf(request), typed, browserOf(request)));
  });
  post('/me/code', async (request) => {
    await prove(request);
    await factors.begin(callerOf(request).id);
  });
  post('/me/code/confirm', async (request) =>
    recoveryBody(await factors.confirm(callerOf(request).id, field(request, 'code'), by(request))),
  );
  post('/me/code/drop', async (request) => {
    await prove(request);
    await factors.end(callerOf(request).id, by(request));
  });
  post('/me/sessions/:id', (request) => sessions.end(callerOf(request).id, idOf(request), by(request)));
  post('/me/tokens', async (request) => {
    await prove(request);
    const wanted = {
      name: field(request, 'name'),
      roles: rolesField(request),
      days: Number(field(request, 'days')),
    };
    return tokenBody(wanted.name, await tokens.make(callerOf(request), wanted, by(request)));
  });
  post('/me/tokens/:id', (request) => tokens.revoke(callerOf(request).id, idOf(request), by(request)));
}

const oldPasswordField = html`<label>Your password
<input type="password" name="old" autocomplete="current-password" required maxlength="256"></label>`;

function meBody(caller: Caller, mine: Mine, request: FastifyRequest): Html {
  const csrf = csrfField(request);
  return html`<p>You are ${rolesText(caller.roles)}.</p>
<form method="post" action="/sign-out">${csrf}<button>Sign out</button></form>
<h2>Password</h2>
<form method="post" action="/me/password">${csrf}${oldPasswordField}${newPasswordField}
<button>Change it</button></form>
<h2>Code</h2>${codeBody(mine, csrf)}
<h2>Where you are signed in</h2>${sessionsBody(mine.sessions, caller, csrf)}
<h2>Tokens</h2>${tokensBody(mine.tokens, caller, csrf)}`;
}

function codeBody({ hasCode, pending }: Mine, csrf: Html): Html {
  return html`${pending && pendingBody(pending, csrf)}<p>${hasCode ? 'A code is asked' : 'No code is asked'} when you sign in.</p>
<form method="post" action="/me/code">${csrf}${oldPasswordField}
<p class="actions"><button>Begin with ${hasCode ? 'another app' : 'an app for codes'}</button>
${hasCode && html`<button formaction="/me/code/drop" class="danger">Ask for none</button>`}</p></form>`;
}

function pendingBody({ secret, uri }: Enrolment, csrf: Html): Html {
  return html`<p>Type this secret into an app for codes (TOTP), or open the address on the phone:</p>
<p><code>${secret.match(/.{1,4}/g)?.join(' ')}</code></p><p><a href="${uri}"><code>${uri}</code></a></p>
<form method="post" action="/me/code/confirm">${csrf}
<label>The code that it shows <input name="code" inputmode="numeric" autocomplete="one-time-code" required maxlength="8"></label>
<button>Ask for a code from now on</button></form>`;
}

function sessionsBody(sessions: readonly Session[], { key }: Caller, csrf: Html): Html {
  const end = ({ id }: Session) =>
    id === key
      ? 'this one'
      : html`<form method="post" action="/me/sessions/${id}">${csrf}<button>End</button></form>`;
  return table(
    [
      { title: 'Address', cell: ({ address }) => address },
      { title: 'Browser', cell: ({ agent }) => agent },
      { title: 'Since', cell: ({ createdMs }) => when(createdMs) },
      { title: 'Last used', cell: ({ seenMs }) => when(seenMs) },
      { title: 'End', cell: end },
    ],
    sessions,
  );
}

function tokensBody(tokens: readonly Token[], { roles }: Caller, csrf: Html): Html {
  const columns: readonly Column<Token>[] = [
    { title: 'Name', cell: ({ name }) => name },
    { title: 'Roles', cell: (token) => rolesText(token.roles) },
    { title: 'Last used', cell: ({ usedMs }) => when(usedMs) },
    { title: 'Good until', cell: ({ expiresMs }) => when(expiresMs) },
    {
      title: 'Revoke',
      cell: ({ id }) =>
        html`<form method="post" action="/me/tokens/${id}">${csrf}<button>Revoke</button></form>`,
    },
  ];
  // The least: most programs only look.
  const viewer = Object.fromEntries(Object.keys(roles).map((group) => [group, 'viewer' as const]));
  return html`<p>For programs: <code>Authorization: Bearer cairn_…</code></p>
${tokens.length > 0 && table(columns, tokens)}
<h3>Another one</h3>
<form method="post" action="/me/tokens">${csrf}
<label>Name <input name="name" required maxlength="64" autocomplete="off"></label>
<label>Days that it is good for <input name="days" type="number" min="1" max="730" value="90" required></label>
${roleFields(viewer)}${oldPasswordField}
<button>Make a token</button></form>`;
}

function tokenBody(name: string, token: string): Html {
  return html`<section class="once" role="status"><h2>Token ${name}</h2>
<p>Shown once: keep it where its program finds it.</p><p><code>${token}</code></p></section>`;
}

function recoveryBody(codes: readonly string[]): Html {
  return html`<section class="once" role="status"><h2>Recovery codes</h2>
<p>Shown once. Each stands for a code, once, should you lose the phone: keep them away from it.</p>
<ul>${codes.map((code) => html`<li><code>${code}</code></li>`)}</ul></section>`;
}
