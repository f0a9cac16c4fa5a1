import { type Command, TOPICS, type Topic } from '../command.js';
import { wrapped } from '../text.js';

/** What may be asked for help: nothing, a topic, a command. */
export type Asked = Topic | Command | undefined;

/** The names of all commands by topic, on one screen; what each of a topic does; or all about one. In lines of at most `columns` characters. */
export function helpLines(commands: readonly Command[], asked: Asked, columns: number): readonly string[] {
  if (asked === undefined) return overview(commands, columns);
  if (typeof asked !== 'string') return aboutOne(asked).flatMap((line) => wrapped(line, columns, 4));
  const own = of(commands, asked);
  const width = Math.max(...own.map(({ name }) => name.length));
  return own.flatMap(({ name, summary }) => wrapped(`${name.padEnd(width)}  ${summary}`, columns, width + 2));
}

export function topicOf(words: readonly string[]): Topic | undefined {
  return words.length === 1 ? TOPICS.find((topic) => topic === words[0]) : undefined;
}

function overview(commands: readonly Command[], columns: number): readonly string[] {
  const width = Math.max(...TOPICS.map(({ length }) => length));
  const topics = TOPICS.flatMap((topic) => {
    const names = of(commands, topic).map(({ name }) => name.replace(' ', '\u00a0'));
    if (names.length === 0) return [];
    return wrapped(`${topic.padEnd(width)}  ${names.join(', ')}`, columns, width + 2);
  });
  return [
    ...topics.map((line) => line.replaceAll('\u00a0', ' ')),
    '',
    'help TOPIC tells what each does (help wiring), help COMMAND how to call it.',
    'Begin with why; end with report, then exit.',
    'Tab completes, arrows edit and bring lines back, Ctrl-C stops a command.',
  ];
}

function of(commands: readonly Command[], topic: Topic): readonly Command[] {
  return commands.filter((command) => command.topic === topic);
}

function aboutOne({ name, usage, summary, examples }: Command): readonly string[] {
  return [`${name} ${usage}`.trimEnd(), `  ${summary}`, ...examples.map((example) => `  e.g. ${example}`)];
}
