import type { SenmlRecord } from '../../wire/index.js';
import type { HeardHealth, Incoming } from '../store/index.js';

/**
 * One message as it came. Topics are those of docs/wire-format.md, 3, and two of the fleet's own: `senml/<sender>` (a pack of another maker)
 * and `tracker/<id>` (a line of a small tracker).
 */
export interface Message {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly receivedMs: number;
}

/** Why a message isn't taken. What it says is never stored as true. */
export const REFUSALS = [
  'topic', // none that anything comes under
  'topicMismatch', // a block or a pack that is another's than its topic's
  'tooLarge',
  'undecodable', // a fault of the decoder's
  ...['short', 'badMagic', 'badVersion', 'badCrc', 'badHeader', 'badColumn'], // blocks (docs/wire-format.md, 1.9)
  'notice',
  'status',
  'health', // of a status that is taken all the same
  'senml', // not a pack, or one that RFC 8428 forbids
  'senmlVersion',
  'senmlUnknownField', // a field that must be understood (its name ends in _)
  'senmlTime',
  'unknownUnit',
  'unitMismatch', // not the unit that the channel had
  'senmlBesideBlocks', // a node's pack of rows that come as blocks too
  'line', // a tracker's line that isn't one, or whose checksum is wrong
  'storeRefused', // the store has no room for it, or it isn't what a node writes
  'deadLetter', // the store fails on it and on nothing else
  'deadLetterFull',
] as const;
export type RefusalCause = (typeof REFUSALS)[number];

export interface Rows {
  readonly kind: 'rows';
  readonly incoming: readonly Incoming[];
  /** Meta records that no version writes; their block is taken. */
  readonly damagedRecords?: number;
}

/** An alarm that its node's disk doesn't take (docs/wire-format.md, 7): shown at once, and perhaps twice. */
export interface Notice {
  readonly kind: 'notice';
  readonly node: string;
  readonly stream: string;
  readonly records: readonly SenmlRecord[];
}

export interface Status {
  readonly kind: 'status';
  readonly node: string;
  /** Without `health`. */
  readonly fields: Readonly<Record<string, unknown>>;
  readonly health?: HeardHealth;
  /** It said something of its health that no node says. */
  readonly isHealthDamaged?: true;
}

export interface Refusal {
  readonly kind: 'refusal';
  readonly cause: RefusalCause;
  readonly text: string;
}

/** `nothing`: what `cairn uplink test` publishes. */
export type Decoded = Rows | Notice | Status | Refusal | { readonly kind: 'nothing' };

/** Thrown within the decoders, never out of `decodeMessage`. */
export class Refused extends Error {
  override readonly name = 'Refused';

  constructor(
    readonly kind: RefusalCause,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
