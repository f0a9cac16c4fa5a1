import { native } from '../../../native/index.js';
import { ask, controlPath, follow, toJson, withBigints } from '../../control.js';
import { LOG_LEVELS, type LoggedLine, type LogLevel } from '../../log-tail.js';
import type { Heard } from '../../tap.js';
import { CONFIG_OPTION, type Command, CommandError, EXIT, type Invocation } from '../command.js';
import { readRunning } from '../files.js';
import { agoText, wrapped } from '../text.js';

const DEFAULT_LINES = 20;

export const log: Command = {
  name: 'log',
  topic: 'look',
  summary:
    'the newest lines of the running node’s log, oldest first; --follow: and those that come, until Ctrl-C',
  usage: '[--follow] [--level LEVEL] [--module NAME] [--lines N] [--config FILE]',
  examples: ['cairn log', 'cairn log --follow --level warn', 'cairn log --module uplink --lines 100'],
  options: {
    ...CONFIG_OPTION,
    follow: { type: 'boolean', short: 'f' },
    level: { type: 'string' },
    module: { type: 'string' },
    lines: { type: 'string' },
  },
  role: 'viewer',
  onConsole: true,
  async run(call) {
    const path = controlPath(readRunning(call).store.path);
    const isWanted = filterOf(call);
    const show = async (line: LoggedLine): Promise<void> => {
      if (!isWanted(line)) return;
      if (call.json) call.terminal.out(toJson(line));
      else for (const text of textOf(line, call.terminal.columns)) call.terminal.out(text);
      await call.terminal.drained();
    };
    // Followed before the past is asked for, so that nothing lies between the two; what is in both is shown once.
    const coming = follow(path, 'log', undefined, call.signal);
    const next = call.options.follow ? coming.next() : undefined;
    const recent = (await ask(path, 'recentLog')) as readonly unknown[] | undefined;
    if (!recent)
      throw new CommandError(EXIT.failed, 'no node runs; journalctl -u cairn has the log of its service');
    const past = recent.map((line) => withBigints(line) as LoggedLine).filter(isWanted);
    for (const line of past.slice(-linesOf(call))) await show(line);
    if (!next) return EXIT.ok;
    const lastNs = past.at(-1)?.timeNs ?? 0n;
    for (let heard = await next; !heard.done; heard = await coming.next()) {
      const value = withBigints(heard.value) as Heard<LoggedLine>;
      if ('item' in value && value.item.timeNs > lastNs) await show(value.item);
      else if ('item' in value) continue;
      else call.terminal.err(`${value.left} lines were passed by: the line is too slow for them`);
    }
    return EXIT.ok;
  },
};

function filterOf({ options }: Invocation): (line: LoggedLine) => boolean {
  const least = LOG_LEVELS.indexOf((options.level ?? 'debug') as LogLevel);
  if (least < 0) throw new CommandError(EXIT.usage, `--level: one of ${LOG_LEVELS.join(', ')}`);
  return ({ level, module }) =>
    LOG_LEVELS.indexOf(level) >= least && (options.module === undefined || module === options.module);
}

function linesOf({ options }: Invocation): number {
  if (options.lines === undefined) return DEFAULT_LINES;
  const lines = Number(options.lines);
  if (!Number.isInteger(lines) || lines < 0) throw new CommandError(EXIT.usage, '--lines: a whole number');
  return lines;
}

function textOf({ timeNs, level, module, text }: LoggedLine, columns: number): readonly string[] {
  const ago = agoText(native.bootTimeNs() - timeNs);
  return wrapped(`${ago.padStart(10)} ${level.padEnd(5)} ${module}: ${text}`, columns, 17);
}
