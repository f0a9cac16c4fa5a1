/**
 * What can be wrong with a node, the deepest cause first: what stands further up may have what stands below it for a consequence, and is named
 * before it. docs/console.md has a line for each.
 */
export const FINDING_KINDS = [
  'config.wrong',
  'config.crashes',
  'config.reverted',
  'machine.underVoltage',
  'disk.readOnly',
  'disk.full',
  'disk.failing',
  'machine.hot',
  'machine.memory',
  'process.absent',
  'process.watchdog',
  'process.ended',
  'bus.stuck',
  'part.address',
  'part.baud',
  'part.missing',
  'part.failing',
  'gnss.antenna',
  'network.down',
  'time.unset',
  'uplink.dns',
  'uplink.certificate',
  'uplink.refused',
  'uplink.down',
  'uplink.receipts',
  'flash.worn',
  'store.quota',
  'store.lost',
] as const;
export type FindingKind = (typeof FINDING_KINDS)[number];

/** One thing that isn't right, with what shows it. Deterministic: the same facts give the same findings. */
export interface Finding {
  readonly kind: FindingKind;
  /** A part's id, a bus, `uplink`, `store`, `time`, `machine`, `node`. */
  readonly about: string;
  /** What is wrong, in one line. */
  readonly what: string;
  /** Since when, CLOCK_BOOTTIME ns of this boot; undefined where nobody knows. */
  readonly sinceNs?: bigint;
  /** Counters, the last error, addresses: what a person can check. */
  readonly evidence: readonly string[];
  /** The next thing to do with hands. */
  readonly todo: string;
  /** Kinds whose presence explains this one: it is then shown as what they break. */
  readonly dueTo?: readonly FindingKind[];
}

/** A cause, with what follows from it. */
export interface Cause extends Finding {
  readonly breaks: readonly Finding[];
}
