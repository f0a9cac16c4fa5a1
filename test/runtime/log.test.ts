import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { test } from 'node:test';
import type { Rows } from '../../drivers/contract/index.js';
import { lineOut } from '../../runtime/line-out.js';
import { createLog, LOG_LEVELS, type LogLevel } from '../../runtime/log.js';

const SECOND = 1_000_000_000n;

function rig(level: LogLevel = 'debug') {
  const time = { nowNs: 50n * SECOND };
  const printed: string[] = [];
  const rows: Rows[] = [];
  const { log, sink } = createLog(level, () => time.nowNs, { write: (line) => printed.push(line) });
  const texts = () => rows.map((one) => String(one.texts?.[2]));
  return { time, printed, rows, texts, log, sink, attach: () => sink.attach((one) => rows.push(one)) };
}

test('a line goes to stdout as JSON, and to the store as level, module and text at its time', () => {
  const { log, rows, printed, attach } = rig('warn');
  attach();
  log('debug', 'board', 'not stored');
  log('info', 'board', 'not printed');
  log('error', 'uplink', 'gone');
  assert.deepEqual(
    printed.map((line) => JSON.parse(line)).map(({ level, module, msg }) => [level, module, msg]),
    [[50, 'uplink', 'gone']],
  );
  assert.deepEqual(
    rows.map((one) => [one.stream, one.timesNs[0], LOG_LEVELS[one.values[0]!], ...one.texts!.slice(1)]),
    [
      ['log', 50n * SECOND, 'info', 'board', 'not printed'],
      ['log', 50n * SECOND, 'error', 'uplink', 'gone'],
    ],
  );
});

test('a flood fills the burst of 100, then 5 rows a second, and every line is a row or counted', () => {
  const { time, log, rows, texts, attach } = rig('error');
  attach();
  for (let i = 0; i < 1000; i++) log('info', 'm', 'flood');
  assert.equal(rows.length, 100);
  for (let tenth = 0; tenth < 600; tenth++) {
    time.nowNs += SECOND / 10n;
    log('info', 'm', 'flood');
  }
  assert.ok(rows.length > 350 && rows.length <= 100 + 60 * 5, `${rows.length} rows in a minute`);
  time.nowNs += 10n * SECOND;
  log('info', 'm', 'last');
  const counted = texts().map((text) => Number(/^(\d+) lines were left out/.exec(text)?.[1] ?? 0));
  const said = counted.filter((count) => count > 0).length;
  assert.equal(rows.length - said + counted.reduce((sum, count) => sum + count, 0), 1601);
  assert.equal(texts().at(-1), 'last');
});

test('a store that logs whenever it is given a row is given 100, not a stack without an end', () => {
  const { time, log, sink } = rig('error');
  let given = 0;
  sink.attach(() => {
    given++;
    log('error', 'store', 'the disk refuses');
  });
  log('info', 'm', 'one');
  assert.equal(given, 100);
  time.nowNs += 3600n * SECOND;
  log('info', 'm', 'an hour later');
  assert.equal(given, 200);
});

test('lines from before the store wait, the first 100; the rest are counted although hours pass', () => {
  const { time, log, texts, attach } = rig('error');
  for (let i = 0; i < 500; i++) {
    log('info', 'm', `early ${i}`);
    time.nowNs += 30n * SECOND;
  }
  attach();
  assert.deepEqual(
    texts(),
    Array.from({ length: 100 }, (_, i) => `early ${i}`),
  );
  log('info', 'm', 'on');
  assert.match(texts()[100]!, /^400 lines were left out/);
  assert.deepEqual(texts().slice(101), ['on']);
});

test('once detached, nothing is given to the store, and nothing is kept for it', () => {
  const { log, rows, printed, sink, attach } = rig();
  attach();
  sink.detach();
  log('error', 'm', 'late');
  assert.deepEqual([rows.length, printed.length], [0, 1]);
  attach();
  assert.equal(rows.length, 0);
});

test('a text is cut at 1000 characters for the store', () => {
  const { log, texts, attach } = rig('error');
  attach();
  log('info', 'm', 'x'.repeat(5000));
  assert.equal(texts()[0]!.length, 1000);
});

test('a stdout that refuses is counted, a line cut short is ended, and all goes on', () => {
  const seen: string[] = [];
  let room = 1000;
  const out = lineOut(-1, (bytes) => {
    if (room === 0) throw Object.assign(new Error('full'), { code: 'ENOSPC' });
    const taken = Math.min(room, bytes.length);
    room -= taken;
    seen.push(Buffer.from(bytes.subarray(0, taken)).toString());
    return taken;
  });
  out.write('one\n');
  room = 2;
  out.write('two\n');
  out.write('three\n');
  room = 1000;
  out.write('four\n');
  const lines = seen.join('').split('\n');
  assert.deepEqual([lines[0], lines[1], lines[3]], ['one', 'tw', 'four']);
  assert.match(JSON.parse(lines[2]!).msg, /^2 lines were left out/);
});

test('a process whose stdout is a full disk logs on', () => {
  const full = openSync('/dev/full', 'w');
  const script = `import { createLog } from '${new URL('../../runtime/log.js', import.meta.url)}';
    const { log } = createLog('info', () => 0n);
    for (let i = 0; i < 10; i++) log('info', 'm', 'text');
    process.exitCode = 7;`;
  const { status, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', full, 'pipe'],
    encoding: 'utf8',
  });
  closeSync(full);
  assert.equal(status, 7, stderr);
});
