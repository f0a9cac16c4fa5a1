/** One thing that isn't right, as `why` says it. Types, not interfaces: they have a canonical form. */
export type ReportedCause = {
  readonly kind: string;
  readonly about: string;
  readonly what: string;
  /** Null where nobody knows. */
  readonly forMs: number | null;
  readonly seen: readonly string[];
  readonly breaks: readonly string[];
  readonly do: string;
};

export type ReportedCommand = {
  readonly line: string;
  /** Null where it was left behind. */
  readonly exit: number | null;
  readonly ms: number;
};

export type ReportedPart = {
  readonly id: string;
  readonly state: string;
  readonly where: string;
  /** The newest good values, with their units; empty where there is none. */
  readonly reading: string;
  readonly ageMs: number | null;
};

export type ReportedStore = {
  readonly epoch: string;
  readonly state: string;
  readonly committedRows: number;
  readonly pendingRows: number;
  readonly diskBytes: number;
  readonly classes: readonly {
    readonly class: string;
    readonly blocks: number;
    readonly bytes: number;
    readonly quotaBytes: number;
  }[];
  /** Rows by the cause of their gap, of this run. */
  readonly lost: { readonly [cause: string]: number };
};

export type ReportedUplink = {
  readonly link: string;
  readonly custody: string;
  readonly receipts: number;
  readonly waiting: number;
  readonly lastReceiptMs: number | null;
};

/** What a technician leaves (docs/console.md, Report). All numbers are whole; times are ms, `…Ms` of something past: how long ago. */
export type Report = {
  readonly version: 1;
  readonly node: string;
  readonly name: string;
  readonly software: string;
  readonly boot: { readonly id: string; readonly number: number | null };
  /** `wall` where the node knows it, within ± `withinMs`. */
  readonly at: { readonly bootMs: number; readonly wall?: string; readonly withinMs?: number };
  /** As the grant has them; `local` from a shell. */
  readonly by: { readonly role: string; readonly name: string };
  readonly found: { readonly bootMs: number; readonly causes: readonly ReportedCause[] };
  readonly done: {
    readonly commands: readonly ReportedCommand[];
    /** Commands before these that found no room. */
    readonly leftOut: number;
    /** Of the commands, those that changed something: configuration, calibration, time, grants. */
    readonly changes: readonly string[];
    /** What runs now; absent where nobody knows. */
    readonly configuration?: {
      readonly state: string;
      readonly sha256: string;
      readonly lastOutcome?: string;
    };
  };
  /** Absent where no node runs. */
  readonly proven?: {
    readonly parts: readonly ReportedPart[];
    readonly store: ReportedStore;
    readonly uplink: ReportedUplink | null;
  };
  readonly wrong: readonly ReportedCause[];
  readonly note: string;
  /** The head of the line's journal: its last entry, and up to which the node signed. Null from a shell. */
  readonly journal: {
    readonly line: string;
    readonly number: number;
    readonly hash: string;
    readonly signedTo: number;
  } | null;
};
