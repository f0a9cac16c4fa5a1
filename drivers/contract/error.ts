/**
 * The closed set of things that go wrong between a driver and its part. Whoever handles an error looks at `kind`,
 * never at the text; the text is for people.
 */
export const HAL_ERROR_KINDS = [
  'noAcknowledge', // nobody answered at the address, or a data byte was refused
  'busStuck', // a line is held low: no transfer is possible on the whole bus
  'arbitrationLost', // another controller took the bus
  'timeout', // no answer within the stated time
  'absent', // the device node, chip, line or bus isn't there
  'disconnected', // it was there and went away
  'busy', // someone else holds it (a kernel driver, another process)
  'denied', // the process may not open it
  'wrongPart', // something answers, but its identity is another one
  'badCrc', // a checksum doesn't match
  'badFrame', // a frame has the wrong shape or length
  'badData', // well-formed, but no possible value of this part
  'lostConfiguration', // registers read back differ from what was written (a brown-out)
  'notReady', // the part has no new value yet
  'overrun', // data was lost before it could be read
  'unsupported', // this backend can't do what is asked
  'invalid', // the caller asked for something out of bounds
  'io', // any other failure of the kernel or the device
] as const;

export type HalErrorKind = (typeof HAL_ERROR_KINDS)[number];

/** What a part was to say of itself and what it said, each in a few words: `BME280 (chip id 0x60)`, `chip id 0x58 (BMP280)`. */
export interface Mismatch {
  readonly expected: string;
  readonly found: string;
}

/** What every backend and driver throws: what happened, where (bus, address, line), and what to do about it. */
export class HalError extends Error {
  override readonly name = 'HalError';
  /** Where the kind is `wrongPart`. */
  readonly mismatch: Mismatch | undefined;

  constructor(
    readonly kind: HalErrorKind,
    /** Bus and address, chip and line, or device path: `i2c-1 0x76`, `gpiochip0 17`, `/dev/ttyUSB0`. */
    readonly where: string,
    what: string,
    options: { cause?: unknown; hint?: string; mismatch?: Mismatch } = {},
  ) {
    super(`${where}: ${what}${options.hint ? ` (${options.hint})` : ''}`, { cause: options.cause });
    this.mismatch = options.mismatch;
  }
}

/** The error's kind, or `io` for anything that isn't a HalError. */
export function halErrorKind(error: unknown): HalErrorKind {
  return error instanceof HalError ? error.kind : 'io';
}
