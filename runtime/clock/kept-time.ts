import { X509Certificate } from 'node:crypto';
import { closeSync, existsSync, openSync, readFileSync, statSync, utimesSync } from 'node:fs';
import type { WallClock } from './types.js';

/** A kept time is written anew when it has grown by this: a few bytes of flash an hour. */
const KEEP_EVERY_MS = 3_600_000;

export interface KeptTimeOptions {
  /** Its time of change is what is kept. */
  readonly file: string;
  /** PEM files of this node's own: it is not before any of them begins. */
  readonly certificates: readonly (string | undefined)[];
  readonly wall: Pick<WallClock, 'pair'>;
  readonly log: (level: 'warn', text: string) => void;
}

/**
 * How late it is at the least, over power cuts: a board without a battery begins in 1970, and TLS takes no certificate then. The node may
 * set no clock; `cairn-clock.service` sets the machine's forward to the file's time of change when that is later, and nothing else does
 * anything about it: certificates are always verified.
 */
export class KeptTime {
  #keptMs: number;
  #isRefused = false;

  constructor(private readonly options: KeptTimeOptions) {
    const { file, wall } = options;
    this.#keptMs = existsSync(file) ? statSync(file).mtimeMs : 0;
    const begunMs = Math.max(0, ...options.certificates.map((certificate) => this.#beginsMs(certificate)));
    const nowMs = Number(wall.pair().wallNs / 1_000_000n);
    const leastMs = Math.max(this.#keptMs, begunMs);
    if (nowMs >= leastMs) return;
    options.log(
      'warn',
      `the machine's clock says ${iso(nowMs)}, but it is ${iso(leastMs)} at the least (${begunMs === leastMs ? 'a certificate of ours begins then' : 'so late it was before'}): TLS may refuse certificates until it is set`,
    );
    this.#keep(leastMs);
  }

  /** A time is known, and it is so late at the least, ns. */
  atLeast(wallNs: bigint): void {
    const leastMs = Number(wallNs / 1_000_000n);
    const isBehind = Number(this.options.wall.pair().wallNs / 1_000_000n) < leastMs - KEEP_EVERY_MS;
    if (leastMs >= this.#keptMs + KEEP_EVERY_MS || (isBehind && leastMs > this.#keptMs)) this.#keep(leastMs);
  }

  #keep(leastMs: number): void {
    const { file, log } = this.options;
    this.#keptMs = leastMs;
    try {
      closeSync(openSync(file, 'a', 0o644));
      utimesSync(file, leastMs / 1000, leastMs / 1000);
    } catch (error) {
      if (!this.#isRefused) log('warn', `the time can't be kept: ${(error as Error).message}`);
      this.#isRefused = true;
    }
  }

  /** 0 for a file that can't be read as a certificate: the uplink says so when it tries. */
  #beginsMs(certificate: string | undefined): number {
    if (certificate === undefined || !existsSync(certificate)) return 0;
    try {
      return Date.parse(new X509Certificate(readFileSync(certificate)).validFrom);
    } catch (error) {
      this.options.log('warn', `${certificate}: ${(error as Error).message}`);
      return 0;
    }
  }
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
