import type { Problems } from './problem.js';
import type { Place } from './types.js';

/** The parser's errors in the words of somebody who writes node files, not parsers. */

interface SyntaxError {
  /** `yaml` 2, ErrorCode. */
  readonly code: string;
  readonly message: string;
}

/** By code, and where one code has several causes by what the message says; the first that fits. */
const WORDS: readonly (readonly [code: string, says: RegExp, what: string, wanted: string])[] = [
  ['TAB_AS_INDENT', /./, 'a tab as indentation', 'spaces'],
  ['BAD_INDENT', /end with a }/, 'a bracket is still open here', 'a closing } above'],
  ['BAD_INDENT', /end with a ]/, 'a bracket is still open here', 'a closing ] above'],
  [
    'BAD_INDENT',
    /./,
    'this line is indented otherwise than its neighbours',
    'the indentation that they have',
  ],
  ['MISSING_CHAR', /quote/, 'a quote is still open here', 'a closing quote above'],
  ['MISSING_CHAR', /map values/, "a line without 'key: value'", 'a colon and a space behind the key'],
  ['MULTILINE_IMPLICIT_KEY', /./, "a line without 'key: value'", 'a colon and a space behind the key'],
  [
    'BLOCK_AS_IMPLICIT_KEY',
    /./,
    "a 'key: value' inside a value",
    "one a line, or a text with ': ' in quotes",
  ],
  ['BLOCK_IN_FLOW', /./, 'two entries in one place between brackets', 'a comma between them'],
  [
    'UNEXPECTED_TOKEN',
    /-end token/,
    'a closing bracket that closes nothing',
    'as many closing as opening ones',
  ],
  ['UNEXPECTED_TOKEN', /./, 'something stands where nothing may', "lines of 'key: value'"],
  ['BAD_SCALAR_START', /./, 'a text starts with a character that YAML keeps to itself', 'the text in quotes'],
  ['BAD_DQ_ESCAPE', /./, 'a backslash with a letter that means nothing', "the text in 'single quotes'"],
  ['MULTIPLE_DOCS', /./, 'a second document starts here', "one document a file, without '---' between"],
  ['TAG_RESOLVE_FAILED', /./, 'a !tag', 'the value without it'],
];

export function reportSyntax(error: SyntaxError, place: Place, problems: Problems): void {
  const words = WORDS.find(([code, says]) => code === error.code && says.test(error.message));
  problems.add(place, `not YAML: ${words?.[2] ?? firstLine(error.message)}`, words?.[3] ?? 'YAML 1.2');
}

function firstLine(message: string): string {
  const line = message.split('\n', 1)[0]!.replace(/\.$/, '');
  return line.charAt(0).toLowerCase() + line.slice(1);
}
