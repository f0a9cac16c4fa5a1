import type {
  ClockPair,
  ClockSync,
  ColumnType,
  DecodedBlock,
  DecodedHeader,
  FrameKind,
  Framer,
  GpioChipInfo,
  GpioLineInfo,
  Motion,
  MotionOptions,
  NativeBlockHeader,
  NativeGpioLine,
  NativeGpioRequest,
  NativeRows,
  Orientation,
  OrientationOptions,
} from './types.js';

/** What native/index.ts exports; one function or class each, all errors thrown as Error with `code`. */
export interface NativeApi {
  /**
   * Seals rows into one block. Deterministic: the same rows give the same bytes. Throws a RangeError naming column and row where one
   * can't be kept (`code`: badRows, badColumns, badHeader, badStream, badSequence, badQuality, badValue, badText, tooLarge). Values of
   * quality fault are not looked at. A lone surrogate in a text becomes U+FFFD.
   */
  encodeBlock(header: NativeBlockHeader, columns: readonly ColumnType[], rows: NativeRows): Uint8Array;
  /** The header and the length of the block that starts at `offset`, CRC checked. Throws DecodeError (`kind`). */
  decodeHeader(bytes: Uint8Array, offset?: number): DecodedHeader;
  decodeBlock(bytes: Uint8Array, offset?: number): DecodedBlock;
  /** CRC-32C (Castagnoli), start at 0. */
  crc32c(bytes: Uint8Array, seed?: number): number;
  /** Without the 0x00 that ends a frame on a line. At most 2 MiB. */
  cobsEncode(bytes: Uint8Array): Uint8Array;
  /** Throws (`code` badCobs) on what no encoder makes. */
  cobsDecode(bytes: Uint8Array): Uint8Array;
  /** maxBytes: the longest frame, 1 to 2^20. */
  createFramer(kind: FrameKind, maxBytes: number): Framer;
  /** CLOCK_BOOTTIME, ns. */
  bootTimeNs(): bigint;
  /** CLOCK_BOOTTIME and CLOCK_REALTIME as close together as can be had. */
  clockPair(): ClockPair;
  clockSync(): ClockSync;
  gpioChips(): readonly GpioChipInfo[];
  gpioLines(chipPath: string): readonly GpioLineInfo[];
  /** onEdges runs on the main thread; times are CLOCK_BOOTTIME ns; `lost` counts holes in the kernel's line sequence numbers. */
  gpioOpen(
    chipPath: string,
    request: NativeGpioRequest,
    onEdges?: (timesNs: BigInt64Array, rising: Uint8Array, lost: number) => void,
    onError?: (error: Error) => void,
  ): NativeGpioLine;
  createOrientation(options: OrientationOptions): Orientation;
  createMotion(options: MotionOptions): Motion;
  /**
   * One datagram to a service manager (sd_notify(3)); never waits. address: an absolute path, or `@` and an abstract name. state: lines of
   * `NAME=value`, at most 1023 bytes. Throws with `code`: EAGAIN where it doesn't read, ENOENT or ECONNREFUSED where it is gone.
   */
  notify(address: string, state: string): void;
  /**
   * Lets the kernel have back the pages of files that this process has mapped (madvise(2), MADV_PAGEOUT), where the path begins with
   * `prefix`, at most 4095 bytes, and ends in `suffix`: what is read again comes from the file again. Bytes of their mappings; 0 as well
   * from a kernel before Linux 5.4, which can't.
   */
  pageOut(prefix: string, suffix: string): number;
}
