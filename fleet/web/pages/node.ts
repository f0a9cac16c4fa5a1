import type { FastifyInstance } from 'fastify';
import * as v from 'valibot';
import type { NodeDetail } from '../../store/types.js';
import { msOf, nsOf, rowsOf, spanOf, timeOf, timeOfMs } from '../format.js';
import { type Html, html } from '../html.js';
import { Moment, NodeName } from '../inputs.js';
import { checked, HttpError, sendPage } from '../reply.js';
import { nodeFor, type Seen } from '../seen.js';
import type { WebDeps } from '../types.js';
import { healthOf } from './node-health.js';
import { type Losses, lossesOf } from './node-losses.js';
import { renameForm } from './node-rename.js';
import { absenceOf } from './node-why.js';
import { pathOf, pathWith, table } from './parts.js';
import { stateMark } from './state.js';
import { oldStreams, streamSection } from './streams.js';

const HOUR_MS = 3_600_000;
const WINDOWS = [
  ['1', '1 hour'],
  ['6', '6 hours'],
  ['24', 'a day'],
  ['168', 'a week'],
  ['720', '30 days'],
] as const;

const Query = v.object({
  hours: v.optional(v.picklist(WINDOWS.map(([hours]) => hours)), '1'),
  /** The window ends there; absent: now, and it moves. */
  end: v.optional(Moment),
});
type Query = v.InferOutput<typeof Query>;

export function nodePage(app: FastifyInstance, deps: WebDeps): void {
  const { store, nowMs } = deps;
  app.get('/nodes/:node', { config: { lastGood: true } }, async (request, reply) => {
    const { node: name } = checked(v.object({ node: NodeName }), request.params);
    const query = checked(Query, request.query);
    const node = await nodeFor(request.person, deps, name);
    if (!node) throw new HttpError(404, `No node ${name} is known here.`);
    const losses = {
      ...{ gaps: await store.gaps(name), conflicts: await store.conflicts(name) },
      contradicted: node.streams.filter(({ contradictions }) => contradictions > 0n),
    };
    return sendPage(reply, {
      title: node.name,
      path: '/',
      body: html`${bodyOf(node, losses, query, nowMs())}${renameForm(request, node)}`,
      watch: [`node:${node.node}`],
      scripts: ['charts.js'],
      styles: ['uplot.css'],
    });
  });
}

function bodyOf(node: Seen<NodeDetail>, losses: Losses, query: Query, nowMs: number): Html {
  const newest = node.streams[0]?.epoch;
  const current = node.streams.filter(({ epoch, logClass }) => epoch === newest && logClass !== 'meta');
  const older = node.streams.filter(({ epoch }) => epoch !== newest);
  const toNs = query.end ?? nsOf(nowMs);
  const span = { fromNs: toNs - nsOf(Number(query.hours) * HOUR_MS), toNs };
  return html`${facts(node, nowMs)}
${healthOf(node, current, nowMs)}
<section aria-labelledby="readings-title"><h2 id="readings-title">Readings</h2>

${windows(node, query)}
<div id="charts" data-grows data-now="${nowMs}" data-hours="${query.hours}" ${query.end !== undefined && html`data-end="${msOf(query.end)}"`}>
${current.map((stream) => streamSection(stream, span))}</div>
<div id="no-stream" data-live>${current.length === 0 && html`<p class="quiet">No stream of this node is known yet.</p>`}</div></section>
${older.length > 0 && oldStreams(older, span)}
${lossesOf(losses)}
${boots(node)}
${status(node)}`;
}

function facts(node: Seen<NodeDetail>, nowMs: number): Html {
  const { position } = node;
  const software = node.boots[0]?.software;
  const facts: readonly (readonly [string, Html | string | false])[] = [
    ['State', stateMark(node.state)],
    ['Heard', html`${spanOf(nowMs - node.heardMs)} ago, ${timeOfMs(node.heardMs)}`],
    ['Newest reading', timeOf(node.latestWallNs)],
    ['Group', node.group],
    ['Id', html`<code>${node.node}</code>`],
    ['Software', software || false],
    [
      'Position',
      position !== undefined &&
        html`${position.latitude.toFixed(6)}°, ${position.longitude.toFixed(6)}° <small>${timeOf(position.wallNs)}</small>`,
    ],
    ['Lost', node.lostRows > 0n ? html`<a href="#losses">${rowsOf(node.lostRows)}</a>` : 'nothing'],
    [
      'Alerts',
      node.openAlerts > 0 &&
        html`<a href="${pathWith('/alerts', { node: node.node })}" class="bad">${node.openAlerts} open</a>`,
    ],
    ['Log', html`<a href="${pathWith('/logs', { node: node.node })}">Its log</a>`],
  ];
  const rows = facts.filter(([, value]) => value !== false);
  return html`<section id="facts" data-live aria-label="The node">${absenceOf(node, nowMs)}<dl class="facts">${rows.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>
<nav class="windows" aria-label="On this page"><a href="#readings-title">Readings</a><a href="#losses">What is lost</a>${node.boots.length > 0 && html`<a href="#boots">Boots</a>`}${node.status && html`<a href="#status">Status</a>`}</nav></section>`;
}

function windows(node: NodeDetail, { hours, end }: Query): Html {
  const endText = end === undefined ? undefined : new Date(msOf(end)).toISOString();
  const links = WINDOWS.map(
    ([value, name]) =>
      html`<a href="${pathWith(pathOf(node), { hours: value, end: endText })}" ${value === hours && html`aria-current="true"`}>${name}</a>`,
  );
  const latest =
    node.latestWallNs === undefined ? undefined : new Date(msOf(node.latestWallNs)).toISOString();
  return html`<nav class="windows" aria-label="Window of the charts">${links}
${end !== undefined ? html`<a href="${pathWith(pathOf(node), { hours })}">until now</a>` : latest && html`<a href="${pathWith(pathOf(node), { hours, end: latest })}">until its newest reading</a>`}
${end !== undefined && html`<span>until ${timeOf(end)}</span>`}</nav>`;
}

/** Rows of the table. */
const MAX_BOOTS = 50;

function boots({ boots }: NodeDetail): Html {
  if (boots.length === 0) return html`<section id="boots" data-live></section>`;
  return html`<section id="boots" data-live aria-labelledby="boots-title"><h2 id="boots-title">Boots</h2>
${table(
  [
    { title: 'Boot', cell: ({ boot }) => boot },
    { title: 'Started', cell: ({ start }) => startOf(start) },
    { title: 'Software', cell: ({ software }) => software },
    { title: 'Epoch', cell: ({ epoch }) => html`<code>${epoch}</code>` },
  ],
  boots.slice(0, MAX_BOOTS),
)}</section>`;
}

function startOf(start: NodeDetail['boots'][number]['start']): Html {
  if (start.kind === 'known')
    return html`${timeOf(start.wallNs)} <small>± ${spanOrMs(start.uncertaintyNs)}</small>`;
  if (start.kind === 'unknown') return timeOf(undefined);
  const { notBeforeNs, notAfterNs } = start;
  return html`${notBeforeNs !== undefined && html`after ${timeOf(notBeforeNs)} `}${notAfterNs !== undefined && html`before ${timeOf(notAfterNs)}`}`;
}

function spanOrMs(ns: bigint): string {
  const ms = Number(ns) / 1e6;
  return ms < 1000 ? `${Math.ceil(ms)} ms` : spanOf(ms);
}

/** Fields of the status that are shown. */
const MAX_FIELDS = 64;

function status({ status: said }: NodeDetail): Html {
  if (!said) return html``;
  const fields = Object.entries(said).slice(0, MAX_FIELDS);
  const text = (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value)).slice(0, 500);
  return html`<section id="status" data-live aria-labelledby="status-title"><h2 id="status-title">Status</h2><p class="quiet">As the node last said it.</p>
<dl class="facts">${fields.map(([name, value]) => html`<div><dt>${name}</dt><dd>${text(value)}</dd></div>`)}</dl></section>`;
}
