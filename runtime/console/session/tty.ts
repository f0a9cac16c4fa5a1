import { spawnSync } from 'node:child_process';
import { readlinkSync } from 'node:fs';
import type { Readable, Writable } from 'node:stream';
import { isatty } from 'node:tty';
import type { Line } from './types.js';

const COLUMNS = 80;
const COLUMNS_MAX = 500;
/** A start bit, eight of data, a stop bit: how every console is set. */
const BITS_A_BYTE = 10;
/** stty waits for a line that is stopped; nobody waits for stty. */
const STTY_TIMEOUT_MS = 2000;
/** Terminals of windows and of USB have a speed by name only. */
const WITHOUT_SPEED = /^\/dev\/(pts\/|ttyGS)/;

/** The line of this process, until it is closed. */
export interface OpenLine {
  readonly line: Line;
  /** Puts the terminal back into the modes that it was found in. */
  close(): void;
}

/** Standard input as a line, whatever it is. `baud`: its speed, where its terminal's own is not to be believed. */
export function openLine(baud?: number): OpenLine {
  return isatty(0) ? openTty(baud) : openPipe(baud);
}

/** The terminal that standard input is, raw, for reading and writing. Throws where its modes can't be set. */
function openTty(baud?: number): OpenLine {
  const modes = makeRaw();
  // One stream both ways: Node makes writes to its own standard output wait, and a line that is stopped would stop the process.
  // Of its own streams only this one lets go of the terminal when it is paused.
  const stream = process.stdin;
  const speed = baud ?? (WITHOUT_SPEED.test(nameOf(0)) ? 0 : modes.baud);
  const line = lineOf(stream, stream as unknown as Writable, speed, modes.columns);
  let isClosed = false;
  const lend = async (work: () => Promise<number>): Promise<number> => {
    stream.pause();
    restore(modes.saved);
    try {
      return await work();
    } finally {
      // One that outlives its session finds the terminal given back already.
      if (!isClosed) makeRaw();
      stream.resume();
    }
  };
  return {
    line: { ...line, lend },
    close: () => {
      isClosed = true;
      restore(modes.saved);
      // As long as it is read the process doesn't end.
      stream.destroy();
    },
  };
}

/** Standard input and output where they are no terminal: a pipe, for rigs. */
function openPipe(baud?: number): OpenLine {
  return {
    line: lineOf(process.stdin, process.stdout, baud ?? 0, COLUMNS, true),
    close: () => void process.stdin.destroy(),
  };
}

function lineOf(input: Readable, output: Writable, baud: number, columns: number, isPipe = false): Line {
  return {
    bytesPerSecond: baud > 0 ? baud / BITS_A_BYTE : Number.POSITIVE_INFINITY,
    columns,
    write: (bytes, taken) => {
      output.write(bytes, (error) => {
        if (!error) taken();
      });
    },
    listen: (onBytes, onEnd, onLast) => {
      const hangUp = () => onEnd('hangUp');
      input.on('data', onBytes);
      // Whoever writes a pipe may have said all and wait for the answers; a terminal is gone.
      if (isPipe) input.on('end', onLast);
      else input.on('end', hangUp).on('close', hangUp);
      // EIO: the other end is gone. Whatever else it is, nothing more comes.
      input.on('error', hangUp);
      output.on('error', hangUp);
      process.on('SIGHUP', hangUp);
      for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => onEnd('signal'));
    },
  };
}

interface Modes {
  /** As `stty -g` prints them, for stty. */
  readonly saved: string;
  readonly baud: number;
  readonly columns: number;
}

/** Neither Node nor the kernel's own editing: no byte has a meaning to the terminal, XOFF of a noisy line included. */
function makeRaw(): Modes {
  const run = spawnSync('sh', ['-c', 'stty -g && stty -a && stty -drain raw -echo -iexten'], {
    stdio: ['inherit', 'pipe', 'pipe'],
    encoding: 'utf8',
    timeout: STTY_TIMEOUT_MS,
  });
  if (run.status !== 0) {
    throw new Error(`the terminal's modes can't be set: ${run.stderr?.trim() || run.error?.message}`);
  }
  const [saved = ''] = run.stdout.split('\n', 1);
  const columns = Number(/\bcolumns (\d+)/.exec(run.stdout)?.[1] ?? 0);
  return {
    saved,
    baud: Number(/\bspeed (\d+) baud/.exec(run.stdout)?.[1] ?? 0),
    columns: columns > 0 ? Math.min(columns, COLUMNS_MAX) : COLUMNS,
  };
}

/** Of a line that hung up there is nothing to restore: that it fails is as good. */
function restore(saved: string): void {
  spawnSync('stty', ['-drain', saved], { stdio: ['inherit', 'ignore', 'ignore'], timeout: STTY_TIMEOUT_MS });
}

function nameOf(fd: number): string {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return ''; // Without /proc: then the speed is what stty says.
  }
}
