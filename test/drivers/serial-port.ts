import type { SerialCounters, SerialFrame, SerialPort } from '../../drivers/contract/index.js';

type OnFrames = (frames: readonly SerialFrame[]) => void;
type OnState = (error: Error | undefined) => void;

/** A port that gives the frames that it is told to give, and keeps what is written. */
export class ScriptedPort implements SerialPort {
  readonly where = 'scripted';
  readonly written: string[] = [];
  counters: SerialCounters = {
    bytes: 0,
    frames: 0,
    badChecksum: 0,
    tooLong: 0,
    strayBytes: 0,
    reopens: 0,
  };
  #onFrames: OnFrames = () => undefined;
  #onState: OnState = () => undefined;

  async write(bytes: Uint8Array): Promise<void> {
    this.written.push(Buffer.from(bytes).toString('latin1'));
  }

  listen(onFrames: OnFrames, onState: OnState): () => void {
    this.#onFrames = onFrames;
    this.#onState = onState;
    return () => {
      this.#onFrames = () => undefined;
      this.#onState = () => undefined;
    };
  }

  give(timeNs: bigint, frames: readonly Uint8Array[]): void {
    this.#onFrames(frames.map((bytes) => ({ timeNs, bytes })));
  }

  say(timeNs: bigint, ...lines: readonly string[]): void {
    this.give(
      timeNs,
      lines.map((line) => Buffer.from(line, 'latin1')),
    );
  }

  state(error: Error | undefined): void {
    this.#onState(error);
  }

  /** Bytes that were no frame. */
  noise(bytes: number): void {
    this.counters = { ...this.counters, bytes: this.counters.bytes + bytes };
  }

  async close(): Promise<void> {}
}
