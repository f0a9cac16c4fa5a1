import { HalError, type HalErrorKind } from '../../drivers/contract/index.js';

type Meaning = readonly [kind: HalErrorKind, what: string, hint?: string];

/** What the kernel's numbers mean on any device; the kernel's own list for I2C is Documentation/i2c/fault-codes.rst. */
const GENERAL: Readonly<Record<string, Meaning>> = {
  ENOENT: [
    'absent',
    'there is no such device',
    'is it plugged in, and its bus switched on in the boot config?',
  ],
  ENODEV: ['absent', 'the device is gone'],
  EACCES: ['denied', 'this user may not open it'],
  EPERM: ['denied', 'this user may not open it'],
  EBUSY: ['busy', 'someone else holds it'],
  ETIMEDOUT: ['timeout', 'no answer in time'],
  ENOTSUP: ['unsupported', 'the kernel driver of this device cannot do that'],
  EOPNOTSUPP: ['unsupported', 'the kernel driver of this device cannot do that'],
  ENOSYS: ['unsupported', 'the kernel driver of this device cannot do that'],
  ENOTTY: ['unsupported', 'it is not a device of this kind'],
  EINVAL: ['invalid', 'the kernel refuses these arguments'],
};

/** Numbers that Node has no name for: it gives an error without a `code`. EREMOTEIO is the NACK of a Raspberry Pi's I2C. */
const UNNAMED: Readonly<Record<number, string>> = { 121: 'EREMOTEIO' };

/** The errno's name, where the error came from the kernel. */
export function errnoName(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null) return undefined;
  if ('code' in error && typeof error.code === 'string' && error.code !== '') return error.code;
  if ('errno' in error && typeof error.errno === 'number') return UNNAMED[Math.abs(error.errno)];
  return undefined;
}

/** Any failure of a backend as a HalError: by errno, never by its text. A HalError stays what it is. */
export function toHalError(
  error: unknown,
  where: string,
  special: Readonly<Record<string, Meaning>> = {},
): HalError {
  if (error instanceof HalError) return error;
  const code = errnoName(error);
  const meaning = code === undefined ? undefined : (special[code] ?? GENERAL[code]);
  if (!meaning) {
    const text = error instanceof Error ? error.message : String(error);
    return new HalError('io', where, text, { cause: error });
  }
  const [kind, what, hint] = meaning;
  return new HalError(kind, where, `${what} [${code}]`, { cause: error, ...(hint ? { hint } : {}) });
}

/** The text of anything thrown. */
export function errorText(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
