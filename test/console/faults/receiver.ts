import { execFile } from 'node:child_process';
import type { SerialTwin } from '../../../drivers/contract/index.js';
import { native } from '../../../native/index.js';
import { createWorld, registry } from '../../../runtime/board/index.js';
import { Pty } from '../../board/pty.js';

const SAYS_MS = 100;
/** How often it is looked at what rate the other end listens at. */
const LOOK_TICKS = 5;

/** A GNSS receiver on a real terminal, with a rate of its own: who listens at another one gets bytes that mean nothing. */
export class Receiver {
  baud = 9600;
  readonly #twin = registry.twins.find(({ id }) => id === 'gnss')!.create(Math.random) as SerialTwin;
  readonly #worldAt = createWorld(1, BigInt(Date.now()) * 1_000_000n - native.bootTimeNs());
  #ticks = 0;
  #heardBaud = 0;
  readonly #timer = setInterval(() => this.#say(), SAYS_MS);

  private constructor(readonly pty: Pty) {
    // Its antenna is cut: it keeps its time, and hears nothing (drivers/gnss/twin.ts).
    Object.assign(this.#twin.faults, { noFix: true });
  }

  static async plug(): Promise<Receiver> {
    return new Receiver(await Pty.make());
  }

  #say(): void {
    if (this.#ticks++ % LOOK_TICKS === 0) this.#look();
    const bytes = this.#twin.speak(this.#worldAt(native.bootTimeNs()));
    // As a UART that samples at another rate: framing goes wrong, and bits with it.
    const heard = this.#heardBaud === this.baud ? bytes : bytes.map((byte, i) => (byte * 37 + i * 11) | 0x80);
    if (heard.length > 0) void this.pty.say(heard);
  }

  /** What a terminal is set to is the same seen by anybody who opens it. */
  #look(): void {
    execFile('stty', ['-F', this.pty.link, 'speed'], (_, speed) => {
      this.#heardBaud = Number(speed);
    });
  }

  async unplug(): Promise<void> {
    clearInterval(this.#timer);
    await this.pty.close();
  }
}
