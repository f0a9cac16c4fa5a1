import { readFileSync } from 'node:fs';
import type { FleetConfig } from './config/index.js';

/** A file that the configuration names. Of a folder the system doesn't say which; Docker makes one where a file is absent. */
export function contentOf(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (cause) {
    throw new Error(`${file}: ${(cause as Error).message}`, { cause });
  }
}

/** What stands in a file of its own: so it is in no configuration. */
export function secretIn(file: string): string {
  const secret = contentOf(file).toString().trim();
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
