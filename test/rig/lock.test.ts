import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { Locked, lock } from '../../hil/lock.js';

const file = () => join(mkdtempSync(join(tmpdir(), 'cairn-lock-')), 'deep', 'lock');
const module = pathToFileURL(join(import.meta.dirname, '../../hil/lock.js')).href;

/** Another process that takes the lock and keeps it. */
async function holder(path: string) {
  const source = `import { lock } from ${JSON.stringify(module)};
    await lock(${JSON.stringify(path)}); console.log('held'); setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', source], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  return child;
}

test('one at a time; the second is told who the first is; let go, it is free', async () => {
  const path = file();
  const unlock = await lock(path);
  await assert.rejects(lock(path), (error: Error) => {
    assert.ok(error instanceof Locked);
    assert.match(error.message, new RegExp(`held by process ${process.pid} since 20`));
    return true;
  });
  unlock();
  const again = await lock(path, { wait: true });
  again();
});

test('a lock whose holder was killed is taken over, and one whose holder lives is not', async () => {
  const path = file();
  const child = await holder(path);
  await assert.rejects(lock(path), Locked);
  child.kill('SIGKILL');
  await once(child, 'exit');
  const unlock = await lock(path, { wait: true });
  await assert.rejects(lock(path), Locked);
  unlock();
});

test('of many that wait, each has it alone', async () => {
  const path = file();
  const first = await lock(path);
  let inside = 0;
  const turns = Array.from({ length: 5 }, async () => {
    const unlock = await lock(path, { wait: true });
    assert.equal(++inside, 1);
    await new Promise((resolve) => setTimeout(resolve, 20));
    inside--;
    unlock();
  });
  first();
  await Promise.all(turns);
});

test('a lock file that somebody left behind locks nobody out', async () => {
  const path = join(mkdtempSync(join(tmpdir(), 'cairn-lock-')), 'lock');
  writeFileSync(path, 'process 1 since 2020\n');
  (await lock(path))();
});
