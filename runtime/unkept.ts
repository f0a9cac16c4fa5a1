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

  /** Gives alarm-class rows to the store; their arrays may be used again by whoever gave them. */
  append(rows: Rows, channels: readonly Channel[]): void {
    const { store, clock, onUnkept } = this.options;
    const before = this.#standing(rows.stream)?.next ?? 0;
    store.append(rows);
    if (this.#watched >= MAX_WATCHED || !isWhole(rows, channels)) return;
    this.#watched++;
    const copy = copyOf(rows);
    const wanted = before + rows.timesNs.length;
    clock.after(KEPT_WITHIN_MS, () => {
      this.#watched--;
      if (!this.#isKept(rows.stream, wanted)) onUnkept(copy, channels);
    });
  }

  /** A disk that refuses still takes what it has room for; rows may not have been let have numbers at all. */
  #isKept(stream: string, wanted: number): boolean {
    return this.options.store.epoch !== '' && (this.#standing(stream)?.committed ?? 0) >= wanted;
  }

  #standing(name: string): { readonly next: number; readonly committed: number } | undefined {
    return this.options.store.streams().find(({ stream }) => stream === name);
  }
}

/** Of others nobody could say which value is whose. */
function isWhole({ timesNs, values, quality, texts }: Rows, channels: readonly Channel[]): boolean {
  const cells = timesNs.length * channels.length;
  return values.length === cells && quality.length === cells && (texts?.length ?? cells) === cells;
}

function copyOf(rows: Rows): Rows {
  const { stream, timesNs, values, quality, texts } = rows;
  const copy = { stream, timesNs: timesNs.slice(), values: values.slice(), quality: quality.slice() };
  return texts ? { ...copy, texts: [...texts] } : copy;
}
