import type { SerialTwin, TwinDefinition, World } from '../contract/index.js';
import { TwinLine } from '../contract/twin-line.js';
import { checksum } from './conversion.js';

const BAUD = 115_200;
const NS_PER_MS = 1_000_000n;
/** A reader inventories its field twice a second; each time it hears most tags, not all. */
const ROUND_NS = 500n * NS_PER_MS;
const HEARD = 0.9;

/** A reader that names the world's tags, each with a few dB of fading, and answers `?`. */
class Reader implements SerialTwin {
  readonly attachment = 'serial';
  readonly faults: SerialTwin['faults'] = { unplugged: false, mute: false, noiseProbability: 0 };
  readonly #line = new TwinLine(BAUD);
  readonly #random: () => number;
  #lastRound: bigint | undefined;
  #command = '';

  constructor(random: () => number) {
    this.#random = random;
  }

  speak(world: World): Uint8Array {
    const round = world.timeNs / ROUND_NS;
    if (round !== this.#lastRound) this.#inventory(world);
    this.#lastRound = round;
    return this.#line.take(world.timeNs);
  }

  hear(bytes: Uint8Array, world: World): void {
    for (const byte of bytes) {
      if (byte !== 0x0a) this.#command = (this.#command + String.fromCharCode(byte)).slice(-8);
      else {
        if (this.#command.trim() === '?') this.#line.say(line('I,CairnTwin,1.0'), world.timeNs);
        this.#command = '';
      }
    }
  }

  #inventory(world: World): void {
    for (const { id, rssiDbm } of world.tags) {
      if (this.#random() > HEARD) continue;
      const heardDbm = Math.round(rssiDbm + (this.#random() - 0.5) * 6);
      this.#line.say(line(`T,${id},${heardDbm}`), world.timeNs);
    }
  }
}

function line(body: string): string {
  return `${body}*${checksum(body).toString(16).toUpperCase().padStart(2, '0')}\r\n`;
}

export const tagReaderTwin: TwinDefinition = {
  id: 'tag-reader',
  attachment: 'serial',
  create: (random) => new Reader(random),
};
