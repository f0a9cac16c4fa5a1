import type { Command } from '../command.js';
import { wrapped } from '../text.js';

/** All commands, each with what it does; or all about one. In lines of at most `columns` characters. */
export function helpLines(
  commands: readonly Command[],
  command: Command | undefined,
  columns: number,
): readonly string[] {
  if (command) return aboutOne(command).flatMap((line) => wrapped(line, columns, 4));
  const width = Math.max(...commands.map(({ name }) => name.length), 14);
  return [
    ...commands.map(({ name, summary }) => `${name.padEnd(width)}  ${summary}`),
    `${'help <command>'.padEnd(width)}  how to call it, with examples`,
    `${'exit'.padEnd(width)}  end the session`,
    'Tab completes, arrows edit and bring lines back, Ctrl-C stops a command.',
  ].flatMap((line) => wrapped(line, columns, width + 2));
}

function aboutOne({ name, usage, summary, examples }: Command): readonly string[] {
  return [`${name} ${usage}`.trimEnd(), `  ${summary}`, ...examples.map((example) => `  e.g. ${example}`)];
}
