import type { Invocation } from './command.js';

/** A screen, less the prompt. */
const SCREEN_LINES = 20;

/** Says many lines, a screen at a time, so that an interruption is felt on a slow line; false where it was interrupted. */
export async function sayLines({ terminal, signal }: Invocation, lines: readonly string[]): Promise<boolean> {
  for (const [i, line] of lines.entries()) {
    if (i % SCREEN_LINES === 0) await terminal.drained();
    if (signal.aborted) return false;
    terminal.out(line);
  }
  return true;
}
