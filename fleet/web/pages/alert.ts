import type { FastifyRequest } from 'fastify';
import {
  type AlertDetail,
  conditionText,
  type Delivery,
  isHappening,
  mapUrl,
  whatOf,
} from '../../alerts/index.js';
import { countOf, spanOf, timeOf, timeOfMs } from '../format.js';
import { type Html, html } from '../html.js';
import { csrfField } from '../people/form.js';
import { alertPath, beganAt, endedAt, severityTag, stateText } from './alert-parts.js';
import { pathOf, table } from './parts.js';

/** One alert: what, why, who was told; forms for who may act. */
export function alertBody(
  alert: AlertDetail,
  request: FastifyRequest,
  { mayAct, nowMs }: { readonly mayAct: boolean; readonly nowMs: number },
): Html {
  return html`<section id="alert" data-live aria-label="Alert">${facts(alert, nowMs)}</section>
${mayAct && (alert.acknowledged ? noteForm(alert, request) : acknowledgeForm(alert, request))}
${alert.rule.spec.whatToDo && html`<h2>What to do</h2><p>${alert.rule.spec.whatToDo}</p>`}
<h2>Who was told</h2><section id="deliveries" data-live aria-label="Deliveries">${deliveries(alert)}${nextStep(alert, request, mayAct)}${mayAct && retryForms(alert, request)}</section>
<h2>Why</h2><p>${whyText(alert)}</p><details><summary>The rule as it was</summary><pre>${JSON.stringify(alert.rule.spec, null, 2)}</pre></details>`;
}

function facts(alert: AlertDetail, nowMs: number): Html {
  const { acknowledged } = alert;
  const entries: readonly (readonly [string, Html | string | undefined])[] = [
    ['Severity', severityTag(alert.severity)],
    ['State', stateText(alert)],
    ['Node', html`<a href="${pathOf(alert)}">${alert.nodeName}</a> <small>group ${alert.group}</small>`],
    ['Where', where(alert)],
    ['What', whatOf(alert, alert.rule.spec.condition)],
    ['Its first row', alert.detail],
    [
      'Began',
      html`${beganAt(alert)}${alert.notAfterNs !== undefined && html`, before ${timeOf(alert.notAfterNs)}`}`,
    ],
    ['Arrived', html`${timeOfMs(alert.openedMs)} <small>${spanOf(nowMs - alert.openedMs)} ago</small>`],
    ['Ended', endedAt(alert)],
    ['Acknowledged', acknowledged && timeOfMs(acknowledged.ms)],
    ['Notes', acknowledged?.note && html`<span class="notes">${acknowledged.note.trim()}</span>`],
  ];
  const shown = entries.filter(([, value]) => value !== undefined && value !== '');
  return html`<dl class="facts">${shown.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`;
}

function where({ position }: AlertDetail): Html {
  if (!position) return html`<span class="quiet">not known</span>`;
  const text = `${position.latitude.toFixed(5)}°, ${position.longitude.toFixed(5)}°`;
  return html`<a href="${mapUrl(position)}" rel="noreferrer">${text}</a> <small>its latest, of ${timeOf(position.wallNs)}</small>`;
}

function acknowledgeForm(alert: AlertDetail, request: FastifyRequest): Html {
  const ends =
    isHappening(alert.rule.spec) && alert.state === 'open' ? 'It ends with that, and nobody' : 'Nobody';
  return html`<h2>Acknowledge</h2>
<form method="post" action="${alertPath(alert)}/acknowledge" class="filter">${csrfField(request)}
<label>Note <input name="note" maxlength="1000"></label>${closeBox(alert)}
<button>Acknowledge</button></form>
<p class="quiet">${ends} else is told then.</p>`;
}

/** What came after: joins the notes that are there. */
function noteForm(alert: AlertDetail, request: FastifyRequest): Html {
  return html`<h2>What was done</h2>
<form method="post" action="${alertPath(alert)}/acknowledge" class="filter">${csrfField(request)}
<label>Note <input name="note" maxlength="1000"></label>${closeBox(alert)}
<button>Add it</button></form>`;
}

function closeBox({ state, rule }: AlertDetail): Html | false {
  if (state !== 'open' || isHappening(rule.spec)) return false;
  return html`<label><input type="checkbox" name="ends" value="yes"> It is over: close it too</label>`;
}

/** Whom the escalation tells next, and when; to whoever may act, a button that tells them now. */
function nextStep(alert: AlertDetail, request: FastifyRequest, mayAct: boolean): Html | false {
  if (alert.state !== 'open' || alert.nextStepMs === undefined) return false;
  const targets = alert.step < 0 ? undefined : alert.rule.spec.escalate[alert.step]?.tell.join(', ');
  return html`<p>Unless somebody acknowledges, ${targets ?? 'it'} is told at ${timeOfMs(alert.nextStepMs)}.</p>
${
  mayAct &&
  targets &&
  html`<form method="post" action="${alertPath(alert)}/escalate">${csrfField(request)}<button class="other">Tell ${targets} now</button></form>`
}`;
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

function deliveryState({ state, doneMs, dueMs, attempts, error }: Delivery): Html {
  if (state === 'sent') return html`sent ${doneMs !== undefined && timeOfMs(doneMs)}`;
  if (state === 'failed')
    return html`<span class="tag error">failed</span> ${doneMs !== undefined && timeOfMs(doneMs)}`;
  if (error === undefined) return attempts === 0 ? html`waiting` : html`under way`;
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
