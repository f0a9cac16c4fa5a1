import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const COMMENT = 0x23;
/** No recording that a rig plays is longer. */
const MAX_BYTES = 4 << 20;
const NAME = /^[A-Za-z0-9][A-Za-z0-9.-]{0,60}$/;

/** Receivers recorded on real hardware, read in place. */
export class Recordings {
  readonly #folder: string;

  constructor(realData: string) {
    this.#folder = join(realData, 'nmea');
  }

  /** Empty where the real data is absent. */
  get names(): readonly string[] {
    if (!existsSync(this.#folder)) return [];
    return readdirSync(this.#folder)
      .filter((name) => name.endsWith('.log'))
      .map((name) => name.slice(0, -'.log'.length));
  }

  /** The whole file `<name>.log` or `<name>.log.chk`. */
  file(name: string): Buffer {
    if (!NAME.test(name)) throw new Error(`not a recording's file: ${name}`);
    const bytes = readFileSync(join(this.#folder, name));
    if (bytes.length > MAX_BYTES) throw new Error(`${name} is longer than ${MAX_BYTES} bytes`);
    return bytes;
  }

  /** What was on the wire: the log without the comment lines of its head. */
  wire(name: string): Buffer {
    const bytes = this.file(`${name}.log`);
    let from = 0;
    while (bytes[from] === COMMENT) from = bytes.indexOf(0x0a, from) + 1;
    return bytes.subarray(from);
  }
}
