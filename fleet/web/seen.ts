import { type Caller, may } from '../people/index.js';
import type { Group, NodeDetail, NodeSummary } from '../store/types.js';
import type { WebDeps } from './types.js';

type Deps = Pick<WebDeps, 'store' | 'openAlerts' | 'nowMs'>;
type Filter = NonNullable<Parameters<WebDeps['store']['nodes']>[1]>;

/** What the store knows of a node, and what the alerts do. */
export type Seen<Node> = Node & { readonly openAlerts: number };

/** Nobody in particular gets here only where no plugin asks who it is. */
export function sees(person: Caller | undefined, group: Group): boolean {
  return person === undefined || may(person, 'viewer', group);
}

/** The nodes that they may see, with their alerts. */
export async function nodesFor(
  person: Caller | undefined,
  { store, openAlerts, nowMs }: Deps,
  { group, search }: { readonly [Key in keyof Filter]: Filter[Key] | undefined } = {},
): Promise<readonly Seen<NodeSummary>[]> {
  const nodes = await store.nodes(nowMs(), { ...(group && { group }), ...(search && { search }) });
  const alerts = await openAlerts();
  return nodes
    .filter((node) => sees(person, node.group))
    .map((node) => ({ ...node, openAlerts: alerts.get(node.node) ?? 0 }));
}

/** Undefined: there is none, or they may not see it. */
export async function nodeFor(
  person: Caller | undefined,
  { store, openAlerts, nowMs }: Deps,
  name: string,
): Promise<Seen<NodeDetail> | undefined> {
  const node = await store.node(name, nowMs());
  if (!node || !sees(person, node.group)) return undefined;
  return { ...node, openAlerts: (await openAlerts()).get(name) ?? 0 };
}
