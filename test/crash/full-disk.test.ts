import assert from 'node:assert/strict';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { openStore, type Store, type StoreDeps, storeDefaults } from '../../runtime/store/index.js';
import { cannotMount, fillUp, run } from '../acceptance/load.js';
import { until } from '../store/support.js';
import { judgeStore } from './judge.js';
import { crashOptions, SMALL_BYTES, STORE } from './options.js';
import { Promised } from './promise.js';
import { fastFolder } from './recording.js';
import { declareAll, rowsFrom, STREAMS } from './rows.js';

/** How often the disk is filled and freed; 1,000 in the nightly run. */
const ROUNDS = Number(process.env.CAIRN_CRASH_FILLS ?? 20);
const DISK_BYTES = 3 * SMALL_BYTES;
/** The promise: writing again within a second of space. Of that the store may wait so long before it tries. */
const WAIT_MS = 950;
const NAMES = ['t', 'a', 'e'] as const;

/** Timers as the store sets them, and openings: what it waits for, told without a clock. */
class Watch {
  longestMs = 0;
  opens = 0;
  readonly deps: StoreDeps;

  constructor() {
    const real = storeDefaults(() => undefined);
    this.deps = {
      ...real,
      setTimer: (callback, afterMs) => {
        this.longestMs = Math.max(this.longestMs, afterMs);
        return real.setTimer(callback, afterMs);
      },
      openLevel: (path, options) => {
        this.opens += 1;
        return real.openLevel(path, options);
      },
    };
  }
}

function disk(t: TestContext): string {
  const folder = fastFolder();
  const mount = join(folder, 'disk');
  mkdirSync(mount);
  run('mount', '-t', 'tmpfs', '-o', `size=${DISK_BYTES}`, 'cairn-crash', mount);
  t.after(() => {
    run('umount', '-l', mount);
    rmSync(folder, { recursive: true });
  });
  return mount;
}

/** Appends to a store and keeps account of what it promised. */
class Writer {
  readonly promised = new Promised();
  readonly #next = new Map<string, number>(NAMES.map((name) => [name, 0]));

  constructor(readonly store: Store) {
    this.promised.take({ is: 'open', epoch: store.epoch });
    declareAll(store);
    store.onCommit(() => this.note());
  }

  append(): void {
    for (const name of NAMES) {
      const first = this.#next.get(name)!;
      const rows = name === 't' ? 20 : 1;
      this.store.append(rowsFrom(name, first, rows));
      this.#next.set(name, first + rows);
    }
  }

  note(): void {
    for (const { stream, committed } of this.store.status().streams) {
      const isOurs = STREAMS.some(({ name }) => name === stream);
      if (isOurs && committed > 0) this.promised.take({ is: 'committed', stream, from: 0, to: committed });
    }
  }
}

const isOk = (store: Store): boolean => store.status().health.state === 'ok';

test('FAULTS 5: a disk filled and freed, again and again: 0 acknowledged lost, writing again within a second of space', {
  skip: cannotMount,
  timeout: 3_600_000,
}, async (t) => {
  const mount = disk(t);
  const watch = new Watch();
  const path = join(mount, STORE);
  const store = await openStore(crashOptions(path, { deps: watch.deps, sizeBytes: SMALL_BYTES }));
  const writer = new Writer(store);
  let [longestMs, tries, refused] = [0, 0, 0];
  for (let round = 0; round < ROUNDS; round += 1) {
    writer.append();
    await store.flush();
    const ballast = join(mount, 'ballast');
    fillUp(ballast);
    for (let turn = 0; turn < 500 && isOk(store); turn += 1) {
      writer.append();
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    if (!isOk(store)) refused += 1;
    // Now and then so long that the store waits as long between its tries as it ever does.
    await new Promise((resolve) => setTimeout(resolve, round % 10 === 0 ? 2500 : 50));
    watch.longestMs = 0;
    watch.opens = 0;
    const freedNs = watch.deps.nowNs();
    rmSync(ballast);
    await until(() => isOk(store));
    longestMs = Math.max(longestMs, Number(watch.deps.nowNs() - freedNs) / 1e6);
    tries = Math.max(tries, watch.opens);
    assert.ok(watch.longestMs <= WAIT_MS, `it waited ${watch.longestMs} ms for its next try`);
    await store.flush();
  }
  const { health } = store.status();
  await store.close();
  const { problems } = await judgeStore(path, writer.promised);
  t.diagnostic(
    `filled and freed ${ROUNDS} times, refused ${refused} times: writing again after ${longestMs.toFixed(0)} ms at most, ` +
      `${tries} openings, ${problems.length} problems`,
  );
  assert.deepEqual(problems, []);
  assert.deepEqual(health, { state: 'ok' });
  assert.ok(refused > ROUNDS / 2, `the disk refused in ${refused} of ${ROUNDS} rounds`);
  assert.ok(tries <= 2, `${tries} tries after there was room`);
});
