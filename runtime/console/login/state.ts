import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeWhole } from '../../identity.js';

/** What outlives a login: the count of wrong answers, and the key that the one-time secret let in. */
export interface LoginState {
  readFailures(): number;
  writeFailures(count: number): void;
  /** PEM, in whatever state; undefined where none was ever installed. */
  ownerKey(): string | undefined;
  installOwner(pem: string): void;
}

/** Kept in a folder of the console's own user, which the node's service can't write. */
export function loginState(folder: string): LoginState {
  const failures = join(folder, 'wrong-answers');
  const owner = join(folder, 'owner.pub');
  const put = (path: string, text: string) => {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    writeWhole(path, text, 0o600);
  };
  return {
    // What is no number was never written by us: then nothing is known of wrong answers.
    readFailures: () => Number(/^\d{1,9}$/.exec(readText(failures)?.trim() ?? '')?.[0] ?? 0),
    writeFailures: (count) => put(failures, `${count}\n`),
    ownerKey: () => readText(owner),
    installOwner: (pem) => put(owner, pem),
  };
}

/** A file's text; undefined where there is none. */
export function readText(path: string): string | undefined {
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
}
