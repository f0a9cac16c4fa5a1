import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { replayed } from '../../hil/power/crash-point.js';
import { DiskImage } from '../../hil/power/disk-image.js';
import { parseWriteLog, readWriteLog } from '../../hil/power/write-log.js';
import { logOf, SUPERBLOCK } from './support.js';

test('the superblock is that of the kernel (struct log_write_super, drivers/md/dm-log-writes.c)', () => {
  const other = Uint8Array.from(SUPERBLOCK);
  assert.deepEqual(parseWriteLog(SUPERBLOCK), { entries: [], restBytes: 0 });
  for (const [at, what] of [
    [0, 'magic'],
    [8, 'version'],
  ] as const) {
    other.set(SUPERBLOCK);
    other[at] = other[at]! + 1;
    assert.throws(() => parseWriteLog(other, 'x.log'), /x\.log: no write log of version 1/, what);
  }
  other.set(SUPERBLOCK);
  new DataView(other.buffer).setUint32(24, 4096, true);
  assert.throws(() => parseWriteLog(other), /sectors of 4096 bytes; give QEMU log-sector-size=512/);
  assert.throws(() => parseWriteLog(new Uint8Array(100)), /no write log/);
});

test('entries of each kind, by hand', () => {
  const data = new Uint8Array(1024).fill(0xab);
  const bytes = logOf([
    { sector: 7n, count: 2n, flags: 0n, data },
    { sector: 0n, count: 0n, flags: 1n },
    { sector: 9n, count: 1n, flags: 3n, data: data.subarray(0, 512) },
    { sector: 32n, count: 8n, flags: 4n },
    { sector: 0n, count: 0n, flags: 8n, data: Uint8Array.of(0x68, 0x69) },
    { sector: 2n ** 33n, count: 1n, flags: 2n, data: data.subarray(0, 512) },
  ]);
  const { entries, restBytes } = parseWriteLog(bytes);
  assert.equal(restBytes, 0);
  assert.deepEqual(
    entries.map(({ kind, sector, sectors, flush, fua, endBytes }) => [
      kind,
      sector,
      sectors,
      flush,
      fua,
      endBytes / 512,
    ]),
    [
      ['write', 7, 2, false, false, 4],
      ['flush', 0, 0, true, false, 5],
      ['write', 9, 1, true, true, 7],
      ['discard', 32, 8, false, false, 8],
      ['mark', 0, 0, false, false, 10],
      ['write', 2 ** 33, 1, false, true, 12],
    ],
  );
  assert.ok(Buffer.from(entries[0]!.data).equals(data));
});

test('a log that is being written: what is behind the last whole entry is not read', () => {
  const entry = { sector: 7n, count: 2n, flags: 0n, data: new Uint8Array(1024).fill(1) };
  const whole = logOf([entry, entry]);
  for (const cutAt of [512 + 1, 512 + 512, 512 + 1536, 512 + 1536 + 700, whole.length - 1]) {
    const { entries, restBytes } = parseWriteLog(whole.subarray(0, cutAt));
    assert.equal(entries.length, cutAt < 512 + 1536 ? 0 : 1, `cut at ${cutAt}`);
    assert.equal(restBytes, cutAt - 512 - 1536 * entries.length);
  }
  const hole = Uint8Array.from(whole);
  hole.fill(0, 512 + 1536, 512 + 1536 + 512);
  assert.equal(parseWriteLog(hole).entries.length, 1, 'an entry whose header never came');
});

const missing =
  spawnSync('qemu-io', ['--version']).status === 0 ? false : 'qemu-io is absent (Debian: qemu-utils)';

test('what QEMU itself logs, and the replay of it is the disk', { skip: missing }, (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'cairn-write-log-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const [disk, log] = [join(folder, 'disk'), join(folder, 'log')];
  writeFileSync(log, '');
  writeFileSync(disk, Buffer.alloc(4096, 0x5a));
  truncateSync(disk, 4 * 1024 * 1024);
  const before = DiskImage.read(disk);
  const commands = [
    'write -P 0xab 0 1024',
    'flush',
    'write -P 0xcd 4096 512',
    'write -z 8192 4096',
    'write -P 0x11 512 1536',
    'write -P 0x77 1048576 200704',
    'flush',
    'write -P 0x99 4193792 512',
  ];
  const options = `driver=blklogwrites,file.driver=file,file.filename=${disk},log.driver=file,log.filename=${log},log-sector-size=512`;
  const { status, stderr } = spawnSync(
    'qemu-io',
    ['--image-opts', options, ...commands.flatMap((one) => ['-c', one])],
    {
      encoding: 'utf8',
    },
  );
  assert.equal(status, 0, stderr);
  const { entries, restBytes } = readWriteLog(log);
  assert.equal(restBytes, 0);
  const writes = entries.filter(({ kind }) => kind === 'write');
  assert.deepEqual(
    writes.map(({ sector, sectors, data }) => [sector, sectors, data[0]]),
    [
      [0, 2, 0xab],
      [8, 1, 0xcd],
      [16, 8, 0],
      [1, 3, 0x11],
      [2048, 392, 0x77],
      [8191, 1, 0x99],
    ],
  );
  const order = entries.map(({ kind }) => kind[0]).join('');
  assert.match(order, /^wfw.*f+wf*$/, 'flushes where they were asked for, and those that QEMU adds');
  assert.deepEqual(replayed(before, entries).differences(DiskImage.read(disk)), []);
  const live = readFileSync(disk);
  live[600] = live[600]! ^ 1;
  writeFileSync(disk, live);
  assert.deepEqual(replayed(before, entries).differences(DiskImage.read(disk)), [1], 'one bit more is seen');
});
