import type { SqlRow, SqlValue } from '../db/index.js';
import type { Group } from '../store/types.js';
import { type Caller, GROUPS, ROLES, type Role, type Roles } from './types.js';

/** Whether they have that role, or a higher one, in that group; without a group: in every one. */
export function may({ roles }: Pick<Caller, 'roles'>, role: Role, group?: Group): boolean {
  const asked = group === undefined ? GROUPS : [group];
  return asked.every((each) => rank(roles[each]) >= rank(role));
}

/** Where they have that role, or a higher one. */
export function groupsOf({ roles }: Pick<Caller, 'roles'>, role: Role): readonly Group[] {
  return GROUPS.filter((group) => rank(roles[group]) >= rank(role));
}

/** The same role in every group. */
export function everywhere(role: Role): Roles {
  return { dev: role, stage: role, prod: role };
}

/** In each group the lower of both: a token never may more than its person. */
export function lower(a: Roles, b: Roles): Roles {
  return rolesOf((group) => (rank(a[group]) < rank(b[group]) ? a[group] : b[group]));
}

/** `viewer of dev, stage; owner of prod`, `owner of all`, `nothing`. */
export function rolesText(roles: Roles): string {
  const parts = ROLES.flatMap((role) => {
    const groups = GROUPS.filter((group) => roles[group] === role);
    if (groups.length === 0) return [];
    return [`${role} of ${groups.length === GROUPS.length ? 'all' : groups.join(', ')}`];
  });
  return parts.join('; ') || 'nothing';
}

/** Of the columns `role_dev`, `role_stage`, `role_prod`. */
export function rolesIn(row: SqlRow): Roles {
  return rolesOf((group) => ROLES.find((role) => role === row[`role_${group}`]));
}

export const ROLE_COLUMNS = GROUPS.map((group) => `role_${group}`).join(', ');

/** In the order of `ROLE_COLUMNS`. */
export function roleValues(roles: Roles): readonly SqlValue[] {
  return GROUPS.map((group) => roles[group] ?? null);
}

function rolesOf(find: (group: Group) => Role | undefined): Roles {
  return Object.fromEntries(
    GROUPS.flatMap((group) => {
      const role = find(group);
      return role ? [[group, role]] : [];
    }),
  );
}

function rank(role: Role | undefined): number {
  return role === undefined ? -1 : ROLES.indexOf(role);
}
