import type { FastifyRequest } from 'fastify';
import type { Alerts } from '../../alerts/index.js';
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

/** Refuses whoever hasn't that role in the group (in every one, without a group). Throws HttpError 401 or 403. */
export function mustBe(request: FastifyRequest, role: Role, group?: Group): void {
  if (!request.person) throw new HttpError(401, 'Sign in first.');
  if (!may(request.person, role, group))
    throw new HttpError(403, `This needs the role ${role} in ${group ?? 'every group'}.`);
}
