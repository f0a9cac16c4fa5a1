/** `left`: so many were lost before the next one. */
export type Heard<T> = { readonly item: T } | { readonly left: number };

/** Passes what comes to whoever listens, each through a bounded queue of its own: a slow listener loses the oldest, and is told how many. */
export class Tap<T> {
  readonly #listeners = new Set<Listener<T>>();

  constructor(private readonly queueMax: number) {}

  get isHeard(): boolean {
    return this.#listeners.size > 0;
  }

  push(item: T): void {
    for (const listener of this.#listeners) listener.push(item);
  }

  /** What comes from now on and is wanted, until `return` is called. */
  follow(isWanted: (item: T) => boolean = () => true): AsyncIterableIterator<Heard<T>> {
    const listener = new Listener(this.queueMax, isWanted, () => this.#listeners.delete(listener));
    this.#listeners.add(listener);
    return listener;
  }
}

/** No generator: one that waits could not be ended. */
export class Listener<T> implements AsyncIterableIterator<Heard<T>> {
  readonly #queue: T[] = [];
  #left = 0;
  #isEnded = false;
  #finish: { readonly error: unknown } | undefined;
  #wake: (() => void) | undefined;

  constructor(
    private readonly queueMax: number,
    private readonly isWanted: (item: T) => boolean,
    private readonly onEnd: () => void,
  ) {}

  push(item: T): void {
    if (!this.isWanted(item)) return;
    if (this.#queue.length >= this.queueMax) {
      this.#queue.shift();
      this.#left++;
    }
    this.#queue.push(item);
    this.#wake?.();
  }

  async next(): Promise<IteratorResult<Heard<T>>> {
    while (this.#queue.length === 0 && !this.#isEnded && !this.#finish) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    if (this.#isEnded) return { done: true, value: undefined };
    if (this.#finish && this.#queue.length === 0) return this.#finished(this.#finish.error);
    const left = this.#left;
    this.#left = 0;
    return { value: left > 0 ? { left } : { item: this.#queue.shift()! } };
  }

  async return(): Promise<IteratorResult<Heard<T>>> {
    this.#isEnded = true;
    this.#wake?.();
    this.onEnd();
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Nothing more comes; what waits is still given, and then the error, where there is one. */
  finish(error?: unknown): void {
    this.#finish = { error };
    this.#wake?.();
  }

  #finished(error: unknown): IteratorResult<Heard<T>> {
    this.#isEnded = true;
    if (error !== undefined) throw error;
    return { done: true, value: undefined };
  }
}
