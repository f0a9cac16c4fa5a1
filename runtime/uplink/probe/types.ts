import type { NodeId } from '../../../wire/index.js';
import type { RuntimeClock } from '../../clock/types.js';
import type { UplinkConfig } from '../../config/types.js';
import type { LinkFailure, LinkFailureKind } from '../failure.js';
import type { Interfaces } from '../link-class.js';
import type { AskAll } from '../resolver.js';

/** What a message passes on its way, in this order. */
export const PROBE_STEPS = ['interface', 'dns', 'tcp', 'tls', 'mqtt', 'publish'] as const;
export type ProbeStep = (typeof PROBE_STEPS)[number];

/** `noNetwork`: no interface has an address. `notTaken`: the broker answers the message with a code that refuses it. */
export type ProbeFailureKind = LinkFailureKind | 'noNetwork' | 'notTaken';

export interface ProbeResult {
  readonly step: ProbeStep;
  readonly outcome: 'ok' | 'failed' | 'notReached';
  /** How long it took, whole milliseconds. */
  readonly ms: number;
  /** For people: what was seen. */
  readonly text: string;
  /** Of one that failed. */
  readonly kind?: ProbeFailureKind;
}

/** Bytes of the test's own connections, TLS included, headers of TCP and IP not. */
export interface ProbeCost {
  readonly sentBytes: number;
  readonly receivedBytes: number;
}

/** The machine, as far as a test needs it; a test of the test brings its own. */
export interface ProbePorts {
  readonly clock: Pick<RuntimeClock, 'nowNs' | 'after'>;
  /** This machine's clock, ms since 1970, right or wrong. */
  wallMs(): number;
  readonly interfaces: Interfaces;
  /** By which interface packets leave that nothing else claims; undefined where there is none, or nobody can tell. */
  defaultInterface(): string | undefined;
  /** One question at a time: each that hangs holds a thread of the pool. */
  readonly askAll: AskAll;
}

export interface ProbeOptions {
  readonly config: UplinkConfig;
  readonly node: NodeId;
  readonly ports: ProbePorts;
  /** Of each step; 10,000 unless said. */
  readonly deadlineMs?: number;
  /** Cuts the connection; nothing more is told. */
  readonly signal?: AbortSignal;
}

/** Why a step did not get through. */
export class ProbeError extends Error {
  override readonly name = 'ProbeError';

  constructor(
    readonly kind: ProbeFailureKind,
    text: string,
  ) {
    super(text);
  }

  static of({ kind, text }: LinkFailure, more = ''): ProbeError {
    return new ProbeError(kind, text + more);
  }
}
