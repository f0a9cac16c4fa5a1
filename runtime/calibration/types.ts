/** How a calibration was found; each has its own guide and its own quality. */
export const CALIBRATION_KINDS = ['twoPoint', 'sixPositions', 'ellipsoid'] as const;
export type CalibrationKind = (typeof CALIBRATION_KINDS)[number];

/** What is done to a reading: true = matrix × (raw - offset), in the channels' unit. */
export interface Correction {
  /** One value a channel. */
  readonly offset: readonly number[];
  /** Square, row by row, without unit. */
  readonly matrix: readonly number[];
}

/** How good it is: figures by name, the unit last; which, is said where each kind is computed. */
export type Quality = Readonly<Record<string, number>>;

export interface Solution extends Correction {
  readonly quality: Quality;
}

/** A correction of named channels of one stream, in use. */
export interface ChannelCorrection extends Correction {
  /** Full name: `climate`. */
  readonly stream: string;
  /** One, or the three axes in their order. */
  readonly channels: readonly string[];
  /** Names it for good, in descriptors and events: its number and the beginning of its SHA-256, `3-9f1c2a4b`. */
  readonly mark: string;
}

/** What can't make a calibration: the text says why and what to do. */
export class CalibrationError extends Error {
  override readonly name = 'CalibrationError';
}
