/** A node file that must be refused; its first line says why, lines with `#! ` say what is to be reported. */
export interface WrongFile {
  readonly name: string;
  readonly text: string;
}

const EXPECTED = '#! ';

export interface WrongFileParts {
  readonly title: string;
  /** `6:33: what is wrong (wanted: what would be right)` */
  readonly expected: readonly string[];
  /** The file's lines, from the first. */
  readonly lines: readonly string[];
}

export function partsOf({ text }: WrongFile): WrongFileParts {
  const lines = text.split('\n');
  return {
    title: lines[0]!.replace(/^# /, ''),
    expected: lines.filter((line) => line.startsWith(EXPECTED)).map((line) => line.slice(EXPECTED.length)),
    lines,
  };
}

const HEAD = `# What a wrong node file is told

\`cairn check\` and \`cairn run\` refuse each of these, with all that is wrong at once; none starts, none throws. The files are
test/config/wrong/ and a test holds this table to them: \`node dist/scripts/schema.js\` writes it anew. Paths are shortened to
the file's name.

| What is wrong | The line | What is said |
|---|---|---|
`;

/** docs/config-errors.md */
export function errorTable(files: readonly WrongFile[]): string {
  return HEAD + files.map((file) => row(file, partsOf(file))).join('');
}

function row({ name }: WrongFile, { title, expected, lines }: WrongFileParts): string {
  const said = expected.map((line) => `${name}:${line.replaceAll('test/config/wrong/', '')}`);
  const shown = expected.map((line) => lines[Number.parseInt(line, 10) - 1]!.trim());
  return `| ${cell([title])} | ${cell(shown.map(code))} | ${cell(said.map(code))} |\n`;
}

function code(text: string): string {
  return `\`${text}\``;
}

function cell(lines: readonly string[]): string {
  return lines.join('<br>').replaceAll('|', '\\|');
}
