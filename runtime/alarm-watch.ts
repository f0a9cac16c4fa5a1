import type { Channel, Rows } from '../drivers/contract/index.js';
import type { RuntimeClock, Timer } from './clock/index.js';
import type { SamplerStream } from './sampler/index.js';
import { fits, type Store } from './store/index.js';
import type { Unkept } from './uplink/index.js';

/** An alarm is on the disk within milliseconds; a slow card may take two seconds for a sync. */
const KEPT_WITHIN_MS = 3_000;
/** So many are watched at once; in a flood of alarms the first have told what there is to tell. */
const MAX_WATCHED = 64;

export interface AlarmWatchOptions {
  readonly store: Store;
  readonly clock: RuntimeClock;
  /** The disk has not taken them in time. */
  readonly onUnkept: (unkept: Omit<Unkept, 'wallNs'>) => void;
}

/** Watches whether the disk takes each alarm: a node with a dead card must not keep an alarm to itself. */
export class AlarmWatch {
  readonly #timers = new Set<Timer>();
  /** Channels of each alarm's stream. */
  readonly #alarms = new Map<string, readonly Channel[]>();

  constructor(private readonly options: AlarmWatchOptions) {}

  /** A stream as it is from now on. */
  declare({ name, class: logClass, channels }: SamplerStream): void {
    if (logClass === 'alarm') this.#alarms.set(name, channels);
  }

  /** Gives rows to the store; their arrays may be used again by whoever gave them. */
  append(rows: Rows): void {
    const channels = this.#alarms.get(rows.stream);
    const before = channels ? (this.#standing(rows.stream)?.next ?? 0) : 0;
    this.options.store.append(rows);
    // Of rows without the stream's shape nobody could say which value is whose.
    if (channels && this.#timers.size < MAX_WATCHED && fits(rows, channels))
      this.#watch(rows, channels, before);
  }

  #watch(rows: Rows, channels: readonly Channel[], before: number): void {
    const { clock, onUnkept } = this.options;
    const copy = copyOf(rows);
    const wanted = before + rows.timesNs.length;
    const isKept = () => this.#isKept(copy.stream, wanted);
    const timer = clock.after(KEPT_WITHIN_MS, () => {
      this.#timers.delete(timer);
      if (!isKept()) onUnkept({ rows: copy, channels, isKept });
    });
    this.#timers.add(timer);
  }

  stop(): void {
    for (const timer of this.#timers) timer.cancel();
    this.#timers.clear();
  }

  /** A disk that refuses still takes what it has room for; rows may not have been let have numbers at all. */
  #isKept(stream: string, wanted: number): boolean {
    return this.options.store.epoch !== '' && (this.#standing(stream)?.committed ?? 0) >= wanted;
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
