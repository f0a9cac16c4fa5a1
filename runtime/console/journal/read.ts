import type { KeyObject } from 'node:crypto';
import { isHeadSignedBy } from '../../head-signature.js';
import { type JournalDisk, segmentName } from './disk.js';
import { type Entry, entryIn, hashOf, NO_HASH } from './entry.js';

/** The newest entry that the node signed. */
export interface Signed {
  readonly number: number;
  /** SHA-256, 64 hexadecimal digits. */
  readonly hash: string;
  /** Ed25519, in base64. */
  readonly signature: string;
}

/** Where the chain ends. */
export interface Tail {
  /** The segment that it lies in, and how many of its bytes are whole entries. */
  readonly name: string;
  readonly sizeBytes: number;
  /** Of the segment, with what is torn. */
  readonly fileBytes: number;
  /** Of the last entry; 0 where there is none. */
  readonly number: number;
  readonly hash: string;
  readonly signed: Signed | undefined;
  /** Behind it: what a power cut left of an entry. */
  readonly tornBytes: number;
}

interface Line {
  readonly text: string;
  readonly endBytes: number;
}

/** The lines that have an end. */
function linesIn(bytes: Buffer): readonly Line[] {
  const lines: Line[] = [];
  for (let from = 0, to = bytes.indexOf(10); to >= 0; from = to + 1, to = bytes.indexOf(10, from))
    lines.push({ text: bytes.toString('utf8', from, to), endBytes: to + 1 });
  return lines;
}

/** The last whole entry and what lies behind it; entries before are looked at by `verify`. */
export async function readTail(disk: JournalDisk): Promise<Tail> {
  // A segment that was begun, and nothing of it is whole, is begun again.
  let begun: { readonly name: string; readonly fileBytes: number } | undefined;
  let tornBytes = 0;
  for (const name of (await disk.list()).toReversed()) {
    const bytes = await disk.read(name);
    const lines = linesIn(bytes);
    const at = lines.findLastIndex(({ text }) => entryIn(text));
    const last = lines[at];
    const [sizeBytes, fileBytes] = [last?.endBytes ?? 0, bytes.length];
    tornBytes += fileBytes - sizeBytes;
    if (!last) begun = { name, fileBytes };
    else {
      const entries = lines.slice(0, at + 1).flatMap(({ text }) => entryIn(text) ?? []);
      const [number, signed] = [entries.at(-1)!.n, entries.flatMap(signedIn).at(-1)];
      const where = begun ? { ...begun, sizeBytes: 0 } : { name, sizeBytes, fileBytes };
      return { ...where, number, hash: hashOf(last.text), signed, tornBytes };
    }
  }
  const where = begun ?? { name: segmentName(1), fileBytes: 0 };
  return { ...where, sizeBytes: 0, number: 0, hash: NO_HASH, signed: undefined, tornBytes };
}

export function signedIn(entry: Entry): readonly Signed[] {
  if (entry.e !== 'signed') return [];
  return [{ number: entry.n - 1, hash: entry.before, signature: entry.signature }];
}

/** From that number on, oldest first; what is no entry is left out. */
export async function readEntries(disk: JournalDisk, from = 1): Promise<readonly Entry[]> {
  const entries: Entry[] = [];
  for (const name of await disk.list())
    for (const { text } of linesIn(await disk.read(name))) {
      const entry = entryIn(text);
      if (entry && entry.n >= from) entries.push(entry);
    }
  return entries;
}

/** What a look at the whole journal finds. */
export interface Verdict {
  /** The oldest that is kept; those before it made room. 0 where there is none. */
  readonly first: number;
  readonly last: number;
  /** Up to this number the node vouches for every byte; 0: for none. */
  readonly signedTo: number;
  /** Of an entry that a power cut left; harmless, and dropped by the next one. */
  readonly tornBytes: number;
  /** The first that is wrong, at that number; what comes after it isn't believed. */
  readonly problem: { readonly number: number; readonly kind: ProblemKind } | undefined;
}

export type ProblemKind =
  /** No entry: overwritten, or rotten. */
  | 'malformed'
  /** An entry is missing before it. */
  | 'missing'
  /** The one before it was changed. */
  | 'changed'
  /** Not the node's signature. */
  | 'signature';

/** Walks every entry: numbers, hashes, the node's signatures. Nothing vouches for what follows the last signature. */
export async function verify(disk: JournalDisk, publicKey: KeyObject): Promise<Verdict> {
  let verdict: Verdict = { first: 0, last: 0, signedTo: 0, tornBytes: 0, problem: undefined };
  let hash: string | undefined;
  for (const name of await disk.list()) {
    const bytes = await disk.read(name);
    const lines = linesIn(bytes);
    // Behind an end that has no line's end nothing can follow, but in a segment that was begun and not written.
    verdict = { ...verdict, tornBytes: verdict.tornBytes + bytes.length - (lines.at(-1)?.endBytes ?? 0) };
    for (const { text } of lines) {
      const entry = entryIn(text);
      const kind = problemOf(entry, verdict, hash, publicKey);
      if (kind || !entry)
        return { ...verdict, problem: { number: verdict.last + 1, kind: kind ?? 'malformed' } };
      const signedTo = signedIn(entry)[0]?.number ?? verdict.signedTo;
      verdict = { ...verdict, first: verdict.first || entry.n, last: entry.n, signedTo };
      hash = hashOf(text);
    }
  }
  return verdict;
}

function problemOf(
  entry: Entry | undefined,
  { last }: Verdict,
  hash: string | undefined,
  publicKey: KeyObject,
): ProblemKind | undefined {
  if (!entry) return 'malformed';
  if (last > 0 && entry.n !== last + 1) return 'missing';
  if (hash !== undefined && entry.before !== hash) return 'changed';
  if (entry.n === 1 && entry.before !== NO_HASH) return 'changed';
  if (entry.e !== 'signed') return undefined;
  const isSigned = isHeadSignedBy(
    Buffer.from(entry.before, 'hex'),
    Buffer.from(entry.signature, 'base64'),
    publicKey,
  );
  return isSigned ? undefined : 'signature';
}
