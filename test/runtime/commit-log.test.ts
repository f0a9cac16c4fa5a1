import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync, constants, openSync, readFileSync, readSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { CommitLog, startCommitLog } from '../../runtime/commit-log.js';
import { verifyStore } from '../../runtime/store/index.js';
import { openTest, rowsOf, temporary, testDeps, testOptions } from '../store/support.js';

const quiet = () => undefined;

/** A port that keeps what it takes. */
function portOf(taken: string[]) {
  return (bytes: Uint8Array) => taken.push(Buffer.from(bytes).toString()) && bytes.length;
}

function told(text: string): readonly Record<string, unknown>[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
}

const NEW = { epoch: 'e', streams: [] };
const streamStatus = (stream: string, committed: number) => ({ stream, committed });

test('a store at work: what the commit log says is on the disk, and it says it in time', async (t) => {
  const path = temporary(t);
  const file = join(path, '..', `commits-${process.pid}`);
  writeFileSync(file, '');
  const store = await openTest(testOptions(join(path, 'store')));
  startCommitLog(store, quiet, file);
  store.append(rowsOf('t', [0, 1, 2]));
  await store.flush();
  store.append(rowsOf('t', [3, 4]));
  store.append(rowsOf('a', [0]));
  await store.flush();
  const lines = told(readFileSync(file, 'utf8'));
  assert.deepEqual(
    lines.filter(({ stream }) => stream === 't').map(({ next }) => next),
    [3, 5],
  );
  assert.deepEqual(
    lines.filter(({ stream }) => stream === 'a').map(({ next }) => next),
    [1],
  );
  assert.ok(lines.every(({ epoch, dropped }) => epoch === store.epoch && dropped === 0));
  await store.close();
  const { streams } = await verifyStore(join(path, 'store'), testDeps());
  assert.deepEqual(streams.find(({ stream }) => stream === 't')?.stored, [[0, 5]], 'as an audit counts them');
});

test('numbers that wait for a commit are not told', async (t) => {
  const path = temporary(t);
  const store = await openTest(testOptions(join(path, 'store'), { commitIntervalMs: 60_000 }));
  const taken: string[] = [];
  const log = new CommitLog(store.status(), portOf(taken), quiet);
  store.onCommit(() => log.committed(store.status()));
  store.append(rowsOf('t', [0, 1, 2]));
  await store.flush();
  store.append(rowsOf('t', [3, 4]));
  assert.equal(store.status().streams.find(({ stream }) => stream === 't')?.next, 5, 'numbers were given');
  log.committed(store.status());
  const numbers = () => told(taken.join('')).flatMap(({ stream, next }) => (stream === 't' ? [next] : []));
  assert.deepEqual(numbers(), [3]);
  await store.flush();
  assert.deepEqual(numbers(), [3, 5]);
});

test('an opened store that has written nothing yet knows what is on the disk', async (t) => {
  const path = join(temporary(t), 'store');
  const first = await openTest(testOptions(path));
  first.append(rowsOf('t', [0, 1, 2]));
  await first.close();
  const second = await openTest(testOptions(path));
  assert.equal(second.status().streams.find(({ stream }) => stream === 't')?.committed, 3);
});

test('a port that is full drops lines, counts them, and hears of them later', () => {
  const warnings: string[] = [];
  const taken: string[] = [];
  let full = true;
  const take = portOf(taken);
  const log = new CommitLog(
    NEW,
    (bytes) => {
      if (full)
        throw Object.assign(new Error('EAGAIN: resource temporarily unavailable, write'), { code: 'EAGAIN' });
      return take(bytes);
    },
    (_level, _module, text) => void warnings.push(text),
  );
  const status = (a: number, b: number) => ({
    epoch: 'e',
    streams: [streamStatus('a', a), streamStatus('b', b)],
  });
  log.committed(status(3, 4));
  log.committed(status(5, 4));
  full = false;
  log.committed(status(5, 6));
  log.committed(status(5, 6));
  assert.deepEqual(told(taken.join('')), [
    { epoch: 'e', stream: 'a', from: 0, next: 5, dropped: 4 },
    { epoch: 'e', stream: 'b', from: 0, next: 6, dropped: 4 },
  ]);
  assert.equal(warnings.length, 1, 'said once');
});

test('many streams go in writes that a pipe takes whole', () => {
  const taken: string[] = [];
  const log = new CommitLog(NEW, portOf(taken), quiet);
  log.committed({
    epoch: '0123456789abcdef',
    streams: Array.from({ length: 250 }, (_, i) => streamStatus(`stream-${i}`, 1)),
  });
  assert.ok(taken.length > 1 && taken.every((text) => text.length <= 4096 && text.endsWith('\n')));
  assert.equal(told(taken.join('')).length, 250);
});

test('a pipe that nobody empties delays no commit', async (t) => {
  const path = temporary(t);
  const fifo = join(path, 'fifo');
  execFileSync('mkfifo', [fifo]);
  const reader = openSync(fifo, constants.O_RDONLY | constants.O_NONBLOCK);
  t.after(async () => closeSync(reader));
  const store = await openTest(testOptions(join(path, 'store')));
  const warnings: string[] = [];
  startCommitLog(store, (level, _module, text) => void (level === 'warn' && warnings.push(text)), fifo);
  // A pipe holds 64 KiB (pipe(7)): 70 bytes a line and more.
  for (let i = 0; i < 1200; i += 1) {
    store.append(rowsOf('t', [i]));
    await store.flush();
  }
  assert.match(warnings.join('\n'), /EAGAIN/);
  const piped = Buffer.alloc(128 * 1024);
  const bytes = readSync(reader, piped, 0, piped.length, null);
  const before = told(piped.toString('utf8', 0, bytes));
  assert.ok(before.length > 500 && before.length < 1200, `${before.length} lines were piped, whole ones`);
  store.append(rowsOf('t', [1200]));
  await store.flush();
  const [after] = told(piped.toString('utf8', 0, readSync(reader, piped, 0, piped.length, null)));
  assert.equal(after?.next, 1201);
  assert.equal(after?.dropped, 1200 - before.filter(({ stream }) => stream === 't').length);
});

test('a later process tells its own numbers, and where they begin', async (t) => {
  const path = temporary(t);
  const file = join(path, 'commits');
  const first = await openTest(testOptions(join(path, 'store')));
  first.append(rowsOf('t', [0, 1, 2]));
  await first.close();
  writeFileSync(file, '');
  const second = await openTest(testOptions(join(path, 'store')));
  startCommitLog(second, quiet, file);
  await second.flush();
  assert.ok(
    !told(readFileSync(file, 'utf8')).some(({ stream }) => stream === 't'),
    'nothing new, nothing told',
  );
  second.append(rowsOf('t', [3]));
  await second.flush();
  const lines = told(readFileSync(file, 'utf8')).filter(({ stream }) => stream === 't');
  assert.deepEqual(lines, [{ epoch: second.epoch, stream: 't', from: 3, next: 4, dropped: 0 }]);
});

test('no file, no commit log: the node goes on', async (t) => {
  const store = await openTest(testOptions(join(temporary(t), 'store')));
  const warnings: string[] = [];
  startCommitLog(store, (_level, _module, text) => void warnings.push(text), '/nowhere/commits');
  assert.match(warnings[0]!, /CAIRN_COMMIT_LOG: ENOENT.*not told/);
});
