import type { FastifyInstance } from 'fastify';
import * as v from 'valibot';
import type { NodeState, NodeSummary } from '../../store/types.js';
import { countOf, rowsOf, spanOf } from '../format.js';
import { type Html, html } from '../html.js';
import { Box, GROUPS, GroupName, Page, Search, STATES, StateName } from '../inputs.js';
import { checked, sendPage } from '../reply.js';
import { nodesFor, type Seen } from '../seen.js';
import type { WebDeps } from '../types.js';
import { fleetMap, isWithin } from './map.js';
import { causeWords } from './node-why.js';
import { options, pager, pathOf, pathWith } from './parts.js';
import { stateMark } from './state.js';

/** Rows of the list at once. */
const PER_PAGE = 100;

const Query = v.object({
  group: v.optional(GroupName),
  state: v.optional(StateName),
  search: v.optional(Search),
  box: v.optional(Box),
  page: Page,
});
type Query = v.InferOutput<typeof Query>;

export function fleetPage(app: FastifyInstance, deps: WebDeps): void {
  app.get('/', { config: { lastGood: true } }, async (request, reply) => {
    const query = checked(Query, request.query);
    const found = await nodesFor(request.person, deps, query);
    const shown = found.filter(
      (node) =>
        (!query.state || node.state === query.state) && (!query.box || isWithin(query.box, node.position)),
    );
    const body = [
      filterForm(query),
      counts(found, query),
      fleetMap(shown, query, deps.tiles),
      list(shown, query, deps.nowMs()),
    ];
    return sendPage(reply, { title: 'Fleet', path: '/', body: html`${body}`, watch: ['fleet'] });
  });
}

function filterForm({ search, group, state }: Query): Html {
  return html`<form method="get" action="/" class="filter" role="search">
<label>Name or id <input type="search" name="search" value="${search}" maxlength="100"></label>
<label>Group <select name="group">${options(GROUPS, group, 'all')}</select></label>
<label>State <select name="state">${options(STATES, state, 'all')}</select></label>
<button>Show</button>
</form>`;
}

/** How many nodes of each group are in each state; each number leads to them. */
function counts(nodes: readonly NodeSummary[], query: Query): Html {
  const groups = GROUPS.filter((group) => nodes.some((node) => node.group === group));
  const cell = (group: (typeof GROUPS)[number], state: NodeState) => {
    const count = nodes.filter((node) => node.group === group && node.state === state).length;
    const path = pathWith('/', { search: query.search, group, state });
    return html`<td>${count === 0 ? html`<span class="quiet">0</span>` : html`<a href="${path}">${countOf(count)}<span class="hidden"> ${state} in ${group}</span></a>`}</td>`;
  };
  const rows = groups.map((group) => {
    const path = pathWith('/', { search: query.search, group });
    return html`<tr><th scope="row"><a href="${path}">${group}</a></th>${STATES.map((state) => cell(group, state))}</tr>`;
  });
  return html`<section id="counts" data-live aria-labelledby="counts-title">
<h2 id="counts-title">${countOf(nodes.length)} ${nodes.length === 1 ? 'node' : 'nodes'}</h2>
${rows.length > 0 && html`<table class="counts"><thead><tr><th scope="col">Group</th>${STATES.map((state) => html`<th scope="col">${stateMark(state)}</th>`)}</tr></thead><tbody>${rows}</tbody></table>`}
</section>`;
}

function list(nodes: readonly Seen<NodeSummary>[], query: Query, nowMs: number): Html {
  const first = (Math.max(1, query.page) - 1) * PER_PAGE;
  const ordered = GROUPS.flatMap((group) => nodes.filter((node) => node.group === group));
  const shown = ordered.slice(first, first + PER_PAGE);
  const groups = GROUPS.filter((group) => shown.some((node) => node.group === group)).map((group) => {
    const rows = shown.filter((node) => node.group === group).map((node) => row(node, nowMs));
    return html`<tbody><tr><th scope="rowgroup" colspan="5" class="group">${group}</th></tr>${rows}</tbody>`;
  });
  const { group, state, search } = query;
  const path = (page: number) =>
    pathWith('/', { group, state, search, box: query.box?.join(','), page: String(page) });
  return html`<section id="list" data-live aria-labelledby="list-title"><h2 id="list-title">List</h2>
${shown.length === 0 && nothing(nodes, query)}
${shown.length > 0 && html`<table><thead><tr><th scope="col">Node</th><th scope="col">State</th><th scope="col">Heard</th><th scope="col">Alerts</th><th scope="col">Lost</th></tr></thead>${groups}</table>`}
${pager(query.page, Math.ceil(ordered.length / PER_PAGE), path)}</section>`;
}

function nothing(nodes: readonly unknown[], { group, state, search, box }: Query): Html {
  if (nodes.length > 0 || group || state || search || box)
    return html`<p>No node ${nodes.length === 0 ? 'is like that' : 'is on this page'}. <a href="/">Show all</a></p>`;
  return html`<p>No node of yours has been heard yet. A node comes here once its file names this fleet's broker as <code>uplink.url</code>.</p>`;
}

function row(node: Seen<NodeSummary>, nowMs: number): Html {
  const { name, state, heardMs, openAlerts, lostRows, cause } = node;
  return html`<tr><th scope="row"><a href="${pathOf(node)}">${name}</a>${name !== node.node && html` <small>${node.node}</small>`}</th>
<td data-label="State">${stateMark(state)}${cause && html` <small class="bad">${causeWords(cause)}</small>`}</td><td data-label="Heard">${spanOf(nowMs - heardMs)} ago</td>
${few('Alerts', openAlerts > 0 && html`<strong class="bad">${openAlerts} open</strong>`)}${few('Lost', lostRows > 0n && rowsOf(lostRows))}</tr>`;
}

/** A cell that is empty for most nodes. */
function few(label: string, said: Html | string | false): Html {
  if (said === false) return html`<td data-label="${label}" class="quiet none">none</td>`;
  return html`<td data-label="${label}">${said}</td>`;
}
