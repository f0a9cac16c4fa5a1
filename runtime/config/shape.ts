import * as v from 'valibot';
import type { Problems } from './problem.js';
import type { Entry } from './tree.js';

/** Looking into valibot's schemas, which show their parts as plain properties. */

export type Path = readonly (string | number)[];

interface Parts {
  readonly type?: string;
  readonly entries?: Readonly<Record<string, v.GenericSchema>>;
  /** Of an optional. */
  readonly wrapped?: v.GenericSchema;
  /** Of every item of a list. */
  readonly item?: v.GenericSchema;
  /** Of every value of a record. */
  readonly value?: v.GenericSchema;
}

function partsOf(schema: v.GenericSchema | undefined): Parts {
  return (schema ?? {}) as Parts;
}

/** The schemas of an object schema's keys; undefined for any other. */
export function entriesOf(
  schema: v.GenericSchema | undefined,
): Readonly<Record<string, v.GenericSchema>> | undefined {
  return partsOf(schema).entries;
}

/** The schema inside optionals. */
export function unwrapped(schema: v.GenericSchema): v.GenericSchema {
  const { wrapped } = partsOf(schema);
  return wrapped ? unwrapped(wrapped) : schema;
}

/** The schema of what stands under a path; with its description where an optional has it. */
export function schemaAt(schema: v.GenericSchema, path: Path): v.GenericSchema | undefined {
  let at: v.GenericSchema | undefined = schema;
  for (const step of path) at = at && child(at, step);
  return at && (v.getDescription(at) === undefined ? unwrapped(at) : at);
}

function child(schema: v.GenericSchema, step: string | number): v.GenericSchema | undefined {
  const { entries, item, value } = partsOf(unwrapped(schema));
  if (entries) return Object.hasOwn(entries, step) ? entries[String(step)] : undefined;
  return item ?? value;
}

/** Every key that a strict schema hasn't got, at any depth. The library stops at the first, and takes `constructor` for known. */
export function reportUnknownKeys(
  { tree }: Entry,
  schema: v.GenericSchema,
  name: string,
  problems: Problems,
): void {
  const inner = unwrapped(schema);
  if (tree.kind === 'list') {
    for (const [index, item] of tree.items.entries()) {
      const of = child(inner, index);
      if (of) reportUnknownKeys({ tree: item, keyPlace: item.place }, of, dotted(name, [index]), problems);
    }
  }
  if (tree.kind !== 'map') return;
  const { type, entries } = partsOf(inner);
  for (const [key, entry] of tree.entries) {
    const of = child(inner, key);
    if (of) reportUnknownKeys(entry, of, dotted(name, [key]), problems);
    else if (type === 'strict_object') {
      const what = `${name || 'the file'} has no key '${key}'`;
      problems.addUnknown(entry.keyPlace, what, key, Object.keys(entries ?? {}));
    }
  }
}

/** `parts.climate.every` */
export function dotted(name: string, path: Path): string {
  return [name, ...path].filter((step) => step !== '').join('.');
}
