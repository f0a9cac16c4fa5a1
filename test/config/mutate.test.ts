import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatProblem } from '../../runtime/config/index.js';
import { load, root } from './support.js';

const folders = ['board-configs/nodes', 'board-configs/fragments', 'test/config/wrong'];
const texts = folders.flatMap((folder) =>
  readdirSync(join(root, folder)).map((file) => readFileSync(join(root, folder, file), 'utf8')),
);

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

test('no mutation of a node file throws, and each refusal has words and a place in the file', () => {
  const run = fc.property(
    fc.constantFrom(...texts),
    fc.array(mutation, { minLength: 1, maxLength: 5 }),
    (text, mutations) => {
      const mutated = mutations.reduce(mutate, text);
      const loaded = load(mutated);
      if (loaded.ok) return;
      assert.ok(loaded.problems.length > 0);
      const lines = mutated.split('\n');
      for (const problem of loaded.problems) {
        assert.match(formatProblem(problem), /^[^\n]+:\d+:\d+: [^\n]+ \(wanted: [^\n]+\)$/);
        assert.doesNotMatch(formatProblem(problem), /undefined|\[object|Invalid (type|key)|NaN|\bat .*\.js:/);
        if (problem.file !== 'node.yaml') continue;
        assert.ok(
          problem.line >= 1 && problem.line <= lines.length,
          `line ${problem.line} of ${lines.length}`,
        );
        assert.ok(problem.column >= 1);
      }
    },
  );
  fc.assert(run, { numRuns: 1500 });
});
