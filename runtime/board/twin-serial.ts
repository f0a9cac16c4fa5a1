import { HalError, type SerialPort, type SerialTwin, type World } from '../../drivers/contract/index.js';
import type { Framer } from '../../native/types.js';
import { type BoardSetup, every } from './deps.js';
import { errorText } from './errno.js';
import { FramedPort, type OnFrames, type OnState } from './framed-port.js';

const POLL_MS = 20;
const MAX_WRITE_BYTES = 4096;

/** A serial twin behind the same framer in C as a real line; noise and unplugging happen between the two. */
export class TwinSerialPort implements SerialPort {
  readonly #port: FramedPort;
  readonly #stop: () => void;
  #plugged = true;

  constructor(
    readonly where: string,
    private readonly twin: SerialTwin,
    framer: Framer,
    private readonly world: () => World,
    private readonly setup: Pick<BoardSetup, 'after' | 'clock' | 'random' | 'log'>,
  ) {
    this.#port = new FramedPort(
      framer,
      () => setup.clock.nowNs(),
      (error) => setup.log('error', `${where}: the listener failed: ${errorText(error)}`),
    );
    this.#port.opened();
    this.#stop = every(setup.after, POLL_MS, () => this.#poll());
  }

  get counters() {
    return this.#port.counters;
  }

  async write(bytes: Uint8Array): Promise<void> {
    if (bytes.length > MAX_WRITE_BYTES) {
      throw new HalError('invalid', this.where, `${bytes.length} bytes at once: ${MAX_WRITE_BYTES} at most`);
    }
    if (this.twin.faults.unplugged) throw new HalError('disconnected', this.where, 'the line is unplugged');
    this.twin.hear(bytes, this.world());
  }

  listen(onFrames: OnFrames, onState: OnState): () => void {
    return this.#port.listen(onFrames, onState);
  }

  async close(): Promise<void> {
    this.#stop();
  }

  /** What a part says into an unplugged or mute line is lost, as with a real one. */
  #poll(): void {
    const said = this.twin.speak(this.world());
    const { unplugged, mute, noiseProbability } = this.twin.faults;
    this.#plug(!unplugged);
    if (unplugged || mute || said.length === 0) return;
    this.#port.accept(noiseProbability > 0 ? noisy(said, noiseProbability, this.setup.random) : said);
  }

  #plug(plugged: boolean): void {
    if (plugged === this.#plugged) return;
    this.#plugged = plugged;
    if (plugged) this.#port.opened();
    else this.#port.lost(new HalError('disconnected', this.where, 'the line was unplugged'));
  }
}

/** Each byte is, with that probability, flipped in one bit, dropped, or doubled. */
function noisy(bytes: Uint8Array, probability: number, random: () => number): Uint8Array {
  const out: number[] = [];
  for (const byte of bytes) {
    if (random() >= probability) out.push(byte);
    else {
      const kind = random() * 3;
      if (kind < 1) out.push(byte ^ (1 << Math.floor(random() * 8)));
      else if (kind < 2) out.push(byte, byte);
    }
  }
  return Uint8Array.from(out);
}
