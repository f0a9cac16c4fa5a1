import type { FastifyInstance, FastifyRequest } from 'fastify';
import { GROUPS } from '../../people/index.js';
import { timeOfMs } from '../format.js';
import { type Html, html } from '../html.js';
import { by, csrfField, field } from '../people/form.js';
import { HttpError, sendPage } from '../reply.js';
import { type AlertPagesDeps, maintenanceFor, mayAct, mustBe } from './alert-access.js';

const HOUR_MS = 3_600_000;
type Shown = Awaited<ReturnType<typeof maintenanceFor>>[number];

/** /alerts/maintenance: of a node or group, for operators of its group. */
export function maintenancePage(app: FastifyInstance, deps: AlertPagesDeps): void {
  const { alerts, audit, nowMs } = deps;
  const { maintenance } = alerts;
  app.get('/alerts/maintenance', async (request, reply) => {
    const current = await maintenanceFor(request, deps);
    const body = html`${current.length === 0 ? html`<p>Nothing is in maintenance.</p>` : current.map((one) => entry(one, request))}
${GROUPS.some((group) => mayAct(request, 'operator', group)) && form(request)}`;
    return sendPage(reply, { title: 'Maintenance', path: '/alerts', body });
  });
  app.post('/alerts/maintenance', async (request, reply) => {
    const scope = field(request, 'scope').trim();
    mustBe(request, 'operator', await alerts.groupOf(scope));
    const untilMs = nowMs() + Number(field(request, 'hours')) * HOUR_MS;
    const entry = { scope, untilMs, by: by(request).who, note: field(request, 'note') };
    const said = { ...by(request), action: 'maintenance.begin', about: scope, detail: entry.note };
    await maintenance
      .set(entry, nowMs(), (tx) => audit(said, tx))
      .catch((error) => {
        throw error instanceof RangeError ? new HttpError(400, error.message) : error;
      });
    return reply.redirect('/alerts/maintenance', 303);
  });
  app.post('/alerts/maintenance/end', async (request, reply) => {
    const scope = field(request, 'scope');
    mustBe(request, 'operator', await alerts.groupOf(scope));
    const said = { ...by(request), action: 'maintenance.end', about: scope };
    await maintenance.end(scope, nowMs(), (tx) => audit(said, tx));
    return reply.redirect('/alerts/maintenance', 303);
  });
}

function entry({ scope, untilMs, by: who, note, group }: Shown, request: FastifyRequest): Html {
  return html`<section class="notice"><p><strong>${scope.replace(':', ' ')}</strong> until ${timeOfMs(untilMs)}, by ${who}${note && `: ${note}`}</p>
${
  mayAct(request, 'operator', group) &&
  html`<form method="post" action="/alerts/maintenance/end">${csrfField(request)}<input type="hidden" name="scope" value="${scope}">
<button>End it now</button></form>`
}</section>`;
}

function form(request: FastifyRequest): Html {
  return html`<h2>Begin</h2><p>Alerts are kept and shown meanwhile, and nobody is told. Those still open at its end are told then.</p>
<form method="post" action="/alerts/maintenance" class="filter">${csrfField(request)}
<label>Of <input name="scope" required maxlength="140" placeholder="node:0011223344556677, group:stage" autocomplete="off"></label>
<label>Hours <input type="number" name="hours" required min="0.25" max="744" step="0.25" value="2"></label>
<label>Why <input name="note" maxlength="500" autocomplete="off"></label>
<button>Begin</button></form>`;
}
