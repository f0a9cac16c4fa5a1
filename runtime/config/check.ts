import * as v from 'valibot';
import { oneOf, type Problems } from './problem.js';
import { describe, type Entry, find, plain, type Tree } from './tree.js';
import type { Place } from './types.js';

/** Keys whose values are never shown, wherever they stand. */
const SECRET_KEY = /^(password|passphrase|key|secret|token|psk)$/i;

type Path = readonly (string | number)[];

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
  const result = v.safeParse(schema, plain(find(from, []).tree));
  if (result.success) return result.output;
  for (const issue of result.issues) report(issue, from, schema, name, problems);
  return undefined;
}

/** `parts.climate.every` */
export function dotted(name: string, path: Path): string {
  return [name, ...path].filter((step) => step !== '').join('.');
}

function report(
  issue: v.BaseIssue<unknown>,
  from: Tree | Entry,
  schema: v.GenericSchema,
  name: string,
  problems: Problems,
): void {
  const path = (issue.path ?? []).map((step) => step.key as string | number);
  const at = find(from, path);
  const last = String(path.at(-1) ?? '');
  const parent = path.slice(0, -1);
  const aboutKey = issue.path?.at(-1)?.origin === 'key';
  if (aboutKey && find(from, parent).tree.kind === 'list') {
    // To the library a list is an object with keys 0, 1, …
    const { tree } = find(from, parent);
    problems.add(tree.place, `${dotted(name, parent)} can't be a list`, wantedInstead(schema, parent));
    return;
  }
  const owner = dotted(name, parent) || 'the file';
  if (issue.expected === 'never') {
    const keys = Object.keys(entriesAt(schema, parent));
    problems.addUnknown(at.keyPlace, `${owner} has no key '${last}'`, last, keys);
  } else if (at.found < path.length) {
    problems.add(at.keyPlace, `${owner} lacks '${last}'`, `'${last}': ${wantedInstead(schema, path)}`);
  } else if (issue.kind === 'validation' && at.tree.kind === 'map') {
    problems.add(
      at.keyPlace,
      `${dotted(name, path)}: its keys don't go together`,
      wantedOf(issue, schema, path),
    );
  } else {
    const what = `${dotted(name, path)} can't be ${shown(at.tree, last)}`;
    problems.add(valuePlace(at), what, wantedOf(issue, schema, path));
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
  const described = descriptionAt(schema, path);
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

function descriptionAt(schema: v.GenericSchema, path: Path): string | undefined {
  const at = schemaAt(schema, path);
  return at && v.getDescription(at);
}

function entriesAt(schema: v.GenericSchema, path: Path): Readonly<Record<string, v.GenericSchema>> {
  const at = schemaAt(schema, path);
  return entriesOf(at && unwrapped(at)) ?? {};
}

/** The schemas of an object schema's keys; undefined for any other. */
export function entriesOf(schema: unknown): Readonly<Record<string, v.GenericSchema>> | undefined {
  return (schema as { entries?: Record<string, v.GenericSchema> } | undefined)?.entries;
}

function schemaAt(schema: v.GenericSchema, path: Path): v.GenericSchema | undefined {
  let at: v.GenericSchema | undefined = unwrapped(schema);
  for (const [depth, step] of path.entries()) {
    const next = entriesOf(at)?.[String(step)] ?? elementOf(at);
    at = next && depth < path.length - 1 ? unwrapped(next) : next;
  }
  return at && (v.getDescription(at) === undefined ? unwrapped(at) : at);
}

/** The schema of every item of a list, or of every value of a record. */
function elementOf(schema: unknown): v.GenericSchema | undefined {
  const { item, value } = (schema ?? {}) as { item?: v.GenericSchema; value?: v.GenericSchema };
  return item ?? value;
}

function unwrapped(schema: v.GenericSchema): v.GenericSchema {
  const inner = (schema as { wrapped?: v.GenericSchema }).wrapped;
  return inner ? unwrapped(inner) : schema;
}
