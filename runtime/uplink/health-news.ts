import type { RuntimeClock, Timer } from '../clock/types.js';
import type { Say } from './say.js';
import type { StatusHealth } from './types.js';

/** A new link often is a new start, whose parts and clock come in these seconds. */
const SETTLE_MS = 15_000;
/** Two of them are at least so far apart, … */
const LEAST_MS = 60_000;
/** … so it is looked at no oftener while there is a link, … */
const LOOK_MS = 61_000;
/** … and told so often though no word of it changed. */
const MOST_MS = 3_600_000;

export interface HealthNewsOptions {
  readonly clock: RuntimeClock;
  readonly health: () => Promise<StatusHealth>;
  /** Whether a budget of bytes leaves something for it now, … */
  readonly affords: () => boolean;
  /** … and how far apart it wants those that say nothing new, ms; 0: there is none. */
  readonly apartMs: () => number;
  readonly say: Say;
  /** There is something to send. */
  readonly onDue: () => void;
}

/**
 * When the status says how the node is: on each link, when a word of it changed, and once an hour for its numbers, or as seldom as a budget
 * wants it. Words that go on changing are told after twice the wait each time: a part that comes and goes costs some 30 messages a day.
 */
export class HealthNews {
  #timer: Timer | undefined;
  /** Its birth says nothing of it, and took the place of what did. */
  #isNewLink = false;
  #due: StatusHealth | undefined;
  #told: { readonly words: string; readonly atNs: bigint } | undefined;
  #changeWaitMs = LEAST_MS;
  /** Its words were other ones at a look since it was told. */
  #hasMoved = false;

  constructor(private readonly options: HealthNewsOptions) {}

  online(): void {
    this.#isNewLink = true;
    this.#lookIn(SETTLE_MS);
  }

  offline(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    // It never left.
    if (this.#due) this.#told = undefined;
    this.#due = undefined;
  }

  /** What is to be sent, as soon as nothing newer is. */
  get due(): StatusHealth | undefined {
    return this.#due;
  }

  sent(): void {
    this.#due = undefined;
  }

  #lookIn(ms: number): Timer {
    this.#timer?.cancel();
    this.#timer = this.options.clock.after(ms, () => this.#look());
    return this.#timer;
  }

  #look(): void {
    const { health, say } = this.options;
    const timer = this.#lookIn(LOOK_MS);
    health().then(
      (found) => this.#timer === timer && this.#found(found),
      (error: Error) => say('health', 'warn', `uplink: how the node is can't be told: ${error.message}`),
    );
  }

  #found(health: StatusHealth): void {
    const nowNs = this.options.clock.nowNs();
    const words = wordsOf(health);
    const hasChanged = this.#told !== undefined && words !== this.#told.words;
    this.#hasMoved ||= hasChanged;
    const apartMs = this.options.apartMs();
    const idleMs = Math.max(this.#isNewLink ? LEAST_MS : MOST_MS - LOOK_MS, apartMs);
    const waitMs = hasChanged ? Math.min(this.#changeWaitMs, idleMs) : idleMs;
    const passedMs = this.#told && Number((nowNs - this.#told.atNs) / 1_000_000n);
    if ((passedMs !== undefined && passedMs < waitMs) || !this.options.affords()) return;
    this.#changeWaitMs = this.#hasMoved
      ? Math.min(2 * this.#changeWaitMs, Math.max(MOST_MS, apartMs))
      : LEAST_MS;
    this.#hasMoved = false;
    this.#told = { words, atNs: nowNs };
    this.#isNewLink = false;
    this.#due = health;
    this.options.onDue();
  }
}

/** All but its numbers, those within its texts too: they change with each look. */
function wordsOf(health: StatusHealth): string {
  return JSON.stringify(health, (_name, value: unknown) => {
    if (typeof value === 'number') return undefined;
    return typeof value === 'string' ? value.replace(/\d+/g, '#') : value;
  });
}
