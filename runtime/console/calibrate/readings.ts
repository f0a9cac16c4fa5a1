import type { PartConfig } from '../../config/index.js';
import { ask, follow } from '../../control.js';
import type { SamplerStream } from '../../sampler/index.js';
import type { SeenRow } from '../../seen-rows.js';
import type { Heard } from '../../tap.js';
import { CommandError, EXIT, type Invocation } from '../command.js';
import { wrapped } from '../text.js';

/** What is calibrated: channels of one stream of a part that a running node holds. */
export interface Target {
  /** The node's socket. */
  readonly path: string;
  readonly part: PartConfig;
  readonly stream: SamplerStream;
  /** By name, in the order of the readings' values. */
  readonly channels: readonly string[];
}

/** Before any calibration, in the channels' unit. */
export interface Reading {
  readonly seconds: number;
  readonly values: readonly number[];
}

/** A part that gives nothing for so long has another trouble. */
const SILENCE_MS = 30_000;
/** For whoever reads along; a line takes a tenth of it at 9600 baud. */
const LINE_S = 1;

/** Nothing was changed, and why. */
export function unchanged(why: string): CommandError {
  return new CommandError(EXIT.failed, `${why}\nNothing was changed.`);
}

/** Of a person; rejects where none comes: interrupted, or hung up. */
export async function askPerson({ terminal, signal }: Invocation, prompt: string): Promise<string> {
  const line = await terminal.ask(prompt);
  if (line === undefined || signal.aborted) throw unchanged('stopped');
  return line.trim();
}

/**
 * Hands over the part's raw readings from now on until `take` has enough of them, at least one each `everyMs` where the part can be asked;
 * `line` is said once a second. Rejects with CommandError when it is interrupted, when the part is silent, and when the node ends.
 */
export async function collect(
  call: Invocation,
  target: Target,
  everyMs: number,
  take: (reading: Reading) => boolean,
  line: () => string,
): Promise<void> {
  const silent = new AbortController();
  const end = AbortSignal.any([call.signal, silent.signal]);
  const stopAsking = askOften(target, everyMs);
  let timer = setTimeout(() => silent.abort(), SILENCE_MS);
  let saidAt = Number.NEGATIVE_INFINITY;
  try {
    for await (const reading of readings(target, end)) {
      timer = timer.refresh();
      const isEnough = take(reading);
      if (isEnough || reading.seconds - saidAt >= LINE_S) {
        saidAt = reading.seconds;
        for (const text of wrapped(line(), call.terminal.columns, 6)) call.terminal.err(text);
        await call.terminal.drained();
      }
      if (call.signal.aborted) break;
      if (isEnough) return;
    }
  } finally {
    clearTimeout(timer);
    stopAsking();
  }
  if (call.signal.aborted) throw unchanged('stopped');
  const { id } = target.part;
  if (silent.signal.aborted)
    throw unchanged(`${id} gave no good reading for ${SILENCE_MS / 1000} s; cairn why ${id} says more`);
  throw unchanged('the node ended');
}

async function* readings({ path, part, stream, channels }: Target, end: AbortSignal) {
  const rows = follow(path, 'raw', { part: part.id }, end) as AsyncIterable<Heard<SeenRow>>;
  for await (const heard of rows) {
    if (!('item' in heard) || heard.item.stream !== stream.name) continue;
    const cells = channels.map((name) => heard.item.cells.find(({ channel }) => channel === name));
    if (!cells.every((cell) => cell?.quality === 'good')) continue;
    const seconds = Number(BigInt(heard.item.timeNs) / 1_000_000n) / 1000;
    yield { seconds, values: cells.map((cell) => Number(cell?.value)) };
  }
}

/** A part that is sampled oftener by itself is left alone, and so is one that speaks by itself. */
function askOften({ path, part }: Target, everyMs: number): () => void {
  const leastMs = Math.max(everyMs, part.driver.interval?.minMs ?? 0);
  if (part.intervalMs === undefined || (part.intervalMs <= leastMs && !part.slow)) return () => undefined;
  // Should nobody answer, the readings that don't come say so.
  const askNow = () => void ask(path, 'sample', { params: { part: part.id } }).catch(() => undefined);
  askNow();
  const timer = setInterval(askNow, leastMs);
  return () => clearInterval(timer);
}
