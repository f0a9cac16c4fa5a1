import { HalError, type Rows } from '../../drivers/contract/index.js';
import type { Board } from '../board/types.js';
import type { RuntimeClock } from '../clock/types.js';
import type { PartConfig } from '../config/types.js';
import { PartLoop } from './part.js';
import type { CorrectionsOf, OnRaw, Sampler, SamplerCommand, SamplerStream } from './types.js';

export { fullStreams } from './streams.js';
export type * from './types.js';

const INBOX_MAX = 16;
/** Longer than all calls of one tick together may take. */
const STUCK_MS = 30_000;

export interface SamplerOptions {
  readonly board: Board;
  readonly clock: RuntimeClock;
  /** [0, 1) */
  readonly random: () => number;
  readonly declare: (streams: readonly SamplerStream[]) => void;
  readonly emit: (rows: Rows) => void;
  /** Absent: nobody looks at rows before they are calibrated. */
  readonly onRaw?: OnRaw;
  /** Absent: no part is calibrated. */
  readonly correctionsOf?: CorrectionsOf;
  readonly log: (level: 'info' | 'warn', text: string) => void;
}

/** Owns all timing of the parts: schedules, retries, filters, quality. Parts don't wait for each other. */
export function createSampler(options: SamplerOptions): Sampler {
  const { board } = options;
  const loops = new Map<PartConfig, PartLoop>();
  for (const part of board.parts) {
    loops.set(part.config, new PartLoop({ ...shared(options, part.config), opened: part }));
  }
  for (const { config } of board.missing) loops.set(config, new PartLoop(shared(options, config)));

  const inbox: SamplerCommand[] = [];
  const drain = () => {
    for (const command of inbox.splice(0)) obey(loops, command);
  };
  return {
    start: () => {
      for (const loop of loops.values()) loop.start();
    },
    send: (command) => {
      if (inbox.length >= INBOX_MAX) return false;
      if (inbox.push(command) === 1) options.clock.after(0, drain);
      return true;
    },
    status: () => [...loops.values()].map((loop) => loop.status()),
    lend: async (partId, forMs, work) => {
      const loop = [...loops].find(([{ id }]) => id === partId)?.[1];
      if (!loop) throw new HalError('invalid', partId, 'no such part');
      return loop.lend(forMs, work);
    },
    isStuck: () => {
      const nowNs = options.clock.nowNs();
      const late = [...loops.values()].flatMap((loop) => loop.lateMs(nowNs) ?? []);
      return late.length > 0 && Math.min(...late) > STUCK_MS;
    },
    stop: async () => {
      await Promise.all([...loops.values()].map((loop) => loop.stop()));
    },
  };
}

function shared(options: SamplerOptions, config: PartConfig) {
  const { board, clock, random, declare, emit, onRaw, correctionsOf, log } = options;
  return {
    config,
    clock,
    random,
    declare,
    emit,
    ...(onRaw && { onRaw }),
    ...(correctionsOf && { correctionsOf }),
    log,
    open: () => board.reopen(config),
    release: () => board.release(config),
    recover: (busKey: string) => board.recover(busKey),
  };
}

function obey(loops: ReadonlyMap<PartConfig, PartLoop>, command: SamplerCommand): void {
  if (command.kind === 'setMotion') setMotion(loops, command.state);
  else
    for (const [{ id }, loop] of loops) {
      if (id !== command.partId) continue;
      if (command.kind === 'sample') loop.sampleNow();
      else loop.recalibrate();
    }
}

/** A stream may slow itself down while nothing moves. */
function setMotion(loops: ReadonlyMap<PartConfig, PartLoop>, state: 'still' | 'moving'): void {
  for (const [config, loop] of loops) {
    if (!config.slow || config.intervalMs === undefined) continue;
    loop.setInterval(state === 'still' ? config.slow.intervalMs : config.intervalMs);
  }
}
