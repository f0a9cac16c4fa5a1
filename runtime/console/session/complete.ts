import { type Command, TOPICS } from '../command.js';

/** What the last word of a text can become. */
export interface Completion {
  /** The word so far. */
  readonly word: string;
  /** Whole words that begin with it, sorted, none twice. */
  readonly candidates: readonly string[];
}

export type Completer = (before: string) => Completion;

/** Commands, then options of the command, then names that its arguments may have: parts and streams. */
export function completerOf(
  commands: readonly Command[],
  builtIns: readonly string[],
  names: () => readonly string[],
): Completer {
  return (before) => {
    const words = before.trimStart().split(/ +/);
    const word = words.at(-1) ?? '';
    const earlier = words.slice(0, -1);
    const found = candidates(earlier, word, commands, builtIns, names);
    return { word, candidates: [...new Set(found)].filter((name) => name.startsWith(word)).sort() };
  };
}

function candidates(
  earlier: readonly string[],
  word: string,
  commands: readonly Command[],
  builtIns: readonly string[],
  names: () => readonly string[],
): readonly string[] {
  const path = earlier[0] === 'help' ? earlier.slice(1) : earlier;
  const nextWords = commands
    .map((command) => command.name.split(' '))
    .filter((name) => name.length > path.length && path.every((part, i) => part === name[i]))
    .map((name) => name[path.length] as string);
  if (earlier.length === 0) return [...nextWords, ...builtIns];
  if (earlier[0] === 'help') return earlier.length === 1 ? [...nextWords, ...TOPICS] : nextWords;
  const called = commands.filter(({ name }) => `${earlier.join(' ')} `.startsWith(`${name} `));
  if (word.startsWith('-')) return called.flatMap(optionsOf);
  return [...nextWords, ...(called.length > 0 ? names() : [])];
}

function optionsOf({ options }: Command): readonly string[] {
  return [...Object.keys(options), 'json', 'help'].map((name) => `--${name}`);
}

/** What all of them begin with. */
export function commonPrefix(words: readonly string[]): string {
  const [first = '', ...rest] = words;
  let length = first.length;
  for (const word of rest) while (!word.startsWith(first.slice(0, length))) length--;
  return first.slice(0, length);
}
