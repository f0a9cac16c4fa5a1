import * as v from 'valibot';
import { oneOf, type Problems } from './problem.js';
import { dotted, type Path, reportUnknownKeys, schemaAt, unwrapped } from './shape.js';
import { describe, type Entry, find, plain, type Tree } from './tree.js';
import type { Place } from './types.js';

/** Keys whose values are never shown, wherever they stand. */
const SECRET_KEY = /^(password|passphrase|key|secret|token|psk)$/i;

/**
 * Holds a tree against a schema and turns each of its issues into a problem at the place it is about. A schema's own message
 * says what is wanted. `name` is the tree's own path, for the text: `parts.climate`.
 */
export function check<S extends v.GenericSchema>(
  from: Tree | Entry,
  schema: S,
  name: string,
  problems: Problems,
): v.InferOutput<S> | undefined {
  const entry = find(from, []);
  const before = problems.count;
  reportUnknownKeys(entry, schema, name, problems);
  const result = v.safeParse(schema, plain(entry.tree));
  for (const issue of result.issues ?? []) report(issue, entry, schema, name, problems);
  return result.success && problems.count === before ? result.output : undefined;
}

function report(
  issue: v.BaseIssue<unknown>,
  entry: Entry,
  schema: v.GenericSchema,
  name: string,
  problems: Problems,
): void {
  const path = (issue.path ?? []).map((step) => step.key as string | number);
  const parent = find(entry, path.slice(0, -1));
  const aboutKey = issue.path?.at(-1)?.origin === 'key';
  if (aboutKey && parent.tree.kind === 'list') {
    // To the library a list is an object with keys 0, 1, …
    const owner = path.slice(0, -1);
    problems.add(parent.tree.place, `${dotted(name, owner)} can't be a list`, wantedInstead(schema, owner));
  } else if (issue.expected !== 'never') {
    reportValue(issue, path, entry, schema, name, problems);
  }
}

function reportValue(
  issue: v.BaseIssue<unknown>,
  path: Path,
  entry: Entry,
  schema: v.GenericSchema,
  name: string,
  problems: Problems,
): void {
  const at = find(entry, path);
  const last = String(path.at(-1) ?? '');
  const whole = dotted(name, path);
  if (at.found < path.length) {
    const owner = dotted(name, path.slice(0, -1)) || 'the file';
    problems.add(at.keyPlace, `${owner} lacks '${last}'`, `'${last}': ${wantedInstead(schema, path)}`);
  } else if (issue.kind === 'validation' && at.tree.kind === 'map') {
    problems.add(at.keyPlace, `${whole}: its keys don't go together`, wantedOf(issue, schema, path));
  } else {
    problems.add(valuePlace(at), `${whole} can't be ${shown(at.tree, last)}`, wantedOf(issue, schema, path));
  }
}

/** What the schema of a key says to a value that is none. */
function wantedInstead(schema: v.GenericSchema, path: Path): string {
  const wanting = schemaAt(schema, path);
  const issue = wanting && v.safeParse(unwrapped(wanting), null).issues?.[0];
  return issue ? wantedOf(issue, schema, path) : 'a value';
}

function valuePlace(at: { tree: Tree; keyPlace: Place }): Place {
  const empty = at.tree.kind === 'scalar' && at.tree.value === null;
  return empty ? at.keyPlace : at.tree.place;
}

/** The value for a message, without what could be a secret. */
function shown(tree: Tree, key: string): string {
  if (tree.kind === 'scalar' && tree.value !== null && SECRET_KEY.test(key)) return 'a text';
  return describe(tree).replace(/\/\/[^/@\s]*@/, '//…@');
}

/** The words of the schema where it has some, else made from what the library expected. */
function wantedOf(issue: v.BaseIssue<unknown>, schema: v.GenericSchema, path: Path): string {
  if (!issue.message.startsWith('Invalid '))
    return issue.message.replace(/ is wanted\b/, '').replace(/ are wanted\b/, '');
  const of = schemaAt(schema, path);
  const described = of && v.getDescription(of);
  const choices = [...(issue.expected ?? '').matchAll(/"([^"]*)"/g)].map((match) => match[1]!);
  if (issue.type === 'picklist' || issue.type === 'literal') return oneOf(choices);
  const kind = KINDS[issue.type] ?? bound(issue);
  return [kind, described].filter((part) => part !== undefined).join(': ') || 'another value';
}

const KINDS: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a mapping',
  strict_object: 'a mapping',
  record: 'a mapping',
  integer: 'a whole number',
};

function bound(issue: v.BaseIssue<unknown>): string | undefined {
  const match = /^([<>])=?(.+)$/.exec(issue.expected ?? '');
  return match ? `${match[1] === '>' ? 'at least' : 'at most'} ${match[2]}` : undefined;
}
