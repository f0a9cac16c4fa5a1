import type { GpioEdges } from '../contract/index.js';
import { MAX_ROWS_PER_S } from './registers.js';

const NS_PER_S = 1_000_000_000n;

/** What is told of a contact. */
export interface Change {
  readonly timeNs: bigint;
  readonly state: 0 | 1;
  /** Edges since the change before, this one's included; 0 for the state at the start. */
  readonly edges: number;
  readonly edgesLost: number;
}

/**
 * Edges to changes: each edge one, but no more than MAX_ROWS_PER_S in a second, and where there is a hold time, an active level counts
 * only once it has lasted. A flood is told as its number of edges and the level it ended with.
 */
export class EdgeRows {
  readonly #holdNs: bigint;
  #level: 0 | 1;
  #told: 0 | 1;
  #changedNs: bigint;
  #toldNs: bigint;
  #edges = 0;
  #edgesLost = 0;
  /** Something is untold: the second had its rows, or edges were lost. */
  #owed = false;
  #windowNs: bigint;
  #inWindow = 0;
  #seen = 0;
  /** How many edges had been seen when the level was last read as another one. */
  #disagreedAt: number | undefined;

  constructor(level: 0 | 1, timeNs: bigint, holdMs: number) {
    this.#holdNs = BigInt(Math.round(holdMs * 1e6));
    this.#level = level;
    // An active level at the start is a change from rest.
    this.#told = 0;
    this.#changedNs = timeNs;
    this.#toldNs = timeNs;
    this.#windowNs = timeNs;
  }

  /** The changes that these edges make. */
  take(edges: GpioEdges): Change[] {
    const changes: Change[] = [];
    this.#edgesLost += edges.lost;
    for (let i = 0; i < edges.timesNs.length; i++) {
      const timeNs = edges.timesNs[i]!;
      this.#settle(timeNs, changes);
      this.#edges++;
      this.#seen++;
      this.#move(edges.rising[i] === 1 ? 1 : 0, timeNs);
      this.#settle(timeNs, changes);
    }
    // Lost edges that no row has told yet are told by the next `settle`, even where the level is back where it was.
    if (this.#edgesLost > 0) this.#owed = true;
    return changes;
  }

  /** What time alone has brought: a hold that is over, a flood that ended. */
  settle(nowNs: bigint): Change[] {
    const changes: Change[] = [];
    this.#settle(nowNs, changes);
    return changes;
  }

  /**
   * The level as read. Where it differs from what the edges say, twice and without an edge in between, an edge was missed, and the level
   * as read counts: once may be an edge that is still on its way.
   */
  compare(level: 0 | 1, nowNs: bigint): void {
    const isSure = this.#disagreedAt === this.#seen;
    this.#disagreedAt = level === this.#level ? undefined : this.#seen;
    if (this.#disagreedAt === undefined || !isSure) return;
    this.#disagreedAt = undefined;
    this.#edgesLost++;
    this.#move(level, nowNs);
  }

  #move(level: 0 | 1, timeNs: bigint): void {
    if (level === this.#level) return;
    this.#level = level;
    this.#changedNs = timeNs;
  }

  #settle(nowNs: bigint, changes: Change[]): void {
    const holdNs = this.#level === 1 ? this.#holdNs : 0n;
    const isDue = this.#level !== this.#told && nowNs - this.#changedNs >= holdNs;
    if (!isDue && !this.#owed) return;
    this.#owed = !this.#hasRoom(nowNs);
    if (this.#owed) return;
    if (isDue) this.#told = this.#level;
    changes.push(this.#tell());
  }

  #tell(): Change {
    // An edge that arrives after a later reading must not turn the stream's time back.
    if (this.#changedNs > this.#toldNs) this.#toldNs = this.#changedNs;
    const change = {
      timeNs: this.#toldNs,
      state: this.#told,
      edges: this.#edges,
      edgesLost: this.#edgesLost,
    };
    this.#edges = 0;
    this.#edgesLost = 0;
    return change;
  }

  #hasRoom(nowNs: bigint): boolean {
    if (nowNs - this.#windowNs >= NS_PER_S) {
      this.#windowNs = nowNs;
      this.#inWindow = 0;
    }
    if (this.#inWindow >= MAX_ROWS_PER_S) return false;
    this.#inWindow++;
    return true;
  }
}

export interface Count {
  readonly pulses: number;
  /** Over which they were counted, s. */
  readonly intervalS: number;
  /** Undefined where no time has passed. */
  readonly frequencyHz: number | undefined;
  /** Since the node started. */
  readonly total: number;
  readonly edgesLost: number;
}

/** Counts the edges towards active. */
export class PulseCounter {
  #pulses = 0;
  #total = 0;
  #edgesLost = 0;
  #sinceNs: bigint;

  constructor(nowNs: bigint) {
    this.#sinceNs = nowNs;
  }

  take(edges: GpioEdges): void {
    for (const rising of edges.rising) this.#pulses += rising;
    this.#edgesLost += edges.lost;
  }

  /** What was counted since the last reading. */
  read(nowNs: bigint): Count {
    const intervalS = Number(nowNs - this.#sinceNs) / 1e9;
    this.#total += this.#pulses;
    const frequencyHz = intervalS > 0 ? this.#pulses / intervalS : undefined;
    const count = {
      pulses: this.#pulses,
      intervalS,
      frequencyHz,
      total: this.#total,
      edgesLost: this.#edgesLost,
    };
    this.#pulses = 0;
    this.#edgesLost = 0;
    this.#sinceNs = nowNs;
    return count;
  }
}
