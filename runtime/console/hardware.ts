import { native } from '../../native/index.js';
import { type Board, type BoardDeps, openBoard } from '../board/index.js';
import { systemClock } from '../clock/index.js';
import type { NodeConfig } from '../config/index.js';
import type { Terminal } from './command.js';

/** The real world; what the board warns of is said. */
export function boardDeps(terminal: Pick<Terminal, 'err'>): BoardDeps {
  return {
    clock: systemClock(),
    native,
    random: Math.random,
    log: (level, text) => {
      if (level === 'warn' || level === 'error') terminal.err(text);
    },
  };
}

/** Opens the board for one piece of work and closes it whatever comes of it. */
export async function withBoard<T>(
  config: NodeConfig,
  terminal: Terminal,
  work: (board: Board) => Promise<T>,
): Promise<T> {
  const board = await openBoard(config, boardDeps(terminal));
  try {
    return await work(board);
  } finally {
    await board.close();
  }
}
