import type { FastifyInstance } from 'fastify';
import type { AuditLine, People } from '../../people/index.js';
import { type Html, html } from '../html.js';
import { show } from '../people/form.js';
import { requireRole } from '../people/guard.js';
import { when } from './people-parts.js';

const LINES = 100;

/** /people/audit: newest first, a page at a time. */
export function auditPage(app: FastifyInstance, { people }: { readonly people: People }): void {
  app.get<{ Querystring: { before?: string } }>(
    '/people/audit',
    { preHandler: requireRole('owner') },
    async (request, reply) => {
      const { before = '' } = request.query;
      const lines = await people.audit.read(LINES, /^\d{1,18}$/.test(before) ? BigInt(before) : undefined);
      return show(request, reply, { title: 'Audit', path: '/people', body: auditBody(lines) });
    },
  );
}

function auditBody(lines: readonly AuditLine[]): Html {
  const last = lines.length === LINES ? lines.at(-1) : undefined;
  return html`<table><thead><tr><th scope="col">When</th><th scope="col">Who</th><th scope="col">From</th><th scope="col">What</th>
<th scope="col">About</th><th scope="col">Detail</th></tr></thead><tbody>${lines.map(
    (line) => html`
<tr><td>${when(line.atMs)}</td><td>${line.who}</td><td>${line.from}</td><td>${line.action}</td><td>${line.about}</td><td>${line.detail}</td></tr>`,
  )}</tbody></table>
${last ? html`<p><a href="/people/audit?before=${last.id}" rel="next">Older</a></p>` : html`<p>This is the oldest.</p>`}`;
}
