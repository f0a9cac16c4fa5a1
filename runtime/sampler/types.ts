import type { HalErrorKind, Rows, StreamDeclaration } from '../../drivers/contract/index.js';
import type { ChannelCorrection } from '../calibration/index.js';

/** A stream in the pipe under its full name. */
export interface SamplerStream extends StreamDeclaration {
  /** Full name: `climate`, `gps.sky`. */
  readonly name: string;
  readonly title: string;
  readonly partId: string;
  /** False: for fusion only. */
  readonly keep: boolean;
  /** Committed within a second. */
  readonly live?: boolean;
}

/** Rows as a driver gives them, before anything is done to them; whoever keeps them copies them. */
export type OnRaw = (stream: SamplerStream, rows: Rows) => void;

/** What corrects a part's rows now; asked when the part is opened, and when it is told to look again. */
export type CorrectionsOf = (partId: string) => readonly ChannelCorrection[];

/** `lent`: somebody looks at its port or its line, which is no fault; it starts anew afterwards. */
export type PartState = 'starting' | 'ok' | 'failing' | 'missing' | 'lent';

export interface PartStatus {
  readonly id: string;
  readonly where: string;
  readonly state: PartState;
  readonly intervalMs: number | undefined;
  /** Rows given, faults not counted. */
  readonly samples: number;
  readonly failures: number;
  /** Periods that passed without a sample. */
  readonly missed: number;
  readonly lastError: string | undefined;
  readonly lastErrorKind: HalErrorKind | undefined;
  readonly lastGoodNs: bigint | undefined;
}

/** Commands that flow back: a bounded inbox that is drained between ticks. */
export type SamplerCommand =
  | { readonly kind: 'setMotion'; readonly state: 'still' | 'moving' }
  /** Somebody looks at the part: its next sample is taken at once. Of one that speaks by itself nothing is asked. */
  | { readonly kind: 'sample'; readonly partId: string }
  /** Its calibrations are other ones. */
  | { readonly kind: 'recalibrate'; readonly partId: string };

export type Lend = <T>(
  partId: string,
  forMs: number,
  work: (signal: AbortSignal) => Promise<T>,
) => Promise<T>;

export interface Sampler {
  /** Rows come out under full stream names, each stream after it was declared. */
  start(): void;
  /** False when the inbox is full and the command was dropped. */
  send(command: SamplerCommand): boolean;
  status(): readonly PartStatus[];
  /**
   * Stops a part, closes its port or line, and runs `work`; then, whatever came of it, the part starts anew. `work` is told by its signal when its
   * time is over (`forMs`, 60,000 at most) or the sampler stops; a second later the part starts, whether `work` has ended or not. Rejects with HalError
   * `invalid` where there is no such part, `busy` where it is lent already, and with whatever `work` rejects with.
   */
  lend: Lend;
  /**
   * Ticks have stopped: each part that has one to come is late with it by over 30 s. A tick that fails comes back in time, whatever its part,
   * bus or the disk does; so this is a fault of the program.
   */
  isStuck(): boolean;
  stop(): Promise<void>;
}
