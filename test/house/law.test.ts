import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { circles, type Import, importsOf, root, sourceFiles } from './imports.js';
import { breach } from './law.js';

const files = sourceFiles('.ts');
const imports = files.flatMap(importsOf);
const graph = new Map(files.map((file) => [file, importsOf(file).map((found) => found.to)]));

test('every import points the way the law says', () => {
  const breaches = imports.flatMap((found) => {
    const why = breach(found);
    return why ? [`${found.from}:${found.line} -> ${found.to}: ${why}`] : [];
  });
  assert.deepEqual(breaches, []);
});

test('the law sees what it forbids', () => {
  const forbidden: readonly (readonly [from: string, to: string, typeOnly: boolean])[] = [
    ['drivers/bme280/driver.ts', 'node:fs', false],
    ['drivers/bme280/driver.ts', 'native/index.ts', true],
    ['native/index.ts', 'drivers/contract/index.ts', true],
    ['runtime/sampler/index.ts', 'runtime/store/types.ts', true],
    ['runtime/store/index.ts', 'runtime/uplink/types.ts', true],
    ['runtime/uplink/index.ts', 'runtime/store/index.ts', false],
    ['runtime/store/index.ts', 'drivers/bme280/driver.ts', false],
    ['runtime/sampler/index.ts', 'native/index.ts', false],
    ['runtime/store/index.ts', 'runtime/pipeline.ts', true],
    ['fleet/receive/index.ts', 'runtime/clock/types.ts', true],
    ['fleet/store/index.ts', 'fleet/web/html.ts', false],
    ['fleet/web/index.ts', 'fleet/integrations/index.ts', false],
    ['wire/meta.ts', 'runtime/store/types.ts', true],
    ['runtime/config/index.ts', 'runtime/sampler/types.ts', true],
    ['runtime/health/service.ts', 'runtime/pipeline.ts', false],
    ['runtime/health/service.ts', 'native/index.ts', false],
    ['runtime/sampler/index.ts', 'runtime/health/index.ts', true],
  ];
  for (const [from, to, typeOnly] of forbidden) {
    const found: Import = { from, to, typeOnly, line: 1 };
    assert.ok(breach(found), `${from} -> ${to} must be refused`);
  }
  assert.equal(
    breach({ from: 'runtime/uplink/index.ts', to: 'runtime/store/types.ts', typeOnly: true, line: 1 }),
    undefined,
  );
});

test('no circle, types included', () => {
  assert.deepEqual(
    circles(graph).map((circle) => circle.join(' -> ')),
    [],
  );
});

test('every relative import names a file that is there', () => {
  const missing = imports.filter((found) => found.to.endsWith('.ts') && !existsSync(join(root, found.to)));
  assert.deepEqual(
    missing.map((found) => `${found.from}:${found.line} -> ${found.to}`),
    [],
  );
});

test('the import graph from main.ts', (t) => {
  const seen = new Map<string, Set<string>>();
  const walk = (file: string) => {
    for (const next of graph.get(file) ?? []) {
      if (!graph.has(next)) continue;
      const [a, b] = [roomOf(file), roomOf(next)];
      if (a !== b) seen.set(a, (seen.get(a) ?? new Set()).add(b));
      if (!visited.has(next)) visited.add(next) && walk(next);
    }
  };
  const visited = new Set(['runtime/main.ts']);
  walk('runtime/main.ts');
  for (const [room, targets] of [...seen].sort())
    t.diagnostic(`${room} -> ${[...targets].sort().join(', ')}`);
  for (const stage of ['board', 'sampler', 'fusion', 'store', 'uplink']) {
    assert.ok(visited.has(`runtime/${stage}/index.ts`), `${stage} is not reached through its entry`);
  }
});

test('each stage is entered by its index and its types only', () => {
  const deep = imports.filter(
    ({ from, to }) =>
      /^runtime\/(board|sampler|fusion|store|uplink|clock|config|health|calibration)\/(?!index\.ts|types\.ts)/.test(
        to,
      ) && roomOf(from) !== roomOf(to),
  );
  assert.deepEqual(
    deep.map((found) => `${found.from}:${found.line} -> ${found.to}`),
    [],
  );
});

test('no source file over 400 lines, no function over 70', () => {
  const tooLong: string[] = [];
  for (const file of sourceFiles('.ts', '.mjs', '.c', '.h')) {
    const lines = readFileSync(join(root, file), 'utf8').split('\n');
    if (lines.length - 1 > 400) tooLong.push(`${file}: ${lines.length - 1} lines`);
    for (const { line, length } of functionsOf(lines)) {
      if (length > 70) tooLong.push(`${file}:${line}: a function of ${length} lines`);
    }
  }
  assert.deepEqual(tooLong, []);
});

/** The formatter closes a function at the indentation it was opened at: that is enough to measure it. */
function functionsOf(lines: readonly string[]): readonly { line: number; length: number }[] {
  return lines.flatMap((text, i) => {
    const opens =
      /(\)|=>|\): .+|\w>) \{$/.test(text) &&
      !/^\s*(\}? ?else|if|for|while|switch|try|do|catch|class|export class)\b/.test(text);
    if (!opens) return [];
    const indent = /^\s*/.exec(text)![0];
    const end = lines.findIndex((other, j) => j > i && other.startsWith(`${indent}}`));
    return end < 0 ? [] : [{ line: i + 1, length: end - i + 1 }];
  });
}

/** `runtime/store`, `drivers/bme280`, `wire`. */
function roomOf(file: string): string {
  const [top, second] = file.split('/');
  if ((top === 'runtime' || top === 'drivers') && second && !second.endsWith('.ts'))
    return `${top}/${second}`;
  return top === 'runtime' ? file : top!;
}

test('nothing on a node is decided by the wall clock: who asks what time it is, asks runtime/clock', () => {
  const asks = /\bDate\.now\b|\bnew Date\(\)|\bDate\(\)/;
  const lines = files
    .filter((file) => /^(drivers|native|runtime|wire)\//.test(file))
    .flatMap((file) =>
      readFileSync(join(root, file), 'utf8')
        .split('\n')
        .map((line, at) => ({ file, line, at })),
    );
  assert.deepEqual(
    lines.filter(({ line }) => asks.test(line)).map(({ file, at }) => `${file}:${at + 1}`),
    [],
  );
  assert.ok(asks.test('const at = Date.now();') && asks.test('new Date()') && !asks.test('new Date(ms)'));
});
