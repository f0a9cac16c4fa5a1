import type { FastifyInstance, FastifyRequest } from 'fastify';
import * as v from 'valibot';
import { byOf, may } from '../../people/index.js';
import type { Group, NodeSummary } from '../../store/types.js';
import { type Html, html } from '../html.js';
import { GROUPS, GroupName, NodeName } from '../inputs.js';
import { csrfField } from '../people/index.js';
import { checked, HttpError } from '../reply.js';
import { nodeFor } from '../seen.js';
import type { WebDeps } from '../types.js';
import { options, pathOf } from './parts.js';

const Rename = v.object({
  name: v.pipe(
    v.string(),
    v.trim(),
    v.regex(/^\P{C}{1,64}$/u, 'a name of 1 to 64 printable characters is wanted'),
  ),
  group: GroupName,
});

/** For who may, and for nobody else. */
export function renameForm(request: FastifyRequest, { node, name, group }: NodeSummary): Html | undefined {
  if (!request.person || !may(request.person, 'operator', group)) return undefined;
  const groups = GROUPS.filter((each) => may(request.person!, 'operator', each));
  return html`<section aria-labelledby="rename-title"><h2 id="rename-title">Name and group</h2>
<form method="post" action="${pathOf({ node })}" class="filter">${csrfField(request)}
<label>Name <input name="name" value="${name}" maxlength="64" required></label>
<label>Group <select name="group">${options(groups, group)}</select></label>
<button>Save</button></form></section>`;
}

export function nodeRename(app: FastifyInstance, deps: WebDeps): void {
  app.post('/nodes/:node', async (request, reply) => {
    const { node: id } = checked(v.object({ node: NodeName }), request.params);
    const change = checked(Rename, request.body);
    const node = await nodeFor(request.person, deps, id);
    if (!node) throw new HttpError(404, `No node ${id} is known here.`);
    const caller = mayMove(request, node.group, change.group);
    const detail = `${node.name} in ${node.group} is ${change.name} in ${change.group}`;
    const said = { ...byOf(caller, request.ip), action: 'node.rename', about: id, detail };
    await deps.store.rename(id, change, (tx) => deps.audit(said, tx));
    return reply.redirect(pathOf(node), 303);
  });
}

function mayMove({ person }: FastifyRequest, from: Group, to: Group) {
  if (person && may(person, 'operator', from) && may(person, 'operator', to)) return person;
  throw new HttpError(403, `This needs the role operator in ${from} and ${to}.`);
}
