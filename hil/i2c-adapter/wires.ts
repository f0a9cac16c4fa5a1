import { readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';

/** What a bus's controller did to free SDA, since the module was loaded. */
export interface Seen {
  readonly recoveries: number;
  readonly clocks: number;
  readonly stops: number;
}

/** The wires of one bus of the module cairn_i2c, for a part to hold: the files that wires.c tells of. Any process may use them. */
export class Wires {
  readonly #folder: string;

  /** `server`: such as `/dev/cairn-i2c-0`. */
  constructor(server: string) {
    this.#folder = join('/sys/class/misc', basename(server));
  }

  /** A part holds SDA low until so many clocks; 0: it lets go now. */
  holdSda(clocks: number): void {
    writeFileSync(join(this.#folder, 'sda_held'), String(clocks));
  }

  holdScl(isHeld: boolean): void {
    writeFileSync(join(this.#folder, 'scl_held'), isHeld ? '1' : '0');
  }

  /** Clocks until the part that holds SDA lets go; 0: nobody holds it. */
  get sdaHeld(): number {
    return this.#number('sda_held');
  }

  get seen(): Seen {
    return {
      recoveries: this.#number('recoveries'),
      clocks: this.#number('clocks'),
      stops: this.#number('stops'),
    };
  }

  #number(name: string): number {
    return Number(readFileSync(join(this.#folder, name), 'utf8'));
  }
}
