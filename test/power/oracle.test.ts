import assert from 'node:assert/strict';
import { cpSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { checkStore } from '../../hil/power/oracle.js';
import { shared } from '../../hil/power/replay.js';
import { reservedLimits } from '../../hil/power/reserve-file.js';
import { type Promised, promisedBy, WitnessStand } from '../../hil/power/witness.js';
import { CommitLog } from '../../runtime/commit-log.js';
import { openTest, rowsOf, temporary, testDeps, testOptions } from '../store/support.js';

/** A store of two lives as a kill left it, what it had promised, and a copy to look at. */
async function left(t: { after(run: () => Promise<void>): void }) {
  const folder = temporary(t);
  const stand = new WitnessStand(() => 512);
  for (const counts of [
    [0, 1, 2],
    [3, 4],
  ]) {
    const store = await openTest(testOptions(join(folder, 'store')));
    const commits = new CommitLog(
      store.status(),
      (bytes) => {
        stand.hear(Buffer.from(bytes).toString());
        return bytes.length;
      },
      () => undefined,
    );
    store.onCommit(() => commits.committed(store.status()));
    store.append(rowsOf('t', counts));
    await store.flush();
    cpSync(join(folder, 'store'), join(folder, 'copy'), { recursive: true });
    await store.close();
  }
  const path = join(folder, 'copy');
  const look = (promised: readonly Promised[] = promisedBy(stand.said)) =>
    checkStore(path, { node: '0123456789abcdef', machineId: 'machine-1', sizeBytes: 16_000_000, promised });
  return { path, look, promised: promisedBy(stand.said) };
}

test('a store as it was left is sound', async (t) => {
  const { look, promised } = await left(t);
  assert.deepEqual(
    promised.filter(({ stream }) => stream === 't').map(({ from, next }) => [from, next]),
    [
      [0, 3],
      [3, 5],
    ],
  );
  const { problems, ...found } = await look();
  assert.deepEqual(found, { opened: true, lost: 0, holes: 0, reused: 0 }, problems.join('\n'));
});

test('a promise beyond what the disk has is a loss, though a gap covers it', async (t) => {
  const { look, promised } = await left(t);
  const more = promised.map((one) => (one.stream === 't' && one.from === 3 ? { ...one, next: 8 } : one));
  const { lost, holes, problems } = await look(more);
  assert.deepEqual([lost, holes], [3, 0]);
  assert.match(problems.join('\n'), /t: 3 of 5 promised rows are lost/);
});

test('a log that lost its tail is a loss', async (t) => {
  const { path, look } = await left(t);
  // LevelDB's newest log: the second life's.
  const logs = readdirSync(join(path, 'level'))
    .filter((name) => name.endsWith('.log'))
    .sort();
  const newest = join(path, 'level', logs.at(-1)!);
  truncateSync(newest, Math.floor(statSync(newest).size / 4));
  const found = await look();
  assert.ok(found.opened && found.lost > 0, JSON.stringify(found));
});

test('a store that forgot how far it gave numbers is found to give them twice', async (t) => {
  const { path, look } = await left(t);
  const limits = reservedLimits(join(path, 'reserve'), testDeps().native.crc32c);
  assert.ok(
    [...limits].some(([name, limit]) => name.endsWith(' t') && limit > 5),
    'numbers were reserved ahead',
  );
  const { reused } = await look([
    { epoch: [...limits.keys()][0]!.split(' ')[0]!, stream: 't', from: 3, next: 1_000_000 },
  ]);
  assert.ok(reused > 900_000);
});

test('a store of nobody and a store that is a file', async (t) => {
  const { path, look } = await left(t);
  rmSync(path, { recursive: true });
  assert.deepEqual(await look([]), { opened: true, lost: 0, holes: 0, reused: 0, problems: [] });
  rmSync(path, { recursive: true });
  writeFileSync(path, 'x');
  const { opened, problems } = await look([]).catch((error: Error) => ({
    opened: false,
    problems: [error.message],
  }));
  assert.ok(!opened && problems.length > 0);
});

test('the reserve, read twice: by the store and after docs/store.md', async (t) => {
  const { path } = await left(t);
  const { crc32c } = testDeps().native;
  const file = join(path, 'reserve');
  const whole = reservedLimits(file, crc32c);
  assert.ok(whole.size >= 5, [...whole.keys()].join());
  const torn = readFileSync(file);
  torn.fill(0xff, 16384 + 20, 16384 + 40);
  torn.fill(0xff, 20, 40);
  writeFileSync(file, torn);
  assert.equal(reservedLimits(file, crc32c).size, 0);
  assert.equal(reservedLimits(join(path, 'absent'), crc32c).size, 0);
});

test('shares of cuts', () => {
  assert.deepEqual(shared([100, 0, 300], 40), [15, 0, 25]);
  assert.deepEqual(shared([0, 0], 40), [0, 0]);
  assert.equal(
    shared([7, 11, 13], 300).reduce((sum, one) => sum + one),
    300,
  );
});
