import type { FastifyRequest } from 'fastify';
import { type AlertDetail, conditionText, type Delivery, whatOf } from '../../alerts/index.js';
import { countOf, timeOf, timeOfMs } from '../format.js';
import { type Html, html } from '../html.js';
import { csrfField } from '../people/form.js';
import { alertPath, beganAt, endedAt, severityTag, stateText } from './alert-parts.js';
import { pathOf, table } from './parts.js';

/** One alert: what, why, who was told; forms for who may act. */
export function alertBody(alert: AlertDetail, request: FastifyRequest, mayAct: boolean): Html {
  return html`<section id="alert" data-live aria-label="Alert">${facts(alert)}</section>
${alert.rule.spec.whatToDo && html`<h2>What to do</h2><p>${alert.rule.spec.whatToDo}</p>`}
${mayAct && (alert.state === 'open' || !alert.acknowledged) && acknowledgeForm(alert, request)}
<h2>Who was told</h2><section id="deliveries" data-live aria-label="Deliveries">${deliveries(alert)}${mayAct && retryForms(alert, request)}</section>
<h2>Why</h2><p>${whyText(alert)}</p><details><summary>The rule as it was</summary><pre>${JSON.stringify(alert.rule.spec, null, 2)}</pre></details>`;
}

function facts(alert: AlertDetail): Html {
  const entries: readonly (readonly [string, Html | string | undefined])[] = [
    ['Severity', severityTag(alert.severity)],
    ['Node', html`<a href="${pathOf(alert)}">${alert.nodeName}</a>`],
    ['What', whatOf(alert, alert.rule.spec.condition)],
    ['Its first row', alert.detail],
    [
      'Began',
      html`${beganAt(alert)}${alert.notAfterNs !== undefined && html`, before ${timeOf(alert.notAfterNs)}`}`,
    ],
    ['Arrived', timeOfMs(alert.openedMs)],
    ['State', stateText(alert)],
    ['Ended', endedAt(alert)],
    ['Acknowledged', alert.acknowledged && timeOfMs(alert.acknowledged.ms)],
    ['Note', alert.acknowledged?.note],
    [
      'Next told',
      alert.nextStepMs === undefined || alert.state !== 'open' ? undefined : timeOfMs(alert.nextStepMs),
    ],
  ];
  const shown = entries.filter(([, value]) => value !== undefined && value !== '');
  return html`<dl class="facts">${shown.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`;
}

function acknowledgeForm(alert: AlertDetail, request: FastifyRequest): Html {
  return html`<h2>Acknowledge</h2>
<form method="post" action="${alertPath(alert)}/acknowledge" class="filter">${csrfField(request)}
<label>Note <input name="note" maxlength="1000" autocomplete="off"></label>
${alert.state === 'open' && html`<label><input type="checkbox" name="ends" value="yes"> It is over: close it too</label>`}
<button>Acknowledge</button></form>
<p class="quiet">Nobody else is told then.</p>`;
}

function deliveries(alert: AlertDetail): Html {
  if (alert.deliveries.length === 0)
    return html`<p>Nobody${alert.held ? html`: ${stateText(alert)}.` : '.'}</p>`;
  return table(
    [
      { title: 'To', cell: ({ target }: Delivery) => target },
      { title: 'For', cell: ({ reason }) => reason },
      { title: 'State', cell: deliveryState },
      { title: 'Attempts', cell: ({ attempts }) => countOf(attempts), isNumber: true },
      { title: 'Last fault', cell: ({ error }) => error ?? '' },
    ],
    alert.deliveries,
  );
}

function retryForms(alert: AlertDetail, request: FastifyRequest): readonly Html[] {
  const failed = alert.deliveries.filter(({ state }) => state === 'failed');
  return failed.map(
    ({ id, target }) => html`<form method="post" action="${alertPath(alert)}/retry">${csrfField(request)}
<input type="hidden" name="delivery" value="${id}"><button>Try ${target} again</button></form>`,
  );
}

function deliveryState({ state, doneMs, dueMs, attempts }: Delivery): Html {
  if (state === 'sent') return html`sent ${doneMs !== undefined && timeOfMs(doneMs)}`;
  if (state === 'failed')
    return html`<span class="tag error">failed</span> ${doneMs !== undefined && timeOfMs(doneMs)}`;
  return attempts === 0
    ? html`waiting`
    : html`<span class="tag warn">waiting</span>, again at ${timeOfMs(dueMs)}`;
}

function whyText(alert: AlertDetail): string {
  const { rule, firstSequence, lastSequence, closedSequence, rows } = alert;
  const words = `The rule "${rule.spec.name}" says: ${conditionText(rule.spec.condition)}.`;
  if (firstSequence === undefined || rows === undefined) return words;
  const count = `${countOf(rows)} ${rows === 1n ? 'row says' : 'rows say'} so`;
  const range =
    firstSequence === lastSequence ? `row ${firstSequence}` : `rows ${firstSequence} to ${lastSequence}`;
  const ended = closedSequence === undefined ? '' : ` Row ${closedSequence} ended it.`;
  return `${words} ${count}: ${range} of ${alert.stream}.${ended}`;
}
