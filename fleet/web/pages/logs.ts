import type { FastifyInstance } from 'fastify';
import * as v from 'valibot';
import { LOG_LEVELS } from '../../../wire/index.js';
import type { Caller } from '../../people/index.js';
import type { LogLine, LogQuery } from '../../store/types.js';
import { msOf, timeOf } from '../format.js';
import { type Html, html } from '../html.js';
import { cursorOf, GROUPS, GroupName, Level, LogCursor, Moment, NodeName, Search } from '../inputs.js';
import { checked, HttpError, sendPage } from '../reply.js';
import { sees } from '../seen.js';
import type { WebDeps } from '../types.js';
import { options, pathOf, pathWith } from './parts.js';
import { removedText } from './streams.js';

/** Lines at once. */
const PER_PAGE = 200;

export const LogFilter = v.object({
  from: v.optional(Moment),
  to: v.optional(Moment),
  level: v.optional(Level),
  group: v.optional(GroupName),
  node: v.optional(NodeName),
  text: v.optional(Search),
  before: v.optional(LogCursor),
});
export type LogFilter = v.InferOutput<typeof LogFilter>;

export function logsPage(app: FastifyInstance, deps: WebDeps): void {
  const { store } = deps;
  app.get('/logs', { config: { lastGood: true } }, async (request, reply) => {
    const filter = await seenBy(request.person, checked(LogFilter, request.query), deps);
    const query = logQuery(filter, PER_PAGE);
    const lines = await store.logs(query);
    const removed = await removedFor(store, query, lines);
    const body = html`${form(filter, request.person)}<section id="lines" data-live aria-label="Lines">${linesOf(lines)}${older(lines, filter)}${removed && html`<p>${removedText(removed)}</p>`}</section>`;
    const isMoving = !filter.before && !filter.to;
    return sendPage(reply, { title: 'Logs', path: '/logs', body, watch: isMoving ? ['logs'] : [] });
  });
}

/** Who sees some groups only, sees the lines of one of them at once: where they name none, their node's, or the first. Throws HttpError 403. */
export async function seenBy(
  person: Caller | undefined,
  filter: LogFilter,
  { store, nowMs }: Pick<WebDeps, 'store' | 'nowMs'>,
): Promise<LogFilter> {
  const seen = GROUPS.filter((group) => sees(person, group));
  const { node, group: named } = filter;
  const isOne = named === undefined && seen.length < GROUPS.length;
  const nodes = isOne && node ? (await store.node(node, nowMs()))?.group : undefined;
  const group = isOne ? (seen.find((each) => each === nodes) ?? seen[0]) : named;
  if (seen.length === 0 || (group && !seen.includes(group)))
    throw new HttpError(403, `The logs of ${group ?? 'any group'} are not for you.`);
  return { ...filter, group };
}

export function logQuery(filter: LogFilter, limit: number): LogQuery {
  const { group } = filter;
  return {
    limit,
    ...(filter.from !== undefined && { fromNs: filter.from }),
    ...(filter.to !== undefined && { toNs: filter.to }),
    ...(filter.level && { level: filter.level }),
    ...(group && { group }),
    ...(filter.node && { node: filter.node }),
    ...(filter.text && { contains: filter.text }),
    ...(filter.before && { before: filter.before }),
  };
}

/** Where there are no older lines to turn to. */
function removedFor(store: WebDeps['store'], query: LogQuery, lines: readonly LogLine[]) {
  return lines.length < PER_PAGE ? store.removedLogs(query) : undefined;
}

function form({ from, to, level, group, node, text }: LogFilter, person: Caller | undefined): Html {
  const seen = GROUPS.filter((each) => sees(person, each));
  const local = (ns: bigint | undefined) => ns !== undefined && new Date(msOf(ns)).toISOString().slice(0, 19);
  return html`<form method="get" action="/logs" class="filter" role="search">
<label>From, UTC <input type="datetime-local" name="from" step="1" value="${local(from)}"></label>
<label>To, UTC <input type="datetime-local" name="to" step="1" value="${local(to)}"></label>
<label>Level from <select name="level">${options(LOG_LEVELS, level, 'all')}</select></label>
<label>Group <select name="group">${options(seen, group, seen.length < GROUPS.length ? undefined : 'all')}</select></label>
<label>Node id <input name="node" value="${node}" maxlength="128" size="18"></label>
<label>Text <input type="search" name="text" value="${text}" maxlength="100"></label>
<button>Show</button></form>`;
}

function linesOf(lines: readonly LogLine[]): Html {
  if (lines.length === 0) return html`<p>No line is like that. <a href="/logs">Show all</a></p>`;
  const rows = lines.map(
    ({ wallNs, atNs, level, node, module, text }) =>
      html`<tr class="level ${level}"><td>${timeOf(wallNs)}${wallNs === undefined && html` <small>came ${timeOf(atNs)}</small>`}</td><td><span class="tag ${level}">${level}</span></td><td><a href="${pathOf({ node })}">${node}</a></td><td>${module}</td><td class="text">${text}</td></tr>`,
  );
  return html`<table class="lines"><thead><tr><th scope="col">Time</th><th scope="col">Level</th><th scope="col">Node</th><th scope="col">Module</th><th scope="col">Text</th></tr></thead><tbody>${rows}</tbody></table>`;
}

function older(lines: readonly LogLine[], { before: _, from, to, ...rest }: LogFilter): Html | false {
  const last = lines.at(-1);
  if (lines.length < PER_PAGE || !last) return false;
  const iso = (ns: bigint | undefined) => (ns === undefined ? undefined : new Date(msOf(ns)).toISOString());
  const path = pathWith('/logs', { ...rest, from: iso(from), to: iso(to), before: cursorOf(last) });
  return html`<nav class="pager" aria-label="Pages"><a href="${path}" rel="next">Older lines</a></nav>`;
}
