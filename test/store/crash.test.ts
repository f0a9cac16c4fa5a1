import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { verifyStore } from '../../runtime/store/index.js';
import { allGaps, heldRows, openTest, temporary, testDeps, testOptions } from './support.js';

const KILLS = 12;
const CHILD = fileURLToPath(new URL('./crash-child.js', import.meta.url));

/**
 * Runs the child until it is killed `afterMs` after its first acknowledgement, or after its start; returns the ids below which all is
 * promised.
 */
async function runAndKill(
  path: string,
  start: number,
  round: number,
  afterMs: number,
  from: 'start' | 'acknowledgement',
): Promise<number> {
  const child = spawn(process.execPath, [CHILD, path, String(start), `boot-${round}`], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  const exited = once(child, 'close');
  if (from === 'acknowledgement') await Promise.race([once(child.stdout, 'data'), exited]);
  await delay(afterMs);
  child.kill('SIGKILL');
  await exited;
  const acks = [...text.matchAll(/ack (\d+)\n/g)];
  assert.ok(from === 'start' || acks.length > 0, `round ${round}: the child acknowledged nothing: ${text}`);
  return Number(acks.at(-1)?.[1] ?? start);
}

test(`after each of ${KILLS} kills all that was acknowledged is there, and gaps cover the rest`, async (t) => {
  const path = temporary(t);
  const promised: (readonly [from: number, to: number])[] = [];
  for (let round = 0; round < KILLS; round += 1) {
    const start = 100_000 * round;
    promised.push([start, await runAndKill(path, start, round, Math.random() * 60, 'acknowledgement')]);
  }
  const store = await openTest(testOptions(path, { bootId: 'after' }));
  await store.flush();
  assert.equal(store.boot, KILLS + 1);
  const held = await heldRows(store);
  const ids = new Set(held.map((row) => row.count));
  for (const [from, to] of promised)
    for (let id = from; id < to; id += 1) assert.ok(ids.has(id), `id ${id} is lost`);
  assert.ok(
    held.every((row) => row.epoch === store.epoch),
    'the epoch goes on',
  );
  for (const name of ['t', 'a']) {
    const sequences = held.filter((row) => row.stream === name).map((row) => row.sequence);
    assert.equal(new Set(sequences).size, sequences.length, 'no number is used twice');
    const counts = held.filter((row) => row.stream === name).map((row) => row.count);
    assert.deepEqual(
      counts,
      counts.toSorted((a, b) => a - b),
      'order of numbers is order of production',
    );
    const gaps = (await allGaps(store)).filter((gap) => gap.stream === name);
    assert.ok(gaps.every((gap) => gap.cause === 'uncleanStop' && gap.atMost));
    const covered = new Set(sequences);
    for (const gap of gaps) for (let n = gap.first; n <= gap.last!; n += 1) covered.add(n);
    const next = store.status().streams.find((stream) => stream.stream === name)!.next;
    assert.equal(covered.size, next, 'received ∪ gaps = [0, next)');
  }
  await store.close();
  const verdict = await verifyStore(path, testDeps());
  assert.deepEqual(verdict.problems, []);
  assert.ok(verdict.ok && verdict.cleanStop);
});

test('kills while the store is made and opened lose nothing either', async (t) => {
  for (let trial = 0; trial < 3; trial += 1) {
    const path = temporary(t);
    const promised: number[] = [];
    for (let round = 0; round < 4; round += 1) {
      const start = 1000 * round;
      const to = await runAndKill(path, start, round, 150 + Math.random() * 250, 'start');
      for (let id = start; id < to; id += 1) promised.push(id);
    }
    const store = await openTest(testOptions(path, { bootId: 'after' }));
    const ids = new Set((await heldRows(store)).map((row) => row.count));
    assert.deepEqual(
      promised.filter((id) => !ids.has(id)),
      [],
    );
    await store.close();
    assert.deepEqual((await verifyStore(path, testDeps())).problems, []);
  }
});
