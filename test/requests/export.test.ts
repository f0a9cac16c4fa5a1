import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { type TestContext, test } from 'node:test';
import { native } from '../../native/index.js';
import { followExport } from '../../runtime/console/follow-export.js';
import { runCommand } from '../../runtime/console/table.js';
import { ask, ControlError, controlPath } from '../../runtime/control.js';
import { ControlServer } from '../../runtime/control-server.js';
import { answerExport } from '../../runtime/requests/index.js';
import type { Store } from '../../runtime/store/index.js';
import { MAIN } from '../acceptance/harness.js';
import { openTest, rowsOf, temporary, testOptions } from '../store/support.js';
import { callingOf } from '../support/calling.js';

/** A store that is open here, and answers as a node's does; `take` stands between its answers and who asked. */
async function nodeWith(t: TestContext, answer = answerExport) {
  const path = join(temporary(t), 'store');
  const store = await openTest(testOptions(path));
  const server = new ControlServer({
    path: controlPath(path),
    answer: (_, params) => answer(store, params),
    log: () => undefined,
  });
  await server.start();
  t.after(() => server.stop());
  const stop = async () => {
    await server.stop();
    await store.close();
  };
  return { path, store, stop };
}

async function exported(path: string, ...words: readonly string[]) {
  const [out, err] = [[] as string[], [] as string[]];
  const calling = callingOf({ out: (text) => out.push(text), err: (text) => err.push(text) });
  const code = await runCommand(['store', 'export', '--path', path, ...words], calling);
  return { code, out, err: err.join('\n') };
}

/** Noon of 2026-11-22 is second 1000 of this boot: rows have their count as ms of boot time. */
const NOON_MS = Date.UTC(2026, 10, 22, 12);
function dated(store: Store): void {
  store.anchor({
    monotonicNs: 1_000_000_000_000n,
    wallNs: BigInt(NOON_MS) * 1_000_000n,
    uncertaintyNs: 1_000_000n,
    source: 'system',
  });
}

const counts = (to: number, from = 0) => Array.from({ length: to - from }, (_, i) => from + i);

test('a running node exports what a stopped one does, row by row; what was received by neither', async (t) => {
  const { path, store, stop } = await nodeWith(t);
  dated(store);
  for (const stream of ['t', 'a', 'e'])
    for (const from of [0, 300, 600]) {
      store.append(rowsOf(stream, counts(from + 300, from)));
      await store.flush();
    }
  const [received] = await store.read('event', undefined, 1, 1e6);
  store.dispose([{ position: received!.position, kind: 'receipt' }]);
  await store.flush();
  const running = {
    csv: await exported(path, '--format', 'csv'),
    senml: await exported(path),
    one: await exported(path, '--stream', 'a', '--format', 'csv'),
  };
  await stop();
  const stopped = {
    csv: await exported(path, '--format', 'csv'),
    senml: await exported(path),
    one: await exported(path, '--stream', 'a', '--format', 'csv'),
  };
  assert.deepEqual(running, stopped);
  assert.deepEqual([running.csv.code, running.senml.code], [0, 0], running.csv.err);
  const rows = running.csv.out.slice(1).filter((line) => line.includes(',count,'));
  assert.equal(rows.length, 9 * 300 - received!.header.count);
  assert.ok(running.one.out.slice(1).every((line) => line.split(',')[3] === 'a'));
  assert.match(running.csv.err, /^2,\d{3} rows, from 2026-11-22T11:43:20.000Z to 2026-11-22T11:43:20.899Z$/);
});

test('--since leaves out what is older, and rows that nobody can date', async (t) => {
  const { path, store } = await nodeWith(t);
  store.append(rowsOf('t', counts(1000)));
  await store.flush();
  const undated = await exported(path, '--since', '2026-11-22T11:43:20.900Z', '--format', 'csv');
  assert.equal(undated.out.length, 1);
  assert.match(undated.err, /^0 rows, 1,000 more left out for want of a wall time$/);
  dated(store);
  await store.flush();
  const csv = await exported(path, '--since', '2026-11-22T11:43:20.900Z', '--format', 'csv');
  assert.equal(csv.out.length, 1 + 100 * 2);
  const senml = await exported(path, '--since', '2026-11-22T11:43:20.900Z');
  const records = senml.out.flatMap((line) => JSON.parse(line));
  assert.equal(records.length, 200);
  assert.equal(records[1].v, 900);
  assert.equal((await exported(path, '--since', 'yesterday')).code, 2);
});

test('--to writes a whole file and says what is in it; one that is there is left alone', async (t) => {
  const { path, store } = await nodeWith(t);
  dated(store);
  store.append(rowsOf('t', counts(500)));
  await store.flush();
  const file = join(temporary(t), 'rows.csv');
  const line = await exported(path, '--format', 'csv');
  const said = await exported(path, '--format', 'csv', '--to', file, '--json');
  assert.equal(readFileSync(file, 'utf8'), `${line.out.join('\n')}\n`);
  const summary = JSON.parse(said.out[0]!);
  assert.deepEqual([summary.rows, summary.bytes], [500, readFileSync(file).length]);
  writeFileSync(file, 'mine');
  const again = await exported(path, '--to', file);
  assert.deepEqual([again.code, readFileSync(file, 'utf8')], [2, 'mine']);
});

test('a stick that is full or gone is said, and no file stays', async (t) => {
  const { path, store } = await nodeWith(t);
  dated(store);
  store.append(rowsOf('t', counts(500)));
  await store.flush();
  const folder = temporary(t);
  const gone = await exported(path, '--to', join(folder, 'usb', 'rows.csv'));
  assert.equal(gone.code, 1);
  assert.match(gone.err, /no such folder; is the stick mounted there\?/);
  // full(4): every write fails with ENOSPC. It is written as FILE.part, so that is where it must lead.
  symlinkSync('/dev/full', join(folder, 'rows.csv.part'));
  const full = await exported(path, '--to', join(folder, 'rows.csv'));
  assert.equal(full.code, 1);
  assert.match(full.err, /rows\.csv was not written: no room is left there/);
  assert.deepEqual(readdirSync(folder), []);
});

test('a node that ends in the middle is no whole export', async (t) => {
  const cut = (store: Store, params: unknown) => firstOf(answerExport(store, params));
  const { path, store } = await nodeWith(t, cut);
  dated(store);
  store.append(rowsOf('t', counts(500)));
  await store.flush();
  const file = join(temporary(t), 'rows.csv');
  const said = await exported(path, '--to', file);
  assert.equal(said.code, 1);
  assert.match(said.err, /the node ended before all was told/);
  assert.ok(!existsSync(file) && !existsSync(`${file}.part`));
  const all = followExport(controlPath(path), undefined, new AbortController().signal);
  await assert.rejects(async () => {
    for await (const _ of all);
  }, ControlError);
});

async function* firstOf<T>(all: AsyncIterable<T>): AsyncGenerator<T> {
  for await (const one of all) {
    yield one;
    return;
  }
}

test('rows that come after its beginning are not chased, and a slow reader holds up nobody', async (t) => {
  const { path, store } = await nodeWith(t);
  store.append(rowsOf('t', counts(4000)));
  await store.flush();
  const blocks = followExport(controlPath(path), 't', new AbortController().signal);
  let rows = 0;
  let later = 4000;
  for await (const { bytes } of blocks) {
    rows += native.decodeHeader(bytes).count;
    // Appended, committed and acknowledged while the export stands.
    store.append(rowsOf('t', counts(later + 100, later)));
    await store.flush();
    later += 100;
  }
  assert.equal(rows, 4000);
  assert.ok(later > 4000);
});

test('100,000 rows leave a node that goes on committing; what its loop waits stays short', async (t) => {
  const { path, store, stop } = await nodeWith(t);
  for (let from = 0; from < 100_000; from += 1000) {
    store.append(rowsOf('t', counts(from + 1000, from)));
    if (from % 10_000 === 0) await store.flush();
  }
  await store.flush();
  const file = join(temporary(t), 'rows.csv');
  const loop = monitorEventLoopDelay({ resolution: 5 });
  loop.enable();
  let [isOver, commits, ticks] = [false, 0, 0];
  const timer = setInterval(() => ticks++, 20);
  const child = spawn(process.execPath, [
    ...[MAIN, 'store', 'export', '--path', path, '--format', 'csv', '--to', file],
  ]);
  const ended = once(child, 'exit').then(([code]) => {
    isOver = true;
    return code;
  });
  while (!isOver) {
    store.append(rowsOf('e', [commits++]));
    await store.flush();
  }
  clearInterval(timer);
  loop.disable();
  assert.equal(await ended, 0);
  const [maxMs, p99Ms] = [loop.max / 1e6, loop.percentile(99) / 1e6];
  t.diagnostic(`${commits} commits meanwhile; loop p99 ${p99Ms.toFixed(1)} ms, max ${maxMs.toFixed(1)} ms`);
  const lines = readFileSync(file, 'utf8').split('\n');
  assert.equal(lines.filter((line) => line.includes(',t,') && line.includes(',count,')).length, 100_000);
  assert.ok(commits > 10 && ticks > 10, `${commits} commits, ${ticks} ticks`);
  assert.ok(maxMs < 2_000, `the loop waited ${maxMs} ms`);
  await stop();
});

test('a store whose disk refuses says so', async (t) => {
  const { path } = await nodeWith(t, (store, params) =>
    answerExport({ ...store, epoch: '' } as Store, params),
  );
  await assert.rejects(ask(controlPath(path), 'export'), /the store is not open: its disk refuses/);
});
