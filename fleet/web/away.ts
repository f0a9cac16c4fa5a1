import { DatabaseError } from '../db/index.js';

/** The database can't be asked at this moment; by itself it will be again. */
export function isAway(error: unknown): boolean {
  return error instanceof DatabaseError && (error.kind === 'down' || error.kind === 'busy');
}
