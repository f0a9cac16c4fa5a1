import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatProblem, type LoadedConfig } from '../../runtime/config/index.js';
import { load, root } from './support.js';

function texts(...folders: readonly string[]): readonly string[] {
  return folders.flatMap((folder) =>
    readdirSync(join(root, folder)).map((file) => readFileSync(join(root, folder, file), 'utf8')),
  );
}

const mutation = fc.record({
  kind: fc.constantFrom('delete', 'duplicate', 'garble', 'cut', 'swap', 'splice'),
  at: fc.nat(),
  other: fc.nat(),
  text: fc.oneof(
    fc.string({ maxLength: 12 }),
    fc.constantFrom(
      ': ',
      '&a ',
      '*a',
      '[',
      '}',
      '\t',
      '- ',
      '? ',
      '!!binary ',
      '<<: ',
      '__proto__: 1',
      '| ',
      '---\n',
      'null',
      '1e999',
      '\u0000',
      '\ufeff',
    ),
  ),
});
type Mutation = typeof mutation extends fc.Arbitrary<infer M> ? M : never;

function mutate(text: string, { kind, at, other, text: garble }: Mutation): string {
  const lines = text.split('\n');
  const line = at % lines.length;
  const column = other % ((lines[line]?.length ?? 0) + 1);
  if (kind === 'delete') lines.splice(line, 1);
  else if (kind === 'duplicate') lines.splice(line, 0, lines[line]!);
  else if (kind === 'cut') return text.slice(0, at % (text.length + 1));
  else if (kind === 'swap')
    [lines[line], lines[other % lines.length]] = [lines[other % lines.length]!, lines[line]!];
  else
    lines[line] =
      lines[line]!.slice(0, column) + garble + lines[line]!.slice(kind === 'splice' ? column : column + 1);
  return lines.join('\n');
}

/** `load` of a mutation of one of the texts: it never throws, and a refusal has words and a place within the file. */
function holds(file: string, originals: readonly string[], load: (mutated: string) => LoadedConfig) {
  const mutations = fc.array(mutation, { minLength: 1, maxLength: 5 });
  return fc.property(fc.constantFrom(...originals), mutations, (text, steps) => {
    const mutated = steps.reduce(mutate, text);
    const loaded = load(mutated);
    if (loaded.ok) return;
    assert.ok(loaded.problems.length > 0);
    const lines = mutated.split('\n').length;
    for (const problem of loaded.problems) {
      assert.match(formatProblem(problem), /^[^\n]+:\d+:\d+: [^\n]+ \(wanted: [^\n]+\)$/);
      assert.doesNotMatch(formatProblem(problem), /undefined|\[object|Invalid (type|key)|NaN|\bat .*\.js:/);
      if (problem.file !== file) continue;
      assert.ok(problem.line >= 1 && problem.line <= lines, `line ${problem.line} of ${lines}`);
      assert.ok(problem.column >= 1);
    }
  });
}

test('no mutation of a node file throws', () => {
  fc.assert(
    holds('node.yaml', texts('board-configs/nodes', 'board-configs/fragments', 'test/config/wrong'), load),
    { numRuns: 1500 },
  );
});

test('no mutation of a board file throws', () => {
  const node = 'node: n\nboard: ./my.yaml\nparts: { self: { driver: node } }\n';
  fc.assert(
    holds('my.yaml', texts('board-configs/boards'), (board) => load(node, { 'my.yaml': board })),
    { numRuns: 300 },
  );
});
