import { native } from '../../native/index.js';
import { type Board, openBoard } from '../board/index.js';
import { systemClock } from '../clock/index.js';
import type { NodeConfig } from '../config/index.js';
import type { Terminal } from './command.js';

/** Opens the board for one piece of work and closes it whatever comes of it. */
export async function withBoard<T>(
  config: NodeConfig,
  terminal: Terminal,
  work: (board: Board) => Promise<T>,
): Promise<T> {
  const board = await openBoard(config, {
    clock: systemClock(),
    native,
    random: Math.random,
    log: (level, text) => {
      if (level === 'warn' || level === 'error') terminal.err(text);
    },
  });
  try {
    return await work(board);
  } finally {
    await board.close();
  }
}
