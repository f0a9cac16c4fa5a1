import type { Place } from './types.js';

/** A YAML text as a tree in which every key and value knows where it stands; fragments of many files merge into one. */
export type Tree = MapTree | ListTree | ScalarTree;

export interface MapTree {
  readonly kind: 'map';
  readonly place: Place;
  readonly entries: ReadonlyMap<string, Entry>;
}

export interface Entry {
  readonly keyPlace: Place;
  readonly tree: Tree;
}

export interface ListTree {
  readonly kind: 'list';
  readonly place: Place;
  readonly items: readonly Tree[];
}

export interface ScalarTree {
  readonly kind: 'scalar';
  readonly place: Place;
  readonly value: string | number | boolean | null;
  /** As written, quotes included: `0x76` where the value is 118. */
  readonly text: string;
}

/** The tree as plain values, for the schemas. */
export function plain(tree: Tree): unknown {
  if (tree.kind === 'scalar') return tree.value;
  if (tree.kind === 'list') return tree.items.map(plain);
  const object: Record<string, unknown> = {};
  for (const [key, { tree: value }] of tree.entries) {
    Object.defineProperty(object, key, { value: plain(value), enumerable: true, configurable: true });
  }
  return object;
}

/** What was found under a path: all of it, or the nearest that is there. */
export interface Found extends Entry {
  /** How many steps of the path are there. */
  readonly found: number;
}

/** What stands under a path of keys and indices, from a tree or an entry on. */
export function find(from: Tree | Entry, path: readonly (string | number)[]): Found {
  let at: Entry = 'tree' in from ? from : { tree: from, keyPlace: from.place };
  for (const [depth, step] of path.entries()) {
    const next = at.tree.kind === 'map' ? at.tree.entries.get(String(step)) : item(at.tree, step);
    if (next === undefined) return { ...at, found: depth };
    at = next;
  }
  return { ...at, found: path.length };
}

function item(tree: Tree, index: string | number): Entry | undefined {
  const found = tree.kind === 'list' ? tree.items[Number(index)] : undefined;
  return found && { keyPlace: found.place, tree: found };
}

/** `over` laid on `under`: maps merge key by key, anything else of `over` replaces. */
export function merge(under: MapTree, over: MapTree): MapTree {
  const entries = new Map(under.entries);
  for (const [key, entry] of over.entries) {
    const below = entries.get(key)?.tree;
    const merged = below?.kind === 'map' && entry.tree.kind === 'map';
    entries.set(key, merged ? { ...entry, tree: merge(below, entry.tree as MapTree) } : entry);
  }
  return { ...over, entries };
}

/** The value as its writer sees it, for a message. */
export function describe(tree: Tree): string {
  if (tree.kind === 'map') return 'a mapping';
  if (tree.kind === 'list') return 'a list';
  if (tree.value === null) return 'empty';
  return tree.text.length > 60 ? `${tree.text.slice(0, 57)}…` : tree.text;
}
