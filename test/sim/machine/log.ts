import { oneRow, type Rows } from '../../../drivers/contract/index.js';
import { LOG_LEVELS, type Log, type LogSink } from '../../../runtime/log.js';
import type { Life } from './life.js';

/** Lines that wait for a store, and that go into one in a burst, at most. */
const BURST = 100;
const PER_S = 5;

/** The runtime's log without its standard output: rows of the stream `log`, bounded as the product bounds them. */
export function simLog(
  life: Life,
  onLine: (level: string, module: string, text: string) => void,
): { log: Log; sink: LogSink } {
  let append: ((rows: Rows) => void) | undefined;
  let waiting: Rows[] | undefined = [];
  let tokens = BURST;
  let refilledNs = 0n;
  const log: Log = (level, module, text) => {
    if (life.dead) return;
    onLine(level, module, text);
    if (level === 'debug') return;
    const nowNs = life.boot.bootNs();
    tokens = Math.min(BURST, tokens + (Number(nowNs - refilledNs) / 1e9) * PER_S);
    refilledNs = nowNs;
    if (tokens < 1) return;
    tokens -= 1;
    const rows = oneRow('log', nowNs, [LOG_LEVELS.indexOf(level), module, text.slice(0, 1000)]);
    if (append) append(rows);
    else if (waiting && waiting.length < BURST) waiting.push(rows);
  };
  const sink: LogSink = {
    attach: (to) => {
      append = to;
      for (const rows of waiting?.splice(0) ?? []) to(rows);
      waiting = undefined;
    },
    detach: () => {
      append = undefined;
      waiting = undefined;
    },
  };
  return { log, sink };
}
