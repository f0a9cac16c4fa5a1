import type { Channel, Rows } from '../drivers/contract/index.js';
import type { RuntimeClock } from './clock/index.js';
import type { Store } from './store/index.js';

/** An alarm is on the disk within milliseconds; a slow card may take two seconds for a sync. */
const KEPT_WITHIN_MS = 3_000;
/** So many are watched at once; in a flood of alarms the first have told what there is to tell. */
const MAX_WATCHED = 64;

export interface UnkeptOptions {
  readonly store: Store;
  readonly clock: RuntimeClock;
  /** The disk has not taken them in time. */
  readonly onUnkept: (rows: Rows, channels: readonly Channel[]) => void;
}

/** Watches whether the disk takes each alarm: a node with a dead card must not keep an alarm to itself. */
export class Unkept {
  #watched = 0;

  constructor(private readonly options: UnkeptOptions) {}

  /** Alarm-class rows that the store was just given; their arrays may be used again by whoever gave them. */
  appended(rows: Rows, channels: readonly Channel[]): void {
    if (this.#watched >= MAX_WATCHED) return;
    this.#watched++;
    const copy = copyOf(rows);
    const next = this.#standing(rows.stream)?.next ?? 0;
    this.options.clock.after(this.#isWriting ? KEPT_WITHIN_MS : 0, () => {
      this.#watched--;
      if (!this.#isKept(rows.stream, next)) this.options.onUnkept(copy, channels);
    });
  }

  /** A disk that refuses may not have let the rows have numbers at all. */
  #isKept(stream: string, next: number): boolean {
    return this.#isWriting && (this.#standing(stream)?.committed ?? 0) >= next;
  }

  get #isWriting(): boolean {
    const { store } = this.options;
    return store.epoch !== '' && store.status().health.state === 'ok';
  }

  #standing(name: string): { readonly next: number; readonly committed: number } | undefined {
    return this.options.store.streams().find(({ stream }) => stream === name);
  }
}

function copyOf(rows: Rows): Rows {
  const { stream, timesNs, values, quality, texts } = rows;
  const copy = { stream, timesNs: timesNs.slice(), values: values.slice(), quality: quality.slice() };
  return texts ? { ...copy, texts: [...texts] } : copy;
}
