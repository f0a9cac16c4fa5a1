import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Footers } from '../../runtime/store/footers.js';
import { openTest, rowsOf, temporary, testDeps, testOptions } from './support.js';

const VALUE = 0x56;

test('a value that was just read is deleted without asking LevelDB for it; one that was not is looked up', async (t) => {
  const path = temporary(t);
  const deps = testDeps();
  const asked: number[] = [];
  const openLevel: typeof deps.openLevel = async (...where) => {
    const db = await deps.openLevel(...where);
    const get: typeof db.get = (key) => {
      if (key[0] === VALUE) asked.push(key[9]!);
      return db.get(key);
    };
    return { ...db, get };
  };
  const options = testOptions(path, { commitIntervalMs: 60_000, deps: { ...deps, openLevel } });
  const first = await openTest(options);
  for (let i = 0; i < 4; i++) {
    first.append(rowsOf('t', [2 * i]));
    await first.flush();
  }
  const read = await first.read('telemetry', undefined, 2, 1e6);
  first.dispose(read.map(({ position }) => ({ position, kind: 'receipt' })));
  await first.flush();
  assert.deepEqual(asked, []);
  const left = await first.read('telemetry', undefined, 100, 1e6);
  assert.deepEqual(
    left.map(({ header }) => header.first),
    [2, 3],
    'the values are gone',
  );
  await first.close();
  const second = await openTest(options);
  second.dispose(left.map(({ position }) => ({ position, kind: 'receipt' })));
  await second.flush();
  assert.deepEqual(
    asked,
    left.map(({ position }) => position.commit),
    'after a start they are looked up',
  );
  assert.equal((await second.read('telemetry', undefined, 100, 1e6)).length, 0);
});

test('footers are bounded by their entries, the older half goes first, and what is deleted is forgotten', () => {
  const footers = new Footers();
  const entry = { stream: { epoch: 0, id: 1 }, first: 0, count: 1, offset: 0, length: 60 };
  const footer = { entries: Array.from({ length: 64 }, () => entry), bytes: 4096 };
  const known = (): number[] =>
    Array.from({ length: 1000 }, (_, commit) => commit).filter((commit) => footers.get('bulk', commit));
  for (let commit = 0; commit < 1000; commit++) {
    footers.put('bulk', commit, footer);
    assert.ok(footers.get('bulk', commit), 'the newest is there');
  }
  assert.ok(known().length <= (2 * 4096) / 64, `${known().length} values`);
  assert.ok(known().length >= 4096 / 64 && known()[0] === 1000 - known().length, 'the newest stay');
  assert.equal(footers.get('telemetry', 999), undefined, 'another class');
  footers.delete('bulk', 999);
  assert.equal(footers.get('bulk', 999), undefined);
  footers.clear();
  assert.deepEqual(known(), []);
});
