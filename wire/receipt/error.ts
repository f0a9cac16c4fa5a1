import type { CoseErrorKind } from '../cose.js';

export type ReceiptErrorKind =
  | CoseErrorKind
  | 'tooLarge'
  /** Signed well, by a later version. */
  | 'unknownVersion';

/** A receipt that can't be written or believed; `kind` is what to decide by. */
export class ReceiptError extends Error {
  override readonly name = 'ReceiptError';

  constructor(
    readonly kind: ReceiptErrorKind,
    what: string,
    options: { cause?: unknown } = {},
  ) {
    super(`receipt: ${what}`, options);
  }
}
