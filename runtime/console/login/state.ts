import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeWhole } from '../../identity.js';
import { NOTHING_SEEN, type Seen, seenFromJson } from './seen.js';

/** What outlives a login: wrong answers in a row, what was seen of the owner's signatures, the key that the one-time secret let in. */
export interface LoginState {
  /** In a row, over all sessions and power cuts. */
  readFailures(): number;
  /** On the disk when it returns; throws where it can't be. */
  writeFailures(count: number): void;
  /** Undefined where the record is damaged: an epoch that went back would let expired grants in. */
  readSeen(): Seen | undefined;
  /** On the disk when it returns; throws where it can't be. */
  writeSeen(seen: Seen): void;
  /** PEM, in whatever state; undefined where none was ever installed. */
  ownerKey(): string | undefined;
  /** Whole and on the disk when it returns, or not at all. */
  installOwner(pem: string): void;
}

/** What is taken where the card can't be read: everybody waits 8 s. */
const UNKNOWN_FAILURES = 4;

/** Kept in a folder of the console's own user, which the node's service can't write. */
export function loginState(folder: string): LoginState {
  const failures = join(folder, 'wrong-answers');
  const owner = join(folder, 'owner.pub');
  const seen = join(folder, 'seen');
  const put = (path: string, text: string) => {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    writeWhole(path, text, 0o600);
  };
  return {
    readFailures: () => read(failures, countIn, 0, UNKNOWN_FAILURES),
    writeFailures: (count) => put(failures, `${count}\n`),
    readSeen: () => read<Seen | undefined>(seen, checkedSeen, NOTHING_SEEN, undefined),
    writeSeen: (value) => {
      const json = JSON.stringify(value);
      put(seen, `${json}\n${sha256(json)}\n`);
    },
    ownerKey: () => readText(owner),
    installOwner: (pem) => put(owner, pem),
  };
}

/** What a file says; a card that can't be read ends no login. */
function read<T>(path: string, parse: (text: string) => T, absent: T, unreadable: T): T {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? absent : unreadable;
  }
  return parse(text);
}

/** What is no number was never written by us: then nothing is known of wrong answers. */
function countIn(text: string): number {
  return Number(/^\d{1,9}$/.exec(text.trim())?.[0] ?? 0);
}

/** A line of JSON, and its SHA-256: a flipped bit on the card must not bring an epoch back. */
function checkedSeen(text: string): Seen | undefined {
  const [json = '', sum] = text.split('\n');
  return sum === sha256(json) ? seenFromJson(json) : undefined;
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** A file's text; undefined where there is none. */
export function readText(path: string): string | undefined {
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
}
