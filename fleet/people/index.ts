export type { Audit, AuditLine } from './audit.js';
export type { Enrolment } from './factors.js';
export { byOf, openPeople, type People } from './people.js';
export { everywhere, groupsOf, may, rolesText } from './roles.js';
export { PEOPLE_MIGRATIONS } from './schema.js';
export type { Browser, Session } from './sessions.js';
export type { Token } from './tokens.js';
export * from './types.js';
