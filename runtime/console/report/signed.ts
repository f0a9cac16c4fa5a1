import { createHash, type KeyObject } from 'node:crypto';
import * as v from 'valibot';
import { keyIdOf } from '../../../wire/index.js';
import { EVENT_MAX_BYTES } from '../../events.js';
import { isHeadSignedBy } from '../../head-signature.js';
import { type Canonical, canonicalJson } from './canonical.js';
import { withFewerCommands } from './content.js';
import type { Report } from './types.js';

/** Of `{"report":…,"sha256":…,"signature":…}` beside the report. */
const AROUND_BYTES = 256;

/** The report so short that it fits an event with its signature, its canonical form, and SHA-256 over the UTF-8 of that. */
export interface Sealed {
  readonly report: Report;
  readonly json: string;
  readonly sha256: Buffer;
}

export function seal(report: Report): Sealed {
  const json = canonicalJson(report);
  if (Buffer.byteLength(json) <= EVENT_MAX_BYTES - AROUND_BYTES)
    return { report, json, sha256: createHash('sha256').update(json).digest() };
  const shorter = withFewerCommands(report);
  if (!shorter) throw new Error(`the report has more than ${EVENT_MAX_BYTES} bytes`);
  return seal(shorter);
}

/** As it is kept and sent: one line. Without a signature it is nobody's word. */
export function signedText({ json, sha256 }: Sealed, signature: Uint8Array | undefined): string {
  const text = signature ? `"${Buffer.from(signature).toString('base64')}"` : 'null';
  return `{"report":${json},"sha256":"${sha256.toString('hex')}","signature":${text}}`;
}

const SIGNED = v.object({
  report: v.looseObject({ version: v.number(), node: v.string() }),
  sha256: v.string(),
  signature: v.nullable(v.string()),
});

export type ReportProblem = 'malformed' | 'changed' | 'unsigned' | 'signature' | 'otherNode' | 'version';

/** What is wrong with a signed report, or the report itself: by this node's key, and not a byte of what it says was changed. */
export function openSigned(
  text: string,
  key: KeyObject,
): { readonly report: Report } | { readonly problem: ReportProblem } {
  const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), SIGNED), text);
  if (!parsed.success) return { problem: 'malformed' };
  const { report, sha256, signature } = parsed.output;
  const hash = hashOf(report as Canonical);
  if (hash?.toString('hex') !== sha256) return { problem: 'changed' };
  if (signature === null) return { problem: 'unsigned' };
  if (!isHeadSignedBy(hash, Buffer.from(signature, 'base64'), key, 'report')) return { problem: 'signature' };
  if (report.node !== keyIdOf(key)) return { problem: 'otherNode' };
  return report.version === 1 ? { report: report as unknown as Report } : { problem: 'version' };
}

/** Undefined for what has no canonical form. */
function hashOf(report: Canonical): Buffer | undefined {
  try {
    return createHash('sha256').update(canonicalJson(report)).digest();
  } catch {
    return undefined;
  }
}
