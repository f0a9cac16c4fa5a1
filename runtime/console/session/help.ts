import type { Command } from '../command.js';

/** All commands, a line each; or all about one. */
export function helpLines(commands: readonly Command[], command: Command | undefined): readonly string[] {
  if (command) return aboutOne(command);
  const width = Math.max(...commands.map(({ name }) => name.length), 14);
  return [
    ...commands.map(({ name, summary }) => `${name.padEnd(width)} ${summary}`),
    `${'help <command>'.padEnd(width)} how to call it, with examples`,
    `${'exit'.padEnd(width)} end the session`,
    'Tab completes, arrows edit and bring lines back, Ctrl-C stops a command.',
  ];
}

function aboutOne({ name, usage, summary, examples }: Command): readonly string[] {
  return [`${name} ${usage}`.trimEnd(), `  ${summary}`, ...examples.map((example) => `  e.g. ${example}`)];
}
