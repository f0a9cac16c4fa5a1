import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openStore, type Store, type StoreOptions } from '../../runtime/store/index.js';
import { SimClock } from '../support/sim-clock.js';
import { memoryDisk, passTime, simulatedTime } from './memory-disk.js';
import { CHANNELS, rowsOf, testDeps, testOptions } from './support.js';

const GROUP_MS = 600_000;
const TURN_MS = 50;

interface Simulated {
  readonly store: Store;
  readonly commits: { readonly atMs: number; readonly rows: number }[];
  nowMs(): number;
  pass(ms: number): Promise<void>;
}

async function simulated(change: Partial<StoreOptions> = {}): Promise<Simulated> {
  const clock = new SimClock();
  const deps = testDeps({ ...memoryDisk(), ...simulatedTime(clock) });
  const store = await openStore(testOptions('/s', { commitIntervalMs: GROUP_MS, deps, ...change }));
  const streams = { quiet: 'telemetry', seen: 'telemetry', log: 'log', door: 'event', sos: 'alarm' } as const;
  for (const [name, streamClass] of Object.entries(streams)) {
    store.declare({ name, class: streamClass, title: name, channels: CHANNELS, live: name === 'seen' });
  }
  const nowMs = () => Number(clock.nowNs() / 1_000_000n);
  const pass = (ms: number) => passTime(clock, ms, TURN_MS);
  await pass(1000);
  const commits: { atMs: number; rows: number }[] = [];
  store.onCommit(({ rows }) => commits.push({ atMs: nowMs(), rows }));
  return { store, commits, nowMs, pass };
}

test('live rows and events are on the disk within a second, alarms at once, and all that waits goes along', async () => {
  for (const [stream, withinMs] of [
    ['seen', 1000],
    ['door', 1000],
    ['sos', TURN_MS],
  ] as const) {
    const { store, commits, nowMs, pass } = await simulated();
    store.append(rowsOf('quiet', [1, 2]));
    store.append(rowsOf('log', [3]));
    await pass(30_000);
    assert.equal(commits.length, 0, 'rows that nobody waits for wait for their group');
    const began = nowMs();
    store.append(rowsOf(stream, [4]));
    await pass(withinMs);
    assert.equal(commits.length, 1, `${stream}: one commit`);
    assert.ok(commits[0]!.atMs - began <= withinMs, `${stream} after ${commits[0]!.atMs - began} ms`);
    assert.equal(commits[0]!.rows, 4, 'the rows that waited went along');
    await pass(GROUP_MS);
    assert.equal(commits.length, 1, 'nothing is left for the group');
  }
});

test('a row of the group is not put off by later wishes, and ten live rows in a second are one commit', async () => {
  const { store, commits, pass } = await simulated({ commitIntervalMs: 10_000 });
  store.append(rowsOf('quiet', [1]));
  await pass(8_800);
  store.append(rowsOf('seen', [2]));
  await pass(400);
  assert.deepEqual(
    commits.map(({ rows }) => rows),
    [2],
    'at the time of the group',
  );
  for (let i = 0; i < 10; i++) {
    store.append(rowsOf('seen', [i]));
    await pass(TURN_MS);
  }
  await pass(1000);
  assert.deepEqual(
    commits.map(({ rows }) => rows),
    [2, 10],
  );
});

test('a row after a quiet time waits a second for company, not the whole interval', async () => {
  const { store, commits, pass } = await simulated({ commitIntervalMs: 10_000 });
  await pass(60_000);
  store.append(rowsOf('quiet', [1]));
  await pass(500);
  store.append(rowsOf('quiet', [2]));
  await pass(600);
  assert.deepEqual(
    commits.map(({ rows }) => rows),
    [2],
  );
  store.append(rowsOf('quiet', [3]));
  await pass(9_800);
  assert.equal(commits.length, 1, 'the next one waits for its interval');
  await pass(300);
  assert.equal(commits.length, 2);
});

test('who is live is known by name, and a new declaration changes it', async () => {
  const { store } = await simulated();
  const live = ['quiet', 'seen', 'log', 'door', 'sos', 'nobody'].filter((name) => store.isLive?.(name));
  assert.deepEqual(live, ['seen', 'door', 'sos']);
  store.declare({ name: 'quiet', class: 'telemetry', title: 'quiet', channels: CHANNELS, live: true });
  assert.equal(store.isLive?.('quiet'), true);
  store.declare({ name: 'quiet', class: 'telemetry', title: 'quiet', channels: CHANNELS });
  assert.equal(store.isLive?.('quiet'), false);
});
