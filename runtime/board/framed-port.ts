import type { SerialCounters, SerialFrame } from '../../drivers/contract/index.js';
import type { Framer } from '../../native/types.js';

export type OnFrames = (frames: readonly SerialFrame[]) => void;
export type OnState = (error: Error | undefined) => void;

/** What all serial backends share: bytes in, whole frames and the line's state out, to one listener. */
export class FramedPort {
  #listener: { onFrames: OnFrames; onState: OnState } | undefined;
  #state: { error: Error | undefined } | undefined;
  #reopens = -1;

  constructor(
    private readonly framer: Framer,
    private readonly nowNs: () => bigint,
    /** A listener's own failure must not take the line, or the node, with it. */
    private readonly onListenerError: (error: unknown) => void,
  ) {}

  get counters(): SerialCounters {
    return { ...this.framer.counters, reopens: Math.max(0, this.#reopens) };
  }

  get isOpen(): boolean {
    return this.#state !== undefined && this.#state.error === undefined;
  }

  /** Bytes as they were read just now. */
  accept(chunk: Uint8Array): void {
    const timeNs = this.nowNs();
    const frames = this.framer.push(chunk).map((bytes) => ({ timeNs, bytes }));
    if (frames.length > 0) this.#tell((listener) => listener.onFrames(frames));
  }

  opened(): void {
    this.#reopens++;
    this.#changed(undefined);
  }

  /** Half a frame from before never meets half a frame from after. */
  lost(error: Error): void {
    this.framer.reset();
    this.#changed(error);
  }

  /** The state that is known already is told soon, never before this returns. */
  listen(onFrames: OnFrames, onState: OnState): () => void {
    const listener = { onFrames, onState };
    this.#listener = listener;
    const known = this.#state;
    if (known) {
      queueMicrotask(() => {
        if (this.#listener === listener && this.#state === known)
          this.#tell(() => listener.onState(known.error));
      });
    }
    return () => {
      if (this.#listener === listener) this.#listener = undefined;
    };
  }

  #changed(error: Error | undefined): void {
    this.#state = { error };
    this.#tell((listener) => listener.onState(error));
  }

  #tell(call: (listener: { onFrames: OnFrames; onState: OnState }) => void): void {
    if (!this.#listener) return;
    try {
      call(this.#listener);
    } catch (error) {
      this.onListenerError(error);
    }
  }
}
