import type { NodeId } from '../../../wire/index.js';
import type { Refusal } from './judge.js';
import type { LoginState } from './state.js';

/** The line, the clock and what outlives a session. */
export interface LoginPorts extends Omit<LoginState, 'ownerKey'> {
  /** The next line without its end; undefined when nobody types one in time, or the line hangs up. */
  readLine(timeoutMs: number): Promise<string | undefined>;
  out(text: string): void;
  delay(ms: number): Promise<void>;
  random(bytes: number): Uint8Array;
  /** For the journal, before the line hears of it: resolves when it is kept, or can't be. */
  refused(why: Refusal): Promise<unknown>;
}

export interface LoginFacts {
  readonly node: NodeId;
  /** PEM; its being there, in whatever state, is what kills the secret. */
  readonly ownerKey: string | undefined;
  /** The hash of the one-time secret. */
  readonly secret: string | undefined;
}

/** Long enough to carry a challenge to a telephone and its answer back. */
export const ANSWER_TIMEOUT_MS = 300_000;

/** After so many wrong answers in a row the wait grows no more: an owner always gets in again. */
const DELAY_MAX_MS = 60_000;
const DELAY_MIN_MS = 1_000;
/** As after four wrong answers, for everybody, while the disk refuses. */
const UNWRITTEN_DELAY_MS = 8_000;

/** How long a login waits after so many wrong answers in a row. */
export function delayMs(failures: number): number {
  return failures <= 0 ? 0 : Math.min(DELAY_MAX_MS, DELAY_MIN_MS * 2 ** Math.min(failures - 1, 30));
}

/** Counts what was typed as wrong before anybody looks at it: a pulled plug undoes no count. What is returned takes the count back to `count`. */
export async function countAsWrong(ports: LoginPorts): Promise<(count: number) => Promise<unknown>> {
  const isCounted = await keep(ports, "Wrong answers can't be counted", () =>
    ports.writeFailures(ports.readFailures() + 1),
  );
  return async (count) =>
    isCounted && keep(ports, "Wrong answers can't be counted", () => ports.writeFailures(count));
}

/** A disk that can't be written keeps nobody out; then everybody waits, since nothing is remembered. */
export async function keep(ports: LoginPorts, what: string, write: () => void): Promise<boolean> {
  try {
    write();
    return true;
  } catch (error) {
    ports.out(`${what}: ${(error as Error).message}`);
    await ports.delay(UNWRITTEN_DELAY_MS);
    return false;
  }
}
