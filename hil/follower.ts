import { closeSync, openSync, readSync } from 'node:fs';
import { StringDecoder } from 'node:string_decoder';
import { BEGIN, END, WIRING } from './marks.js';
import { say, seconds } from './shell.js';

const CHUNK = 65_536;

/** Reads a file that grows, line by line, and tells of each suite that begins and ends, and of each wrong wiring. */
export class Follower {
  #at = 0;
  #rest = '';
  readonly #decoder = new StringDecoder('utf8');

  constructor(private readonly file: string) {}

  /** The whole lines that came since the last call. */
  lines(): readonly string[] {
    const fd = openSync(this.file, 'r');
    try {
      const buffer = Buffer.alloc(CHUNK);
      for (let size = -1; size !== 0; this.#at += size) {
        size = readSync(fd, buffer, 0, CHUNK, this.#at);
        this.#rest += this.#decoder.write(buffer.subarray(0, size));
      }
    } finally {
      closeSync(fd);
    }
    const lines = this.#rest.split('\n');
    this.#rest = lines.pop()!;
    for (const line of lines) tell(line);
    return lines;
  }
}

function tell(line: string): void {
  if (line.startsWith(BEGIN)) say(`${line.slice(BEGIN.length + 1)} …`);
  if (line.startsWith(WIRING)) say(`wiring: ${line.slice(WIRING.length + 1)}`);
  if (!line.startsWith(END)) return;
  const [suite, code, tookMs] = line.slice(END.length + 1).split(' ');
  say(`${suite} ended with ${code} after ${seconds(Number(tookMs))}`);
}
