import { writeSync } from 'node:fs';

/** A destination for whole lines, as pino calls it. */
export interface LineOut {
  /** One line, its newline included. Never throws. */
  write(line: string): void;
}

/**
 * Writes lines to a file descriptor that may refuse them: stdout on a full disk, a pipe whose reader is gone or slow. pino's own
 * destination throws there, or sleeps, and takes the node with it. Lines that are refused are counted, and said once it takes them.
 */
export function lineOut(
  fd: number,
  write: (bytes: Uint8Array) => number = (bytes) => writeSync(fd, bytes),
): LineOut {
  let left = 0;
  let isCut = false;
  const put = (text: string): boolean => {
    let rest: Uint8Array = Buffer.from(isCut ? `\n${text}` : text);
    try {
      while (rest.length > 0) {
        const taken = write(rest);
        if (taken === 0) return false;
        isCut = taken < rest.length;
        rest = rest.subarray(taken);
      }
      return true;
    } catch {
      // Whatever it is (ENOSPC, EPIPE, EAGAIN, EIO), there is nowhere else to say it: the count is said later.
      return false;
    }
  };
  return {
    write: (line) => {
      if (left > 0) {
        const text = `{"level":40,"module":"log","msg":"${left} lines were left out: stdout refused them"}\n`;
        if (!put(text)) {
          left++;
          return;
        }
        left = 0;
      }
      if (!put(line)) left++;
    },
  };
}
