import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { native } from '../../native/index.js';
import { openBoard } from '../../runtime/board/index.js';
import { systemClock, systemWallClock } from '../../runtime/clock/index.js';
import { readConfig } from '../../runtime/console/files.js';
import { createLog } from '../../runtime/log.js';
import { createPipeline } from '../../runtime/pipeline.js';
import { openStore, storeDefaults, verifyStore } from '../../runtime/store/index.js';

const NODE = `
node: leaving
board: twin
parts:
  climate: { driver: bme280, bus: i2c-1, address: 0x76, every: 150ms }
store: { size: 16 MB, commit: 20s, reserve: 60s }
`;

test('a board that fails to close costs no reading; what is logged after the end goes to stdout', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'cairn-pipeline-'));
  t.after(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'node.yaml'), NODE);
  const config = readConfig(join(folder, 'node.yaml'), { err: assert.fail });
  const clock = systemClock();
  const printed: string[] = [];
  const { log, sink } = createLog('info', () => clock.nowNs(), { write: (line) => printed.push(line) });
  const board = await openBoard(config, { clock, native, random: Math.random, log: () => undefined });
  const close = board.close.bind(board);
  board.close = async () => {
    await close();
    throw new Error('EIO: the adapter is gone');
  };
  const path = join(folder, 'store');
  const deps = storeDefaults(() => undefined);
  const store = await openStore({
    ...config.store,
    path,
    node: '0123456789abcdef',
    machineId: 'here',
    bootId: 'now',
    software: 'test',
    deps,
  });
  const wall = systemWallClock();
  const pipeline = createPipeline({
    config,
    board,
    store,
    native,
    clock,
    wall,
    random: Math.random,
    log,
    logSink: sink,
  });
  pipeline.start();
  const end = Date.now() + 5000;
  while (pipeline.status().parts[0]!.samples < 3 && Date.now() < end) await clock.delay(20);
  await pipeline.stop();
  log('error', 'late', 'after the end');

  const lines = printed.map((line) => JSON.parse(line)).map(({ module, msg }) => `${module}: ${msg}`);
  assert.deepEqual(lines, [
    'pipeline: the board did not stop cleanly: EIO: the adapter is gone',
    'late: after the end',
  ]);
  const verdict = await verifyStore(path, deps);
  assert.deepEqual([verdict.ok, verdict.cleanStop], [true, true]);
  const climate = verdict.streams.find((stream) => stream.stream === 'climate')!;
  assert.ok(climate.next >= 3, `${climate.next} rows`);
  assert.deepEqual(climate.stored, [[0, climate.next]]);
});
