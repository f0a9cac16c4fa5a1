import type { Message, ProbedTransport, Transport } from './transport.js';

/** Asked again so often while it is well, and while it isn't. */
const WELL_MS = 60_000;
const ILL_MS = 5_000;

/**
 * A transport that knows whether its other side is there: asked by the transport's `probe` once a minute, and at once when a message didn't go. A message that was
 * refused for its own sake is no fault of the way.
 */
export class Reachable implements Transport {
  readonly scheme: Transport['scheme'];
  #trouble: Error | undefined = new Error('it has not been asked yet');
  #told: () => void = () => undefined;
  #timer: NodeJS.Timeout | undefined;
  #asking: Promise<void> | undefined;
  #isStopped = true;

  constructor(private readonly transport: ProbedTransport) {
    this.scheme = transport.scheme;
  }

  async send(message: Message): Promise<void> {
    try {
      await this.transport.send(message);
      this.#isThere();
    } catch (error) {
      void this.#ask();
      throw error;
    }
  }

  /** Throws why nothing goes out. */
  check(): void {
    if (this.#trouble) throw this.#trouble;
  }

  onBack(told: () => void): void {
    this.#told = told;
  }

  async start(): Promise<void> {
    this.#isStopped = false;
    await this.#ask();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    await this.#asking;
  }

  async close(): Promise<void> {
    await this.transport.close?.();
  }

  #isThere(): void {
    if (!this.#trouble) return;
    this.#trouble = undefined;
    this.#told();
  }

  #ask(): Promise<void> {
    this.#asking ??= this.#probe().finally(() => {
      this.#asking = undefined;
      clearTimeout(this.#timer);
      if (this.#isStopped) return;
      this.#timer = setTimeout(() => this.#ask(), this.#trouble ? ILL_MS : WELL_MS);
    });
    return this.#asking;
  }

  async #probe(): Promise<void> {
    try {
      await this.transport.probe();
      this.#isThere();
    } catch (error) {
      this.#trouble = error as Error;
    }
  }
}
