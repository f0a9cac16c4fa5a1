/**
 * locked: another process has the store open. newerFormat: a later runtime wrote it. foreignNode: it belongs to another node.
 * damaged: its database isn't whole, and who looks at a stopped store doesn't repair it. io: the disk or the file system failed.
 * invalid: the caller gave what can't be. closed: used after close().
 */
export type StoreErrorKind =
  | 'locked'
  | 'newerFormat'
  | 'foreignNode'
  | 'damaged'
  | 'io'
  | 'invalid'
  | 'closed';

/** What happened, where, what to do; whoever handles it looks at `kind`. */
export class StoreError extends Error {
  override readonly name = 'StoreError';

  constructor(
    readonly kind: StoreErrorKind,
    readonly where: string,
    what: string,
    options: { cause?: unknown; hint?: string } = {},
  ) {
    super(`${where}: ${what}${options.hint ? ` (${options.hint})` : ''}`, { cause: options.cause });
  }
}

/** An error's text with those of its causes, for logs and `health`. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = 'code' in error && typeof error.code === 'string' ? `${error.code}: ` : '';
  return `${code}${error.message}${error.cause === undefined ? '' : ` ← ${reasonOf(error.cause)}`}`;
}
