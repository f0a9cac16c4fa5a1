import type { ReserveEntry, ReserveFile } from './reserve.js';
import { Retry } from './retry.js';
import { shed } from './shed.js';
import type { StoreState } from './state.js';
import type { Wear } from './wear.js';

/** Keeps the reserve ahead of the numbers, off the hot path: one write at a time, for all streams together. */
export class Reserver {
  /** Since the process started. */
  bytesWritten = 0;
  failure: { readonly since: bigint; readonly reason: string } | undefined;
  #running: Promise<void> | undefined;
  #stopped = false;
  readonly #retry: Retry;

  constructor(
    readonly state: StoreState,
    readonly file: ReserveFile,
    readonly wear: Wear,
    /** Rows that waited for numbers got them. */
    readonly onNumbered: () => void,
  ) {
    this.#retry = new Retry(state.options.deps, () => void this.#start());
  }

  /** Call it after numbers were given. */
  check(): void {
    if (this.#stopped || this.#running || this.#retry.isWaiting) return;
    if (this.state.current.some((stream) => stream.wantsReserve)) void this.#start();
  }

  /** Reserves now; resolves when it is durable or has failed. */
  async extend(): Promise<void> {
    await this.#running;
    await this.#start();
  }

  /** Clean: limits are exactly the next numbers. Call it after stop(). Rejects when it can't be written. */
  async writeClean(): Promise<void> {
    const entries = this.#entries((stream) => stream.next);
    await this.file.write({ epoch: this.state.epoch, clean: true, entries, owner: this.state.owner });
  }

  /** No write goes on or begins after it. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#retry.cancel();
    await this.#running;
    this.#retry.cancel();
  }

  #start(): Promise<void> {
    this.#running ??= this.#extend().finally(() => {
      this.#running = undefined;
      this.check();
    });
    return this.#running;
  }

  async #extend(): Promise<void> {
    const now = this.state.options.deps.nowNs();
    const aheadMs = this.wear.reserveAheadMs;
    const limits = new Map(this.state.current.map((stream) => [stream, stream.wantedLimit(now, aheadMs)]));
    const entries = this.#entries((stream) => limits.get(stream)!);
    try {
      this.bytesWritten += await this.file.write({
        epoch: this.state.epoch,
        clean: false,
        entries,
        owner: this.state.owner,
      });
      this.wear.reserved();
    } catch (error) {
      const reason = this.#retry.failed(error, `${this.file.path}: numbers can't be reserved, rows wait`);
      this.failure = { since: this.failure?.since ?? now, reason };
      return;
    }
    this.failure = undefined;
    this.#retry.succeeded();
    const waited = this.state.current.some((stream) => stream.unnumberedRows > 0);
    for (const [stream, limit] of limits) {
      stream.limit = limit;
      while (stream.number()) shed(this.state);
    }
    if (waited) this.onNumbered();
  }

  #entries(limitOf: (stream: StoreState['meta']) => number): readonly ReserveEntry[] {
    return this.state.current.map((stream) => ({
      stream: stream.name,
      class: stream.class,
      version: stream.record.version,
      id: stream.id,
      limit: limitOf(stream),
    }));
  }
}
