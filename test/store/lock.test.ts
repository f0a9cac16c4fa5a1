import assert from 'node:assert/strict';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { openTest, temporary, testOptions } from './support.js';

/** proc(5): `1: POSIX  ADVISORY  WRITE <pid> <major>:<minor>:<inode> 0 EOF`. */
function isLocked(file: string): boolean {
  const wanted = new RegExp(` WRITE ${process.pid} \\S+:${statSync(file).ino} `);
  return wanted.test(readFileSync('/proc/locks', 'utf8'));
}

test('the lock that keeps a second node out is held from the first opening on, and given back', async (t) => {
  const path = temporary(t);
  const lock = join(path, 'level', 'LOCK');
  for (const opening of ['a new store', 'one that is there']) {
    const store = await openTest(testOptions(path));
    await store.flush();
    assert.ok(isLocked(lock), `${opening}: the kernel knows of a lock`);
    await store.close();
    assert.ok(!isLocked(lock), `${opening}: closed`);
  }
});
