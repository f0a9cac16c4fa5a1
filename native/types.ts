/** Shapes of what crosses into C. Nothing here imports anything of the project: native is a leaf. */

/** How a column is kept; the same shapes as the contract's ChannelType, without labels. */
export type ColumnType =
  | { readonly kind: 'f64' }
  | { readonly kind: 'decimal'; readonly scale: number }
  | { readonly kind: 'int' }
  | { readonly kind: 'enum' }
  | { readonly kind: 'utf8' }
  | { readonly kind: 'bytes' };

export interface NativeBlockHeader {
  /** 16 hex digits, lower case. */
  readonly node: string;
  /** 16 hex digits, lower case. */
  readonly epoch: string;
  /** 1 to 49 bytes of [a-z0-9.-]. */
  readonly stream: string;
  /** 0 to 2^53 - 1. */
  readonly first: number;
  /** 0 to 2^32 - 1. */
  readonly boot: number;
  /** 0 to 65535. */
  readonly descriptorVersion: number;
}

/** Columns as the pipe passes them: row-major, as drivers/contract's Rows. 1 to 4096 rows, 1 to 64 columns. */
export interface NativeRows {
  readonly timesNs: BigInt64Array;
  readonly values: Float64Array;
  readonly quality: Uint8Array;
  readonly texts?: readonly (string | Uint8Array | undefined)[];
}

export interface DecodedHeader extends NativeBlockHeader {
  readonly count: number;
  /** Of the whole block, CRC included. */
  readonly byteLength: number;
  /** CRC-32C over all before it. */
  readonly crc: number;
}

export interface DecodedBlock extends NativeRows {
  readonly header: DecodedHeader;
  readonly columns: readonly ColumnType[];
}

export const DECODE_ERROR_KINDS = [
  'short', // the bytes end before the block does
  'badMagic', // no block starts here
  'badVersion', // a format version that this decoder doesn't know
  'badCrc',
  'badHeader', // a field is out of its bounds
  'badColumn', // a column is malformed, or the columns don't fill the block
  'tooLarge', // it says that it is over 1 MiB
] as const;

export type DecodeErrorKind = (typeof DECODE_ERROR_KINDS)[number];

export type FrameKind = 'line' | 'nmea' | 'cobs';

/** Since the framer was made. */
export interface FramerCounters {
  bytes: number;
  frames: number;
  /** nmea: a wrong or missing checksum, or no line end after it; cobs: a frame that is cut. */
  badChecksum: number;
  /** Frames dropped for their length. */
  tooLong: number;
  /** nmea: bytes outside a sentence, the tail of one too long, and the head of one that a new `$` cut off. */
  strayBytes: number;
}

/** Cuts a byte stream into bounded frames; its memory is taken once, at creation. */
export interface Framer {
  /** Whole frames found in the bytes so far, oldest first, each a copy. */
  push(chunk: Uint8Array): Uint8Array[];
  /** Forgets a half frame (after a line went away). */
  reset(): void;
  readonly counters: FramerCounters;
}

export interface GpioChipInfo {
  readonly path: string;
  readonly name: string;
  readonly label: string;
  readonly lines: number;
}

export interface GpioLineInfo {
  readonly offset: number;
  readonly name: string;
  readonly consumer: string;
  readonly used: boolean;
}

export interface NativeGpioRequest {
  readonly offset: number;
  readonly direction: 'in' | 'out';
  readonly activeLow: boolean;
  readonly bias: 'asIs' | 'disabled' | 'pullUp' | 'pullDown';
  readonly debounceUs: number;
  readonly edges: boolean;
  readonly consumer: string;
}

export interface NativeGpioLine {
  read(): 0 | 1;
  write(level: 0 | 1): void;
  close(): void;
}

export interface ClockPair {
  readonly bootNs: bigint;
  readonly wallNs: bigint;
  /** Half the time that the pair took to read. */
  readonly uncertaintyNs: bigint;
}

export interface ClockSync {
  /** The kernel says that its clock is disciplined (adjtimex: not TIME_ERROR, not STA_UNSYNC). */
  readonly synchronised: boolean;
  /** The kernel's bound on its error, and what it is still slewing, ns. */
  readonly maxErrorNs: bigint;
  readonly estimatedErrorNs: bigint;
}

export interface OrientationOptions {
  readonly axes: 6 | 9;
  /** Expected, Hz, 1 to 10,000; the times of the samples are what counts. */
  readonly sampleRateHz: number;
}

/** Orientation of the body in the earth frame (ENU): quaternions w, x, y, z. Batches; nothing is allocated. */
export interface Orientation {
  /**
   * n samples. gyro: rad/s, n × 3. accel: m/s², n × 3. mag: any unit, n × 3, or undefined. out: n × 4 (w, x, y, z).
   * Samples with a NaN are skipped: the last orientation is repeated.
   */
  update(
    timesNs: BigInt64Array,
    gyro: Float64Array,
    accel: Float64Array,
    mag: Float64Array | undefined,
    out: Float64Array,
  ): void;
  reset(): void;
}

export interface MotionOptions {
  /** RMS distance of the acceleration vector from its mean, over a second, below which it is still, m/s². */
  readonly stillMps2: number;
  /** |a| above which it is a shock, m/s². */
  readonly shockMps2: number;
  /** |a| below which it is free fall, m/s², for at least freeFallMs. */
  readonly freeFallMps2: number;
  readonly freeFallMs: number;
  /** Stillness for this long is the no-motion alarm, ms; 0 is never. */
  readonly noMotionMs: number;
}

export const MOTION_STATES = ['unknown', 'still', 'moving'] as const;
export const MOTION_EVENTS = ['still', 'moving', 'shock', 'freeFall', 'noMotion', 'motionAgain'] as const;

/** Motion state on batches; events come out with the time of the sample that made them. Nothing is allocated. */
export interface Motion {
  /**
   * n samples of acceleration, n × 3, m/s² (gravity included). Writes up to `eventTimesNs.length` events and returns how many; further
   * ones in the same batch are counted in `droppedEvents`. eventCodes: index into MOTION_EVENTS; eventPeaks: |a| of the event, m/s².
   */
  update(
    timesNs: BigInt64Array,
    accel: Float64Array,
    eventTimesNs: BigInt64Array,
    eventCodes: Uint8Array,
    eventPeaks: Float64Array,
  ): number;
  /** Index into MOTION_STATES. */
  readonly state: number;
  readonly droppedEvents: number;
  reset(): void;
}
