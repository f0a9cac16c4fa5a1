import { readFileSync } from 'node:fs';
import * as v from 'valibot';
import { type Document, isNode, LineCounter, parseDocument } from 'yaml';
import { issueText } from '../words.js';
import { type FleetConfig, fleetSchema } from './schema.js';

export { type FleetConfig, isLoopbackHost } from './schema.js';

const MAX_BYTES = 256 * 1024;

/** All that is wrong with a file, a line each: `fleet.yaml:3:9: broker.port: …`. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';

  constructor(readonly problems: readonly string[]) {
    super(problems.join('\n'));
  }
}

/** Reads the fleet's file. Throws ConfigError with every problem at once, at its line and column. */
export function readConfig(file: string): FleetConfig {
  return parseConfig(textOf(file), file);
}

export function parseConfig(text: string, file: string): FleetConfig {
  if (text.length > MAX_BYTES) throw new ConfigError([`${file}: more than ${MAX_BYTES} bytes`]);
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const at = (offset: number) => `${file}:${lines.linePos(offset).line}:${lines.linePos(offset).col}`;
  if (document.errors.length > 0)
    throw new ConfigError(document.errors.map(({ pos, message }) => `${at(pos[0])}: ${message}`));
  const result = v.safeParse(fleetSchema, valuesOf(document, file));
  if (result.success) return result.output;
  const found = result.issues.map((issue) => ({ issue, offset: offsetOf(document, pathOf(issue)) }));
  found.sort((a, b) => a.offset - b.offset);
  throw new ConfigError(found.map(({ issue, offset }) => `${at(offset)}: ${problem(issue)}`));
}

/** An alias of nothing, or too many of them, is found here only. */
function valuesOf(document: Document.Parsed, file: string): unknown {
  try {
    return document.toJS({ maxAliasCount: 100 });
  } catch (error) {
    throw new ConfigError([`${file}: ${(error as Error).message}`]);
  }
}

function pathOf(issue: v.BaseIssue<unknown>): readonly unknown[] {
  return issue.path?.map(({ key }) => key) ?? [];
}

function problem(issue: v.BaseIssue<unknown>): string {
  const path = pathOf(issue);
  const text = issueText(issue);
  return path.length > 0 ? `${path.join('.')}: ${text}` : text;
}

/** Where the deepest thing stands that the path names and the file has. */
function offsetOf(document: Document.Parsed, path: readonly unknown[]): number {
  for (let depth = path.length; depth > 0; depth--) {
    const found = document.getIn(path.slice(0, depth), true);
    if (isNode(found) && found.range) return found.range[0];
  }
  return 0;
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const why =
      code === 'ENOENT'
        ? 'there is no such file; a line `data: /var/lib/cairn-fleet` is enough for one'
        : message;
    throw new ConfigError([`${file}: ${why}`]);
  }
}
