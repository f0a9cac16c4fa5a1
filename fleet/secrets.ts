import { readFileSync } from 'node:fs';
import type { FleetConfig } from './config/index.js';

/** What stands in a file of its own: so it is in no configuration. */
export function secretIn(file: string): string {
  const secret = readFileSync(file, 'utf8').trim();
  if (secret === '') throw new Error(`${file} is empty: a password or token is wanted in it`);
  return secret;
}

/** With its password, which stands last in the query: a URL without a host has no other place for it. */
export function databaseUrl(database: NonNullable<FleetConfig['database']>): string {
  if (typeof database === 'string') return database;
  const url = new URL(database.url);
  url.searchParams.set('password', secretIn(database.passwordFile));
  return url.href;
}
