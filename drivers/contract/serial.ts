/** How a serial stream is cut into frames. Every frame has a bound; what exceeds it is dropped and counted. */
export interface SerialFraming {
  /**
   * `line`: up to LF, CR stripped. `nmea`: `$`/`!` … `*hh` CR LF; only frames whose checksum is right are given (whole, with `$` and
   * `*hh`). `cobs`: up to 0x00, decoded.
   */
  readonly kind: 'line' | 'nmea' | 'cobs';
  /** The longest frame in bytes, 1 to 4096. */
  readonly maxBytes: number;
}

export interface SerialFrame {
  /** When the chunk that ended the frame was read: CLOCK_BOOTTIME, ns. */
  readonly timeNs: bigint;
  readonly bytes: Uint8Array;
}

/** Running totals since open; each dropped byte or frame is in one of them. */
export interface SerialCounters {
  readonly bytes: number;
  readonly frames: number;
  /** Frames whose checksum was wrong. */
  readonly badChecksum: number;
  /** Frames longer than `maxBytes`. */
  readonly tooLong: number;
  /** Bytes outside any frame. */
  readonly strayBytes: number;
  /** How often the line went away and came back. */
  readonly reopens: number;
}

/** One serial line. The backend reopens it by its stable id when it goes away and comes back; the driver only sees state. */
export interface SerialPort {
  /** `/dev/serial/by-id/usb-…`, or the twin's name. */
  readonly where: string;
  /** Bits a second that the line is set to; absent where it has no rate, as a twin's. */
  readonly baud?: number;
  readonly counters: SerialCounters;
  /** Up to 4096 bytes; resolves when the kernel has taken them. */
  write(bytes: Uint8Array): Promise<void>;
  /**
   * One listener a port. `onFrames` gets whole frames, oldest first; `onState(undefined)` when the line is open, with a HalError
   * when it went away. The returned function stops listening.
   */
  listen(
    onFrames: (frames: readonly SerialFrame[]) => void,
    onState: (error: Error | undefined) => void,
  ): () => void;
  close(): Promise<void>;
}
