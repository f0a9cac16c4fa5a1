import type { FastifyRequest } from 'fastify';
import type { Alerts, Maintenance } from '../../alerts/index.js';
import { may, type Role } from '../../people/index.js';
import type { Group } from '../../store/types.js';
import { HttpError } from '../reply.js';
import type { WebDeps } from '../types.js';

export interface AlertPagesDeps {
  readonly alerts: Alerts;
  /** Who did what, in the transaction that does it. */
  readonly audit: WebDeps['audit'];
  readonly nowMs: () => number;
}

/** Whether they have that role in the group; in every one, where nobody knows the group. */
export function mayAct({ person }: FastifyRequest, role: Role, group: Group | undefined): boolean {
  return person !== undefined && may(person, role, group);
}

/** Maintenance of the groups and nodes that they may see. */
export async function maintenanceFor(
  { person }: FastifyRequest,
  { alerts, nowMs }: AlertPagesDeps,
): Promise<readonly (Maintenance & { readonly group: Group | undefined })[]> {
  const current = await alerts.maintenance.current(nowMs());
  const groups = await alerts.groupsOf(current.map(({ scope }) => scope));
  return current
    .map((one) => ({ ...one, group: groups.get(one.scope) }))
    .filter(({ group }) => person === undefined || may(person, 'viewer', group));
}

/** Refuses whoever hasn't that role in the group (in every one, without a group). Throws HttpError 401 or 403. */
export function mustBe(request: FastifyRequest, role: Role, group?: Group): void {
  if (!request.person) throw new HttpError(401, 'Sign in first.');
  if (!may(request.person, role, group))
    throw new HttpError(403, `This needs the role ${role} in ${group ?? 'every group'}.`);
}
