import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import type { PipelineStatus } from '../../runtime/pipeline.js';
import { storeDefaults, verifyStore } from '../../runtime/store/index.js';
import { MAIN, TestNode } from '../acceptance/harness.js';
import { cannotMount, fillUp, run } from '../acceptance/load.js';
import { until } from '../support/until.js';
import { ServiceManager, WITHOUT_PYTHON } from './service-manager.js';

const skip = WITHOUT_PYTHON;
const WATCHDOG_MS = 1_000;
/** Half of it, and what a busy machine may be late by. */
const PAUSE_MAX_MS = WATCHDOG_MS / 2 + 1_500;

const CLIMATE = `
node: watched
board: twin
parts: { climate: { driver: bme280, bus: i2c-1, address: 0x76, every: 200ms } }
store: { path: STORE, size: 16 MB, commit: 200ms }
`;
/** Nothing that it needs is there. */
const FORSAKEN = `
node: forsaken
board: generic
parts:
  climate: { driver: bme280, bus: i2c-9, address: 0x76, every: 200ms }
  gps: { driver: gnss, port: FOLDER/no-such-tty }
store: { path: STORE, size: 16 MB, commit: 200ms }
uplink: { url: 'mqtt://127.0.0.1:1' }
`;

function nodeOf(t: TestContext, yaml: string, storePath?: string): TestNode {
  const node = new TestNode(yaml, storePath);
  t.after(() => node.remove());
  return node;
}

/** Starts the node as a service manager does. */
function start(node: TestNode, manager: ServiceManager, before: readonly string[] = []): void {
  const environment = { NOTIFY_SOCKET: manager.address, WATCHDOG_USEC: String(WATCHDOG_MS * 1000) };
  Object.assign(process.env, environment);
  try {
    node.start([...before, MAIN, 'run', '--config', node.configFile]);
  } finally {
    for (const name of Object.keys(environment)) delete process.env[name];
  }
}

/** The longest time between two words to the watchdog, from the first on. */
function longestPause(manager: ServiceManager): number {
  const times = manager.times('WATCHDOG=1');
  return Math.max(...times.slice(1).map((ms, i) => ms - times[i]!));
}

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** The add-on as a sandbox makes it that forbids adjtimex(2). */
const FORBIDDEN_CLOCK = `
const load = require('node:module')._extensions['.node'];
require('node:module')._extensions['.node'] = (module, path) => {
  load(module, path);
  if (module.exports.clockSync) module.exports.clockSync = () => { throw new Error('EPERM: adjtimex'); };
};
`;

/** The last step of a start sets a timer of 5 s (the look at the kernel's clock, and libuv's millisecond). */
const FAILING_TIMER = `
const real = setTimeout;
globalThis.setTimeout = (callback, ms, ...more) => {
  if (ms === 5001) throw new Error('planted');
  return real(callback, ms, ...more);
};
`;

// They wait for watchdogs, each for one of its own.
describe('the node as a service', { concurrency: 4 }, () => {
  test('a node is ready once it samples, feeds in time, and says when it stops; abstract socket', {
    skip,
  }, async (t) => {
    const manager = await ServiceManager.listen(t, `@cairn-health-${process.pid}`);
    const node = nodeOf(t, CLIMATE);
    start(node, manager);
    await until('READY=1', () => manager.has(/^READY=1$/));
    assert.ok(manager.has(/^EXTEND_TIMEOUT_USEC=/), 'the time before it is asked for');
    await node.until('rows', ({ parts }) => parts[0]!.samples > 2);
    await until('a status', () => manager.has(/^STATUS=1 of 1 parts ok; store ok; no uplink$/));
    await sleep(2 * WATCHDOG_MS);
    assert.equal(await node.stop(), 0);
    await until('STOPPING=1', () => manager.has(/^STOPPING=1$/));
    assert.equal(manager.times('READY=1').length, 1);
    const pause = longestPause(manager);
    t.diagnostic(`the longest pause was ${pause.toFixed(0)} of ${WATCHDOG_MS} ms`);
    assert.ok(pause <= PAUSE_MAX_MS, `${pause} ms`);
  });

  test('no part and no link: the watchdog is fed all the same', { skip }, async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'cairn-notify-'));
    t.after(() => rmSync(folder, { recursive: true }));
    const manager = await ServiceManager.listen(t, join(folder, 'socket'));
    const node = nodeOf(t, FORSAKEN);
    start(node, manager);
    await until('it is told', () =>
      manager.has(/^STATUS=0 of 2 parts ok: .*climate missing.*uplink (waiting|connecting)/),
    );
    await sleep(4 * WATCHDOG_MS);
    assert.ok(node.running);
    const pause = longestPause(manager);
    assert.ok(pause <= PAUSE_MAX_MS, `${pause} ms`);
  });

  test('FAULTS 5: a disk that is full at the start, and again later: it samples, says so, and is no reason to be started again', {
    skip: skip || cannotMount,
  }, async (t) => {
    const mount = mkdtempSync(join(tmpdir(), 'cairn-health-'));
    run('mount', '-t', 'tmpfs', '-o', 'size=8m', 'cairn-health', mount);
    t.after(() => {
      run('umount', '-l', mount);
      rmSync(mount, { recursive: true });
    });
    const ballast = join(mount, 'ballast');
    fillUp(ballast);
    const manager = await ServiceManager.listen(t, `@cairn-full-${process.pid}`);
    const node = nodeOf(t, CLIMATE, join(mount, 'store'));
    start(node, manager);
    await until('READY=1: it samples', () => manager.has(/^READY=1$/));
    await until('it is told', () => manager.has(/^STATUS=1 of 1 parts ok; store not writing/));
    const { samples } = (await node.until('it samples', ({ parts }) => parts[0]!.samples > 10)).parts[0]!;

    rmSync(ballast);
    const ofClimate = ({ store }: PipelineStatus) =>
      store.streams.find(({ stream }) => stream === 'climate')!;
    const isThere = (status: PipelineStatus) => ofClimate(status).committed >= samples;
    const { gaps } = ofClimate(await node.until('what it sampled is on the disk', isThere));
    t.diagnostic(`${samples} rows sampled on a full disk, ${JSON.stringify(gaps)} in gaps`);
    assert.deepEqual(gaps, {});
    fillUp(ballast);
    await node.until('the disk refuses', (status) => status.store.health.state === 'notWriting');
    await sleep(4 * WATCHDOG_MS);
    assert.ok(node.running);
    const pause = longestPause(manager);
    assert.ok(pause <= PAUSE_MAX_MS, `${pause} ms`);
    await node.stop();
  });

  test('a loop that hangs feeds nothing from then on', { skip }, async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'cairn-hang-'));
    t.after(() => rmSync(folder, { recursive: true }));
    const hang = join(folder, 'hang.cjs');
    writeFileSync(hang, `process.on('SIGUSR2', () => { for (;;); });\n`);
    const manager = await ServiceManager.listen(t, join(folder, 'socket'));
    const node = nodeOf(t, CLIMATE);
    start(node, manager, ['--require', hang]);
    await until('it is fed', () => manager.times('WATCHDOG=1').length > 3);
    process.kill(node.pid, 'SIGUSR2');
    await sleep(PAUSE_MAX_MS);
    const before = manager.told.length;
    await sleep(2 * WATCHDOG_MS);
    assert.equal(manager.told.length, before);
  });

  test('a sandbox that forbids adjtimex keeps no node from sampling', { skip }, async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'cairn-clock-'));
    t.after(() => rmSync(folder, { recursive: true }));
    const before = join(folder, 'before.cjs');
    writeFileSync(before, FORBIDDEN_CLOCK);
    const manager = await ServiceManager.listen(t, join(folder, 'socket'));
    const node = nodeOf(t, CLIMATE);
    start(node, manager, ['--require', before]);
    await until('READY=1', () => manager.has(/^READY=1$/));
    assert.equal(await node.stop(), 0);
  });

  for (const [what, prepare] of [
    // No socket can be made where a folder is.
    ['its socket', (node: TestNode) => void mkdirSync(`${node.storePath}.sock`)],
    ['its last step', (node: TestNode) => writeFileSync(join(node.folder, 'before.cjs'), FAILING_TIMER)],
  ] as const) {
    test(`a start that fails at ${what} closes what it opened, and the process ends`, { skip }, async (t) => {
      const folder = mkdtempSync(join(tmpdir(), 'cairn-failed-'));
      t.after(() => rmSync(folder, { recursive: true }));
      const manager = await ServiceManager.listen(t, join(folder, 'socket'));
      const node = nodeOf(t, `${CLIMATE}uplink: { url: 'mqtt://127.0.0.1:1' }\n`);
      writeFileSync(join(node.folder, 'before.cjs'), '');
      prepare(node);
      start(node, manager, ['--require', join(node.folder, 'before.cjs')]);
      await until('it ended', () => !node.running);
      await until('STOPPING=1', () => manager.has(/^STOPPING=1$/));
      assert.ok(!manager.has(/^READY=1$/));
      const verdict = await verifyStore(
        node.storePath,
        storeDefaults(() => undefined),
      );
      assert.deepEqual([verdict.ok, verdict.cleanStop], [true, true]);
    });
  }
});
