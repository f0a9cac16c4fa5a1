import type { FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import * as v from 'valibot';
import type { AlertDetail, AlertQuery, ListedAlert, OpenCount } from '../../alerts/index.js';
import { groupsOf } from '../../people/index.js';
import type { Group } from '../../store/types.js';
import { countOf } from '../format.js';
import { type Html, html } from '../html.js';
import { GROUPS, StreamId as Id, NodeName } from '../inputs.js';
import { by, field, takeForms } from '../people/form.js';
import { checked, HttpError, sendPage } from '../reply.js';
import { alertBody } from './alert.js';
import { type AlertPagesDeps, maintenanceFor, mayAct, mustBe } from './alert-access.js';
import { maintenancePage } from './alert-maintenance.js';
import { alertTable, maintenanceNotes } from './alert-parts.js';
import { rulePages } from './alert-rules.js';
import { options, pathWith } from './parts.js';

const PER_PAGE = 100;
const SHOWN = ['open', 'closed', 'joined', 'withdrawn', 'all'] as const;
const SEVERITIES = ['info', 'warning', 'critical'] as const;

const Filter = v.object({
  show: v.optional(v.picklist(SHOWN), 'open'),
  severity: v.optional(v.picklist(SEVERITIES)),
  node: v.optional(NodeName),
  before: v.optional(
    v.pipe(
      v.string(),
      v.regex(/^\d{1,15}-\d{1,15}$/),
      v.transform((text) => {
        const [openedMs, id] = text.split('-') as [string, string];
        return { openedMs: Number(openedMs), id: BigInt(id) };
      }),
    ),
  ),
});
type Filter = v.InferOutput<typeof Filter>;

/** /alerts: open ones and history, one alert, rules, maintenance. Register it after people's plugin. */
export function alertsPages(deps: AlertPagesDeps): FastifyPluginAsync {
  return async (app) => {
    takeForms(app);
    listPage(app, deps);
    alertPage(app, deps);
    rulePages(app, deps);
    maintenancePage(app, deps);
  };
}

function listPage(app: FastifyInstance, deps: AlertPagesDeps): void {
  app.get('/alerts', { config: { lastGood: true } }, async (request, reply) => {
    const filter = checked(Filter, request.query);
    const found = await deps.alerts.list(queryOf(filter, request));
    const maintenance = await maintenanceFor(request, deps);
    const open = await deps.alerts.openBySeverity(seenGroups(request));
    const body = html`${maintenanceNotes(maintenance)}${openCounts(open)}${form(filter)}
<section id="alerts" data-live aria-label="Alerts">${found.length > 0 ? alertTable(found) : none(filter)}</section>${older(found, filter)}
<p class="links"><a href="/alerts/rules">Rules</a> <a href="/alerts/maintenance">Maintenance</a></p>`;
    return sendPage(reply, {
      title: 'Alerts',
      path: '/alerts',
      body,
      watch: filter.before ? [] : ['alerts'],
    });
  });
}

function seenGroups({ person }: FastifyRequest): readonly Group[] {
  return person ? groupsOf(person, 'viewer') : GROUPS;
}

/** So that one critical alert isn't missed behind a hundred others. */
function openCounts(counts: readonly OpenCount[]): Html {
  const entries = counts.map(
    ({ severity, open, waiting }) =>
      html`<a href="${pathWith('/alerts', { severity })}">${countOf(open)} ${severity}, ${countOf(waiting)} not acknowledged</a>`,
  );
  return html`<nav id="open" data-live class="windows" aria-label="Open ones">${entries}</nav>`;
}

function queryOf({ show, severity, node, before }: Filter, request: FastifyRequest): AlertQuery {
  const groups = seenGroups(request);
  return {
    limit: PER_PAGE,
    ...(show !== 'all' && { state: show }),
    ...(severity && { severity }),
    ...(node && { node }),
    ...(before && { before }),
    ...(groups.length < GROUPS.length && { groups }),
  };
}

function form({ show, severity, node }: Filter): Html {
  return html`<form method="get" action="/alerts" class="filter" role="search">
<label>Show <select name="show">${options(SHOWN, show)}</select></label>
<label>Severity <select name="severity">${options(SEVERITIES, severity, 'all')}</select></label>
<label>Node id <input name="node" value="${node}" maxlength="128" size="18"></label>
<button>Show</button></form>`;
}

function none({ show }: Filter): Html {
  if (show !== 'open') return html`<p>No alert is like that.</p>`;
  return html`<p>No alert is open. <a href="/alerts?show=all">All that there were</a></p>`;
}

function older(found: readonly ListedAlert[], { before: _, ...rest }: Filter): Html | false {
  const last = found.at(-1);
  if (!last || found.length < PER_PAGE) return false;
  const path = pathWith('/alerts', { ...rest, before: `${last.openedMs}-${last.id}` });
  return html`<nav class="pager" aria-label="Pages"><a href="${path}" rel="next">Older alerts</a></nav>`;
}

function alertPage(app: FastifyInstance, { alerts, audit, nowMs }: AlertPagesDeps): void {
  const show = (alert: AlertDetail, reply: FastifyReply) => {
    const { request } = reply;
    const may = { mayAct: mayAct(request, 'operator', groupOf(alert)), nowMs: nowMs() };
    const body = alertBody(alert, request, may);
    return sendPage(reply, {
      title: `${alert.rule.spec.name}: ${alert.nodeName}`,
      path: '/alerts',
      body,
      watch: ['alerts'],
    });
  };
  const find = async (request: FastifyRequest, role: 'viewer' | 'operator'): Promise<AlertDetail> => {
    const { id } = checked(v.object({ id: Id }), request.params);
    const alert = await alerts.get(id);
    if (!alert) throw new HttpError(404, 'There is no such alert.');
    if (role !== 'viewer' || request.person) mustBe(request, role, groupOf(alert));
    return alert;
  };

  app.get('/alerts/:id', { config: { lastGood: true } }, async (request, reply) =>
    show(await find(request, 'viewer'), reply),
  );
  app.post('/alerts/:id/acknowledge', async (request, reply) => {
    const alert = await find(request, 'operator');
    const note = field(request, 'note');
    const ends = field(request, 'ends') === 'yes';
    const said = { ...by(request), action: 'alert.acknowledge', about: `alert ${alert.id}`, detail: note };
    await alerts
      .acknowledge(alert.id, { name: by(request).who, note, ends }, (tx) => audit(said, tx))
      .catch((error) => {
        throw error instanceof RangeError ? new HttpError(409, error.message) : error;
      });
    return reply.redirect(`/alerts/${alert.id}`, 303);
  });
  app.post('/alerts/:id/escalate', async (request, reply) => {
    const alert = await find(request, 'operator');
    const said = { ...by(request), action: 'alert.escalate', about: `alert ${alert.id}` };
    await alerts.escalate(alert.id, (tx) => audit(said, tx));
    return reply.redirect(`/alerts/${alert.id}`, 303);
  });
  app.post('/alerts/:id/retry', async (request, reply) => {
    const alert = await find(request, 'operator');
    const delivery = alert.deliveries.find(({ id }) => id === field(request, 'delivery'));
    if (!delivery) throw new HttpError(404, 'There is no such delivery.');
    const about = `alert ${alert.id}`;
    const said = { ...by(request), action: 'alert.retry', about, detail: delivery.target };
    await alerts.retry(delivery.id, (tx) => audit(said, tx));
    return reply.redirect(`/alerts/${alert.id}`, 303);
  });
}

/** A node that nobody knows any more is for those who see all. */
function groupOf({ group }: AlertDetail): Group | undefined {
  return GROUPS.find((one) => one === group);
}

export type { AlertPagesDeps };
