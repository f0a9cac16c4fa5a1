import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { CommandError, EXIT } from '../command.js';
import type { Secrets } from './secrets.js';
import { type TarFile, tarOf } from './tar.js';

/** Of the whole, before it is compressed. */
export const BUNDLE_DEFAULT_BYTES = 2_000_000;
/** What the list of files and each file's header take. */
const AROUND_BYTES = 64 * 1024;

export interface BundleFile {
  readonly name: string;
  readonly text: string;
  /** A line an event, oldest first: what is too much goes from the top. Anything else is whole or left out. */
  readonly isLines: boolean;
}

export interface LeftOut {
  readonly name: string;
  readonly why: string;
}

export interface Contents {
  /** The most important first. */
  readonly files: readonly BundleFile[];
  readonly leftOut: readonly LeftOut[];
  readonly secrets: Secrets;
  /** Of the manifest: whose, when, by whom. */
  readonly about: Readonly<Record<string, unknown>>;
}

/** A gzipped tar, at most `maxBytes` before it is compressed, with `manifest.json` first. Throws CommandError where a secret is still in it. */
export function packed(
  { files, leftOut, secrets, about }: Contents,
  maxBytes: number,
  timeS: number,
): Buffer {
  const clean = files.map((file) => ({ ...file, text: secrets.redact(file.text) }));
  const kept = bounded(clean, maxBytes - AROUND_BYTES);
  const manifest = {
    ...about,
    ...{ maxBytes, secretsTooShortToLookFor: secrets.tooShort },
    files: kept.files.map(({ name, text, cut }) => ({ name, ...digest(text), ...(cut ? { cut } : {}) })),
    leftOut: [...leftOut, ...kept.leftOut],
  };
  const all = [
    { name: 'manifest.json', text: secrets.redact(`${JSON.stringify(manifest, null, 1)}\n`) },
    ...kept.files,
  ];
  const bytes = all.map(({ name, text }) => ({ name, bytes: Buffer.from(text) }));
  for (const file of bytes) refuseLeak(file, secrets);
  return gzipSync(tarOf(bytes, timeS), { level: 9 });
}

/** The last look, at what is to leave, as bytes. */
export function refuseLeak({ name, bytes }: TarFile, secrets: Secrets): void {
  const leak = secrets.leakIn(bytes) ?? secrets.leakIn(Buffer.from(name));
  if (leak === undefined) return;
  throw new CommandError(
    EXIT.internal,
    `no bundle was made: its ${name} would hold a secret (${leak}); please report this`,
  );
}

function digest(text: string) {
  return { bytes: Buffer.byteLength(text), sha256: createHash('sha256').update(text).digest('hex') };
}

interface Kept {
  readonly name: string;
  readonly text: string;
  readonly cut?: string;
}

/** What is whole goes in first; what are lines then share what is left, each as far back as it goes. */
function bounded(files: readonly BundleFile[], maxBytes: number) {
  const kept: Kept[] = [];
  const leftOut: LeftOut[] = [];
  let left = maxBytes;
  const lines = files.filter(({ isLines }) => isLines);
  for (const { name, text } of files.filter(({ isLines }) => !isLines)) {
    const bytes = Buffer.byteLength(text);
    if (bytes > left) leftOut.push({ name, why: `${bytes} bytes: there was no room for it` });
    else {
      kept.push({ name, text });
      left -= bytes;
    }
  }
  for (const [i, { name, text }] of lines.entries()) {
    const file = newest(name, text, Math.floor(left / (lines.length - i)));
    kept.push(file);
    left -= Buffer.byteLength(file.text);
  }
  return { files: kept, leftOut };
}

/** The last lines that fit. */
function newest(name: string, text: string, maxBytes: number): Kept {
  const lines = text.split(/(?<=\n)/);
  let [from, bytes] = [lines.length, 0];
  while (from > 0 && bytes + Buffer.byteLength(lines[from - 1]!) <= maxBytes)
    bytes += Buffer.byteLength(lines[--from]!);
  if (from === 0) return { name, text };
  return {
    name,
    text: lines.slice(from).join(''),
    cut: `the ${from} oldest of ${lines.length} lines had no room`,
  };
}
