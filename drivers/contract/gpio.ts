/** A run of edges of one line, oldest first. */
export interface GpioEdges {
  /** Time of each edge: CLOCK_BOOTTIME, ns. The kernel's own stamp where the backend has one. */
  readonly timesNs: BigInt64Array;
  /** 1 where the line became active (logical level, after `activeLow`), 0 where it became inactive. */
  readonly rising: Uint8Array;
  /**
   * Edges that the kernel or the backend dropped since the run before: holes in the line's sequence numbers. A line whose `edgeTime` is
   * `user` has no numbers: there it is what is sure to be missing, at least, and 0 does not mean none.
   */
  readonly lost: number;
}

export type GpioBias = 'asIs' | 'disabled' | 'pullUp' | 'pullDown';

export interface GpioLineOptions {
  readonly direction: 'in' | 'out';
  readonly activeLow: boolean;
  readonly bias: GpioBias;
  /** µs for which the level must hold before an edge counts; 0 is none. At most 1,000,000. */
  readonly debounceUs: number;
}

/** One requested GPIO line. Levels are logical: 1 is active. Every method rejects with a HalError naming chip and line. */
export interface GpioLine {
  /** `gpiochip0 17 (GPIO17)` */
  readonly where: string;
  /** Where edge times come from. `user` times are later than the edge by the wake-up latency. */
  readonly edgeTime: 'kernel' | 'user';
  read(): Promise<0 | 1>;
  /** `unsupported` on an input. */
  write(level: 0 | 1): Promise<void>;
  /** Starts edge detection on both edges; one listener a line. The returned function stops it. */
  watch(onEdges: (edges: GpioEdges) => void, onError: (error: Error) => void): Promise<() => Promise<void>>;
  close(): Promise<void>;
}
