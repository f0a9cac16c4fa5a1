import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { native } from '../../native/index.js';
import { openRealLevel, storeDefaults } from '../../runtime/store/defaults.js';

/** statfs(2): pages of a file in memory have nowhere to go. */
const TMPFS_MAGIC = 0x01021994;
const VALUE_BYTES = 64 * 1024;
const VALUES = 256;
const MIB = 1024 * 1024;

/** Resident bytes of mapped tables (proc_pid_smaps(5)). */
function residentBytes(): number {
  let bytes = 0;
  let isTable = false;
  for (const line of readFileSync('/proc/self/smaps', 'utf8').split('\n')) {
    if (/^[0-9a-f]+-[0-9a-f]+ /.test(line)) isTable = line.endsWith('.ldb');
    const rss = /^Rss:\s+(\d+) kB/.exec(line)?.[1];
    if (isTable && rss !== undefined) bytes += 1024 * Number(rss);
  }
  return bytes;
}

function value(n: number): Uint8Array {
  return new Uint8Array(VALUE_BYTES).fill(1 + (n % 255));
}

test('what LevelDB has mapped goes from memory, and reads as before', async (t) => {
  const folder = mkdtempSync(join(process.cwd(), '.cache-mapped-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  if (statfsSync(folder).type === TMPFS_MAGIC) return t.skip('the working directory lies in memory');
  const path = join(folder, 'level');
  const db = await openRealLevel(path, { createIfMissing: true, writeBufferBytes: MIB, tableBytes: MIB });
  for (let n = 0; n < VALUES; n += 1)
    await db.batch([{ type: 'put', key: Uint8Array.of(n), value: value(n) }]);
  await db.compact(Uint8Array.of(0), Uint8Array.of(255));
  const readAll = async (): Promise<void> => {
    for (let n = 0; n < VALUES; n += 1)
      assert.ok((await db.get(Uint8Array.of(n)))?.every((byte) => byte === 1 + (n % 255)));
  };
  await readAll();
  const before = residentBytes();
  assert.ok(before > 8 * MIB, `${before} bytes of tables are resident`);
  storeDefaults(() => undefined).letPagesGo?.(path);
  const after = residentBytes();
  assert.ok(after < before / 8, `${after} of ${before} bytes are left`);
  await readAll();
  await db.close();
});

test('what is mapped of other files stays; names that are no names are refused', () => {
  assert.equal(native.pageOut('/nowhere/', '.ldb'), 0);
  assert.throws(() => native.pageOut(undefined as unknown as string, '.ldb'), TypeError);
  assert.throws(() => native.pageOut('/x/', 'y'.repeat(64)), /suffix/);
});
