import type { FastifyInstance } from 'fastify';
import type { AuditLine, People } from '../../people/index.js';
import { type Html, html } from '../html.js';
import { asked, show } from '../people/form.js';
import { requireRole } from '../people/guard.js';
import { type Column, table } from './parts.js';
import { when } from './people-parts.js';

const LINES = 100;

/** /people/audit: newest first, a page at a time. */
export function auditPage(app: FastifyInstance, { people }: { readonly people: People }): void {
  app.get('/people/audit', { preHandler: requireRole('owner') }, async (request, reply) => {
    const before = asked(request, 'before');
    const lines = await people.audit.read(LINES, /^\d{1,18}$/.test(before) ? BigInt(before) : undefined);
    return show(request, reply, { title: 'Audit', path: '/people', body: auditBody(lines) });
  });
}

const COLUMNS: readonly Column<AuditLine>[] = [
  { title: 'When', cell: ({ atMs }) => when(atMs) },
  { title: 'Who', cell: ({ who }) => who },
  { title: 'From', cell: ({ from }) => from },
  { title: 'What', cell: ({ action }) => action },
  { title: 'About', cell: ({ about }) => about },
  { title: 'Detail', cell: ({ detail }) => detail },
];

function auditBody(lines: readonly AuditLine[]): Html {
  const last = lines.length === LINES ? lines.at(-1) : undefined;
  return html`${table(COLUMNS, lines)}
${last ? html`<p><a href="/people/audit?before=${last.id}" rel="next">Older</a></p>` : html`<p>This is the oldest.</p>`}`;
}
