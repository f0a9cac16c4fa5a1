import { statSync } from 'node:fs';
import type { CommitLine } from '../../runtime/commit-log.js';

/** What a node said is on the disk, and how long the write log was when it was heard: it was said before. */
export interface Witness {
  readonly epoch: string;
  readonly stream: string;
  /** Where the numbers of the process that said it begin. */
  readonly from: number;
  /** All numbers below were committed or in a gap. */
  readonly next: number;
  readonly logBytes: number;
}

/** Listens to a node's commit log (CAIRN_COMMIT_LOG) from outside the machine. */
export class WitnessStand {
  readonly said: Witness[] = [];
  /** Lines that a cut broke off, or that are none. */
  broken = 0;
  /** Lines that the node dropped, by its own word. */
  dropped = 0;
  #rest = '';

  /** `logBytes`: how long the write log is now. */
  constructor(private readonly logBytes: () => number) {}

  static beside(writeLog: string): WitnessStand {
    return new WitnessStand(() => statSync(writeLog).size);
  }

  hear(text: string): void {
    const logBytes = this.logBytes();
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) this.#line(line, logBytes);
  }

  #line(text: string, logBytes: number): void {
    let line: CommitLine;
    try {
      line = JSON.parse(text) as CommitLine;
    } catch {
      this.broken += 1; // a power cut in the middle of it
      return;
    }
    const { epoch, stream, from, next, dropped } = line;
    this.dropped = Math.max(this.dropped, dropped);
    this.said.push({ epoch, stream, from, next, logBytes });
  }
}

/** Numbers of one life of a process, [from, next), which it had promised. */
export type Promised = Omit<Witness, 'logBytes'>;

/** The furthest word of each life on each stream that was heard while the log was no longer than `logBytes`. */
export function promisedBy(
  said: readonly Witness[],
  logBytes = Number.POSITIVE_INFINITY,
): readonly Promised[] {
  const furthest = new Map<string, Promised>();
  for (const { epoch, stream, from, next, logBytes: heardAt } of said) {
    if (heardAt > logBytes) continue;
    const key = `${epoch} ${stream} ${from}`;
    if ((furthest.get(key)?.next ?? 0) < next) furthest.set(key, { epoch, stream, from, next });
  }
  return [...furthest.values()];
}
