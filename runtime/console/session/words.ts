/** A line that is not whole: nothing was run. */
export class WordsError extends Error {
  override readonly name = 'WordsError';

  constructor(
    readonly quote: "'" | '"',
    /** Counted from 1. */
    readonly column: number,
  ) {
    super(`the ${quote} in column ${column} is never closed; nothing was run`);
  }
}

/** In double quotes a backslash stands for itself before all others (POSIX.1-2017, Shell Command Language §2.2.3). */
const ESCAPED_IN_QUOTES = /[$`"\\]/;

/**
 * A command line into words, quoted as for a shell (POSIX.1-2017, Shell Command Language §2.2 and §2.3): '…', "…", backslash, and # before a
 * comment. Nothing is expanded: $ * ? ~ | & ; < > stand for themselves. Throws WordsError.
 */
export function wordsOf(line: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  for (let at = 0; at < line.length; ) {
    const char = line[at] as string;
    if (char === ' ' || char === '\t') {
      if (word !== undefined) words.push(word);
      word = undefined;
      at++;
    } else if (char === '#' && word === undefined) {
      break;
    } else {
      const piece = pieceAt(line, at);
      word = (word ?? '') + piece.text;
      at = piece.end;
    }
  }
  if (word !== undefined) words.push(word);
  return words;
}

interface Piece {
  readonly text: string;
  readonly end: number;
}

function pieceAt(line: string, at: number): Piece {
  const char = line[at] as string;
  if (char === "'") return single(line, at);
  if (char === '"') return double(line, at);
  if (char === '\\' && at + 1 < line.length) return { text: line[at + 1] as string, end: at + 2 };
  return { text: char, end: at + 1 };
}

function single(line: string, at: number): Piece {
  const end = line.indexOf("'", at + 1);
  if (end < 0) throw new WordsError("'", at + 1);
  return { text: line.slice(at + 1, end), end: end + 1 };
}

function double(line: string, from: number): Piece {
  let text = '';
  for (let at = from + 1; at < line.length; at++) {
    const char = line[at] as string;
    if (char === '"') return { text, end: at + 1 };
    const isEscape = char === '\\' && ESCAPED_IN_QUOTES.test(line[at + 1] ?? '');
    if (isEscape) at++;
    text += line[at];
  }
  throw new WordsError('"', from + 1);
}
