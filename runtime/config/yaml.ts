import { createRequire } from 'node:module';
import type { Document, Node, YAMLError } from 'yaml';
import type { Problems } from './problem.js';
import { reportSyntax } from './syntax.js';
import type { Entry, MapTree, Tree } from './tree.js';
import type { Place } from './types.js';

// By require: importing CommonJS costs memory, see log.ts.
const yaml: typeof import('yaml') = createRequire(import.meta.url)('yaml');

export const MAX_FILE_CHARACTERS = 262_144;
const MAX_DEPTH = 24;
const MAX_NODES = 20_000;

/** Parses one file. Undefined when nothing can be said about its contents; problems hold why. Never throws. */
export function parseYaml(file: string, text: string, problems: Problems): MapTree | undefined {
  const start: Place = { file, line: 1, column: 1 };
  if (text.length > MAX_FILE_CHARACTERS) {
    problems.add(
      start,
      'the file is too long',
      `at most ${MAX_FILE_CHARACTERS} characters; a node's takes a few thousand`,
    );
    return undefined;
  }
  const lines = new yaml.LineCounter();
  const document = yaml.parseDocument(text, { lineCounter: lines, prettyErrors: false, version: '1.2' });
  const placeOf = (offset: number): Place => {
    const { line, col } = lines.linePos(Math.min(offset, text.length));
    return { file, line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  const errors = [...document.errors, ...document.warnings];
  const lineOf = (error: YAMLError) => placeOf(error.pos[0]).line;
  for (const [index, error] of errors.entries()) {
    // One slip makes the parser stumble on: what follows on the same line is told by what came first.
    const first = errors.findIndex((other) => lineOf(other) === lineOf(error));
    if (error.code === 'DUPLICATE_KEY')
      reportDuplicate(placeOf(error.pos[0]), text.slice(error.pos[0]), problems);
    else if (first === index) reportSyntax(error, placeOf(error.pos[0]), problems);
  }
  if (errors.some((error) => error.code !== 'DUPLICATE_KEY')) return undefined;
  const tree = new Reader(document, placeOf, problems).read();
  if (tree?.kind === 'map') return tree;
  if (tree) problems.add(tree.place, 'the file holds no mapping', "lines of 'key: value'");
  return undefined;
}

function reportDuplicate(place: Place, text: string, problems: Problems): void {
  const key = /^[^\s:,{}[\]]+/.exec(text)?.[0] ?? 'a key';
  problems.add(place, `'${key}' stands twice in one mapping`, 'each key once; delete or rename one');
}

/** Turns the parser's nodes into a tree of ours, bounded in depth and size, so that aliases can't blow it up. */
class Reader {
  #nodes = 0;
  readonly #document: Document;
  readonly #placeOf: (offset: number) => Place;
  readonly #problems: Problems;

  constructor(document: Document, placeOf: (offset: number) => Place, problems: Problems) {
    this.#document = document;
    this.#placeOf = placeOf;
    this.#problems = problems;
  }

  read(): Tree | undefined {
    const top = this.#document.contents;
    if (top === null) {
      this.#problems.add(this.#placeOf(0), 'the file is empty', "lines of 'key: value'");
      return undefined;
    }
    const tree = this.#tree(top as Node, 0, this.#placeOf(0));
    if (this.#nodes > MAX_NODES) {
      this.#problems.add(
        this.#placeOf(0),
        'the file grows too large by its aliases',
        `at most ${MAX_NODES} values`,
      );
      return undefined;
    }
    return tree;
  }

  #tree(node: Node | null | undefined, depth: number, fallback: Place): Tree {
    const place = node?.range ? this.#placeOf(node.range[0]) : fallback;
    this.#nodes += 1;
    if (depth > MAX_DEPTH && this.#nodes <= MAX_NODES) {
      this.#problems.add(place, 'nested too deep', `at most ${MAX_DEPTH} levels`);
      this.#nodes = MAX_NODES + 1;
    }
    if (this.#nodes > MAX_NODES) return { kind: 'scalar', place, value: null, text: '' };
    if (yaml.isAlias(node)) {
      const target = node.resolve(this.#document) as Node | undefined;
      if (target) return this.#tree(target, depth + 1, place);
      this.#problems.add(place, `*${node.source} names nothing`, `an &${node.source} above`);
    }
    if (yaml.isMap(node)) return { kind: 'map', place, entries: this.#entries(node.items, depth, place) };
    if (yaml.isSeq(node)) {
      const items = node.items.map((item) => this.#tree(item as Node, depth + 1, place));
      return { kind: 'list', place, items };
    }
    if (!yaml.isScalar(node)) return scalar(null, '', place);
    const quoted = node.type === 'QUOTE_SINGLE' || node.type === 'QUOTE_DOUBLE';
    return scalar(node.value, quoted ? `'${node.source ?? ''}'` : node.source, place);
  }

  #entries(
    items: readonly { key: unknown; value: unknown }[],
    depth: number,
    place: Place,
  ): Map<string, Entry> {
    const entries = new Map<string, Entry>();
    for (const { key, value } of items) {
      const keyNode = key as Node;
      const keyPlace = keyNode?.range ? this.#placeOf(keyNode.range[0]) : place;
      if (!yaml.isScalar(keyNode) || keyNode.value === null || keyNode.value === undefined) {
        this.#problems.add(keyPlace, 'a key is no plain word', "'key: value'");
        continue;
      }
      entries.set(String(keyNode.source ?? keyNode.value), {
        keyPlace,
        tree: this.#tree(value as Node | null, depth + 1, keyPlace),
      });
    }
    return entries;
  }
}

function scalar(value: unknown, text: string | undefined, place: Place): Tree {
  const known = typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
  return { kind: 'scalar', place, value: known ? value : null, text: text ?? String(value ?? '') };
}
