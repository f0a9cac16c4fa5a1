import { type GpioEdges, HalError } from '../../../drivers/contract/index.js';
import type { CountedLine } from '../counted-line.js';
import { errorText } from '../errno.js';
import type { Surveyed } from './surveyed.js';

/** A GPIO line that a part of the node file has. */
export interface LineSight {
  readonly line: string;
  readonly part: string;
  readonly pin?: number;
  /** `gpiochip0 17 (GPIO17)`; `-` while its part has not opened it. */
  readonly where: string;
  readonly direction: 'in' | 'out';
  readonly activeLow: boolean;
  /** Logical: 1 is active. */
  readonly level?: 0 | 1;
  /** Why there is no level. */
  readonly trouble?: string;
  /** Since the start, where somebody counts them. */
  readonly edges?: number;
  readonly lost?: number;
}

/** As the parts hold them now: nothing is opened, nothing is driven. */
export async function seeLines({
  config,
  wires,
}: Pick<Surveyed, 'config' | 'wires'>): Promise<readonly LineSight[]> {
  const seen = config.parts.map(async ({ id, attachment, driver }): Promise<readonly LineSight[]> => {
    if (attachment.kind !== 'gpio') return [];
    const { line, activeLow } = attachment;
    const { pin } = config.board.gpio[line] ?? {};
    const held = wires.lineOf(id);
    const base = { line, part: id, direction: driver.direction ?? 'in', activeLow } as const;
    return [{ ...base, ...(pin === undefined ? {} : { pin }), ...(await levelOf(held)) }];
  });
  return (await Promise.all(seen)).flat();
}

async function levelOf(
  held: CountedLine | undefined,
): Promise<Pick<LineSight, 'where' | 'level' | 'trouble' | 'edges' | 'lost'>> {
  if (!held) return { where: '-', trouble: 'not open: its part is missing, or lent' };
  const counted = held.isWatched ? { edges: held.count.edges, lost: held.count.lost } : {};
  try {
    return { where: held.where, level: await held.read(), ...counted };
  } catch (error) {
    return { where: held.where, trouble: errorText(error), ...counted };
  }
}

/** Edges of a part's line until `signal`: as the part hears them, or, where nobody else hears them, by a watch of its own. */
export async function followLine(
  line: string,
  onEdges: (edges: GpioEdges) => void,
  { config, wires }: Pick<Surveyed, 'config' | 'wires'>,
  isAlone: boolean,
  signal: AbortSignal,
): Promise<void> {
  const part = config.parts.find(
    ({ id, attachment: a }) => a.kind === 'gpio' && (a.line === line || id === line),
  );
  const held = part && wires.lineOf(part.id);
  if (!held)
    throw new HalError('absent', line, part ? 'its part has not opened it' : 'no part has this line');
  if (!held.isWatched && !isAlone)
    throw new HalError(
      'unsupported',
      line,
      `the part ${part.id} does not watch it: there are no edges to see`,
    );
  const broken = new AbortController();
  const stopLooking = held.look(onEdges, () => broken.abort());
  const stopWatching = held.isWatched ? undefined : await held.watch(ignore, ignore);
  try {
    await endOf(AbortSignal.any([signal, broken.signal]));
  } finally {
    stopLooking();
    await stopWatching?.();
  }
}

function endOf(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve());
  });
}

function ignore(): void {}
