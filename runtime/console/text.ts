import { CommandError, EXIT } from './command.js';

/** With its zone, so that nobody has to guess one. */
const ISO = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?(Z|[+-]\d{2}:\d{2})$/;

/** Between words, but not between a number and its unit. */
const BREAKS = /(?<=[^\s\d]) (?=\S)|(?<=\d) (?=\S{8}|[^\s%°µA-Za-z])/;

/** A text in lines of at most `columns` characters, broken between words; lines after the first begin with `indent` spaces. */
export function wrapped(text: string, columns: number, indent: number): readonly string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(BREAKS)) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (longer.length <= columns || line === '') line = longer;
    else {
      lines.push(line);
      line = `${' '.repeat(indent)}${word}`;
    }
  }
  return [...lines, line];
}

/** `5 s ago`, `12 min ago`, `3 h ago`, `4 days ago`. */
export function agoText(ns: bigint): string {
  return `${spanText(ns)} ago`;
}

/** `5 s`, `12 min`, `3 h`, `4 days`. */
export function spanText(ns: bigint): string {
  const seconds = Math.max(0, Number(ns / 1_000_000_000n));
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7200) return `${Math.floor(seconds / 60)} min`;
  return seconds < 172_800 ? `${Math.floor(seconds / 3600)} h` : `${Math.floor(seconds / 86_400)} days`;
}

/** ms since 1970 of a time that somebody typed; throws the CommandError for what is none. */
export function wallMsOf(text: string): number {
  const wallMs = Date.parse(text);
  if (ISO.test(text) && !Number.isNaN(wallMs)) return wallMs;
  throw new CommandError(EXIT.usage, `'${text}' is no time with its zone: 2026-11-22T19:30:00Z`);
}

/** `12,345`. */
export function countText(count: number): string {
  return count.toLocaleString('en-US');
}
