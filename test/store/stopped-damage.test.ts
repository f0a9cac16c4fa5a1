import assert from 'node:assert/strict';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { exportBlocks, openStore, type StoreDeps, verifyStore } from '../../runtime/store/index.js';
import { readDeadLetters } from '../../runtime/store/verify.js';
import { openTest, rowsOf, temporary, testDeps, testOptions, until } from './support.js';

/** A stopped store with 40 rows of `t` in a table: an opening turns LevelDB's log into one. */
async function tabled(path: string): Promise<void> {
  const store = await openTest(testOptions(path));
  for (let first = 0; first < 40; first += 10) {
    store.append(
      rowsOf(
        't',
        [...Array(10).keys()].map((n) => first + n),
      ),
    );
    await store.flush();
  }
  await store.close();
  await (await openTest(testOptions(path))).close();
}

function filesOf(level: string): ReadonlyMap<string, string> {
  return new Map(readdirSync(level).map((name) => [name, readFileSync(join(level, name), 'hex')]));
}

/** Dependencies that count how often LevelDB was opened. */
function counting(): { readonly deps: StoreDeps; opened: number } {
  const real = testDeps();
  const counted = {
    opened: 0,
    deps: {
      ...real,
      openLevel: (...args: Parameters<StoreDeps['openLevel']>) => {
        counted.opened += 1;
        return real.openLevel(...args);
      },
    },
  };
  return counted;
}

function nameOf(level: string, pattern: RegExp): string {
  return readdirSync(level).find((name) => pattern.test(name))!;
}

for (const [title, pattern, damage] of [
  ['a table with a flipped bit', /\.ldb$/, (path: string) => flip(path, 100)],
  ['a table that is missing', /\.ldb$/, (path: string) => rmSync(path)],
  ['a MANIFEST with a flipped bit', /^MANIFEST/, (path: string) => flip(path, 20)],
  ['no CURRENT', /^CURRENT$/, (path: string) => rmSync(path)],
] as const) {
  test(`FAULTS 9: ${title} is named by verify, and neither verify, export nor dead letters let LevelDB near it`, async (t) => {
    const path = temporary(t);
    await tabled(path);
    const level = join(path, 'level');
    const name = nameOf(level, pattern);
    damage(join(level, name));
    const before = filesOf(level);
    const counted = counting();

    const verdict = await verifyStore(path, counted.deps);
    assert.equal(verdict.ok, false);
    assert.equal(verdict.node, '0123456789abcdef', 'as the reserve tells it');
    assert.equal(verdict.problems.length, 1);
    assert.match(verdict.problems[0]!, new RegExp(`${name}.*start the node`));
    await assert.rejects(exportBlocks(path, counted.deps).next(), { kind: 'damaged' });
    await assert.rejects(readDeadLetters(path, counted.deps), { kind: 'damaged' });
    assert.equal(counted.opened, 0);
    assert.deepEqual(filesOf(level), before, 'nothing was changed');

    const store = await openStore(testOptions(path));
    await until(() => store.status().audit.done > 0);
    await store.close();
    assert.deepEqual((await verifyStore(path, testDeps())).problems, [], 'the node repaired it');
  });
}

test('a directory without a database is no damaged store', async (t) => {
  await assert.rejects(verifyStore(temporary(t), testDeps()), { kind: 'invalid' });
});

function flip(path: string, at: number): void {
  const bytes = readFileSync(path);
  bytes[at]! ^= 0x10;
  writeFileSync(path, bytes);
}
