import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import * as v from 'valibot';
import { type Alerts, conditionText, type Rule, RuleError, type RuleSpec } from '../../alerts/index.js';
import { type Html, html } from '../html.js';
import { StreamId as Id } from '../inputs.js';
import { by, csrfField, field } from '../people/form.js';
import { checked, HttpError, sendPage } from '../reply.js';
import { sees } from '../seen.js';
import { type AlertPagesDeps, mayAct, mustBe } from './alert-access.js';
import { scopeText, severityTag } from './alert-parts.js';
import { table } from './parts.js';

const RuleId = v.object({ id: Id });

const EXAMPLE = {
  name: 'Cold store too warm',
  severity: 'warning',
  scope: { group: 'prod', stream: 'climate' },
  condition: { kind: 'threshold', channel: 'temperature', above: 8, hysteresis: 1, forS: 600 },
  tell: ['mail:ops@example.org'],
  escalate: [{ afterMin: 15, tell: ['sms:+41790000000'] }],
  whatToDo: 'Look whether the door is closed, then whether the compressor runs.',
};

/** /alerts/rules: seen by who sees their group, those of all groups by everybody; owners change them. A change retires the rule and makes another. */
export function rulePages(app: FastifyInstance, { alerts, audit, nowMs }: AlertPagesDeps): void {
  const { rules } = alerts;
  const seen = async ({ person }: FastifyRequest) => {
    const inForce = await rules.inForce(rules.db);
    return inForce.filter(({ spec }) => !spec.scope.group || sees(person, spec.scope.group));
  };
  const isOwner = (request: FastifyRequest) => mayAct(request, 'owner', undefined);
  app.get('/alerts/rules', async (request, reply) => {
    const body = html`${list(await seen(request), alerts)}${isOwner(request) && html`<h2>A new rule</h2>${form('/alerts/rules', EXAMPLE, request)}`}`;
    return sendPage(reply, { title: 'Rules', path: '/alerts', body });
  });
  app.get('/alerts/rules/:id', async (request, reply) => {
    const { id } = checked(RuleId, request.params);
    const rule = (await seen(request)).find((one) => one.id === id);
    if (!rule) throw new HttpError(404, 'There is no such rule in force: it may have been changed.');
    const body = isOwner(request)
      ? editBody(rule, request)
      : html`<pre>${JSON.stringify(rule.spec, null, 2)}</pre>`;
    return sendPage(reply, { title: rule.spec.name, path: '/alerts', body });
  });

  const put = async (request: FastifyRequest, reply: FastifyReply, replaced?: bigint) => {
    mustBe(request, 'owner');
    const text = field(request, 'rule');
    try {
      await rules.put(parsed(text), by(request).who, nowMs(), replaced, (tx, id) => {
        const about = replaced === undefined ? `rule ${id}` : `rule ${replaced}, now ${id}`;
        return audit({ ...by(request), action: 'rule.change', about, detail: text }, tx);
      });
      return reply.redirect('/alerts/rules', 303);
    } catch (error) {
      if (!(error instanceof RuleError)) throw error;
      const action = replaced === undefined ? '/alerts/rules' : `/alerts/rules/${replaced}`;
      const body = html`<p class="problem" role="alert">${error.message}</p>${form(action, text, request)}`;
      return sendPage(reply.code(400), { title: 'Rule', path: '/alerts', body });
    }
  };
  app.post('/alerts/rules', (request, reply) => put(request, reply));
  app.post('/alerts/rules/:id', (request, reply) => put(request, reply, checked(RuleId, request.params).id));
  app.post('/alerts/rules/:id/retire', async (request, reply) => {
    mustBe(request, 'owner');
    const { id } = checked(RuleId, request.params);
    const said = { ...by(request), action: 'rule.retire', about: `rule ${id}` };
    await rules.retire(id, nowMs(), (tx) => audit(said, tx));
    return reply.redirect('/alerts/rules', 303);
  });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new RuleError(`not JSON: ${(error as Error).message}`);
  }
}

function list(rules: readonly Rule[], alerts: Alerts): Html {
  if (rules.length === 0) return html`<p>There is no rule: nobody will be told of anything.</p>`;
  return table(
    [
      { title: 'Rule', cell: ({ id, spec }: Rule) => html`<a href="/alerts/rules/${id}">${spec.name}</a>` },
      { title: 'Severity', cell: ({ spec }) => severityTag(spec.severity) },
      { title: 'When', cell: ({ spec }) => conditionText(spec.condition) },
      { title: 'Where', cell: ({ spec }) => scopeText(spec) },
      { title: 'Tells', cell: ({ spec }) => tells(spec, alerts) },
    ],
    rules,
  );
}

/** A rule that reaches nobody is to be seen before the night it would have to. */
function tells({ tell, escalate }: RuleSpec, alerts: Alerts): Html {
  const named = (targets: readonly string[]) =>
    targets.map((target, i) =>
      alerts.reaches(target)
        ? html`${i > 0 && ', '}${target}`
        : html`${i > 0 && ', '}<span class="bad">${target} (the fleet's file has no way to it)</span>`,
    );
  const first = tell ?? alerts.defaultTell;
  const nobody = tell ? 'nobody' : "nobody: the fleet's file has no `tell`";
  const steps = escalate.map((step) => html`; after ${step.afterMin} min ${named(step.tell)}`);
  return html`${first.length > 0 ? named(first) : html`<span class="bad">${nobody}</span>`}${steps}`;
}

function form(action: string, rule: object | string, request: FastifyRequest): Html {
  const text = typeof rule === 'string' ? rule : JSON.stringify(rule, null, 2);
  return html`<form method="post" action="${action}">${csrfField(request)}
<label>As JSON <textarea name="rule" rows="22" cols="72" spellcheck="false" required maxlength="12000">${text}</textarea></label>
<button>Save</button></form>`;
}

function editBody({ id, spec }: Rule, request: FastifyRequest): Html {
  return html`<p>A change begins anew: open alerts of this rule end (alarms and shocks stay open until somebody acknowledges them), and rows are judged by the new one from now on.</p>
${form(`/alerts/rules/${id}`, spec, request)}
<h2>Retire</h2><form method="post" action="/alerts/rules/${id}/retire">${csrfField(request)}
<p>Its open alerts end, but for alarms and shocks; what it told of stays in the history.</p><button class="danger">Retire this rule</button></form>`;
}
