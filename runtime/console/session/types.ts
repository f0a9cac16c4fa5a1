import type { Caller } from '../command.js';

/** The wire to the person: bytes both ways. */
export interface Line {
  /** What it carries; Infinity where it has no speed (a terminal window, a pipe, USB). */
  readonly bytesPerSecond: number;
  /** Characters in a row of what is at its other end. */
  readonly columns: number;
  /** Hands bytes over and calls back once the line has taken them; one write at a time. A line that is gone never calls back. */
  write(bytes: Uint8Array, taken: () => void): void;
  /** Bytes as they come, and once that it is over; `onLast`: a pipe's end, what came before it still counts. */
  listen(onBytes: (bytes: Uint8Array) => void, onEnd: (why: SessionEnd) => void, onLast: () => void): void;
  /** The terminal for another program, in the modes that it was found in, until that program is done. Absent where there is none. */
  readonly lend?: (work: () => Promise<number>) => Promise<number>;
}

export type SessionEnd =
  /** The person said so. */
  | 'exit'
  /** Nobody got in. */
  | 'refused'
  /** Nobody did anything for so long. */
  | 'idle'
  /** The cable was pulled, or the other end closed. */
  | 'hangUp'
  /** The line took nothing for so long: stopped by its flow control, say. */
  | 'stuck'
  /** The service manager ended the process. */
  | 'signal';

/** Talking with the person without a command: how a log-in is held. */
export interface Dialogue {
  readonly columns: number;
  /** Lines of text. */
  say(text: string): void;
  /** Once what was said is on the line. */
  drained(): Promise<void>;
  /** Returns early where the session ends. */
  delay(ms: number): Promise<void>;
  /** One line without its end; undefined where none comes: Ctrl-C, Ctrl-D, hang-up, the time is up. Never kept in the history. */
  readLine(
    prompt: string,
    options?: { readonly masked?: boolean; readonly timeoutMs?: number },
  ): Promise<string | undefined>;
  /** Aborted when the session ends, whyever. */
  readonly signal: AbortSignal;
}

/** Lets a person in, or not: undefined. It says why itself. */
export type LogIn = (dialogue: Dialogue) => Promise<Caller | undefined>;

/** The beginning and the end of a command, for who keeps a journal. */
export type CommandRecord =
  | { readonly event: 'begin'; readonly line: string; readonly caller: Caller }
  | {
      readonly event: 'end';
      readonly line: string;
      readonly caller: Caller;
      /** Absent where the command was left behind after Ctrl-C or the session's end: nobody knows what it still does. */
      readonly exitCode?: number;
      readonly ms: number;
    };
