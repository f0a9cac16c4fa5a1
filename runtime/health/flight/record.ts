import type { StreamClass } from '../../../drivers/contract/index.js';
import type { StoreConfig, UplinkConfig } from '../../config/index.js';

/** What a node was told to be, as far as its faults may depend on it; no names, no addresses, no secrets. */
export interface FlightShape {
  readonly store: Omit<StoreConfig, 'path' | 'places'>;
  readonly uplink?: Pick<
    UplinkConfig,
    | 'protocol'
    | 'payloads'
    | 'backlog'
    | 'window'
    | 'pubackDeadlineMs'
    | 'keepAliveS'
    | 'backoffMinMs'
    | 'backoffMaxMs'
  > & { readonly custody: 'fleet' | 'broker' };
  readonly parts: readonly {
    readonly id: string;
    readonly class?: StreamClass;
    readonly intervalMs?: number;
    readonly live?: boolean;
  }[];
}

/** What went on in a second, where anything did; in up to half a minute, where all went as it should. */
export interface FlightSecond {
  /** Rows by stream. */
  readonly rows?: Readonly<Record<string, number>>;
  /** Rows by stream and cause, as `climate quota`. */
  readonly gaps?: Readonly<Record<string, number>>;
  /** By part: why its samples failed. */
  readonly faults?: Readonly<Record<string, string>>;
  /** Batches that the disk took, and the longest of them. */
  readonly commits?: number;
  readonly commitMs?: number;
  /** Written to the disk by then, in this process's life; diskBytes: what the store takes there. */
  readonly bytesWritten?: number;
  readonly diskBytes?: number;
  /** Rows that wait for the disk, where it refuses. */
  readonly waitingRows?: number;
  /** Answers of the broker by reason code; `stray`: to nothing that was asked. */
  readonly answers?: Readonly<Record<string, number>>;
  /** The longest that the event loop was late, where over 100 ms. */
  readonly lateMs?: number;
  readonly residentBytes?: number;
  /** Events that were too many in the second before, and are not in the record. */
  readonly left?: number;
}

/** One line of a flight record. Times are of the boot clock. */
export type FlightEvent =
  | {
      readonly e: 'start';
      readonly software: string;
      readonly shape: FlightShape;
      readonly afterDump: boolean;
    }
  | { readonly e: 'stream'; readonly stream: string; readonly class: string }
  | ({ readonly e: 'second' } & FlightSecond)
  /** The disk refused; `on`: the call, `code`: ENOSPC, EROFS, EIO or another. */
  | { readonly e: 'disk'; readonly on: string; readonly code: string; readonly ms: number }
  | { readonly e: 'repair'; readonly ok: boolean }
  | { readonly e: 'link'; readonly is: 'try' | 'online' }
  | { readonly e: 'link'; readonly is: 'down'; readonly kind: string; readonly text: string }
  /** The wall clock was moved against the boot clock. */
  | { readonly e: 'step'; readonly ms: number }
  | { readonly e: 'time'; readonly wallNs: string; readonly uncertaintyNs: string }
  | { readonly e: 'log'; readonly level: string; readonly module: string; readonly text: string }
  | { readonly e: 'stop'; readonly why: string };

/** `t`: ms of the boot clock. */
export type FlightLine = { readonly t: number } & FlightEvent;

/** The lines of a record; a last one that was cut off, and what is no line of one, are left out. */
export function parseFlight(text: string): readonly FlightLine[] {
  return text.split('\n').flatMap((line) => {
    const found = lineOf(line);
    return found ? [found] : [];
  });
}

function lineOf(text: string): FlightLine | undefined {
  try {
    const line: unknown = JSON.parse(text);
    if (typeof line !== 'object' || line === null) return undefined;
    const { t, e } = line as { t?: unknown; e?: unknown };
    return typeof t === 'number' && typeof e === 'string' ? (line as FlightLine) : undefined;
  } catch {
    // A kill in the midst of a write: what came before it counts.
    return undefined;
  }
}
