import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { SpareMemory, spareMemoryBytes } from '../../runtime/memory.js';

const MIB = 1024 * 1024;
const from = (files: Readonly<Record<string, string>>) => spareMemoryBytes((path) => files[path]);
const BOARD = { '/proc/meminfo': 'MemTotal:  948276 kB\nMemFree:   50000 kB\nMemAvailable:  204800 kB\n' };

/** Texts as Linux 6.1 has them. */
const SECOND = {
  ...BOARD,
  '/proc/self/cgroup': '0::/system.slice/cairn.service\n',
  '/sys/fs/cgroup/system.slice/cairn.service/memory.max': '268435456\n',
  '/sys/fs/cgroup/system.slice/cairn.service/memory.high': '201326592\n',
  '/sys/fs/cgroup/system.slice/cairn.service/memory.current': '104857600\n',
  '/sys/fs/cgroup/system.slice/cairn.service/memory.stat':
    'anon 73400320\nfile 31457280\ninactive_file 20971520\nactive_file 10485760\n',
};

test('version 2: what is left of the lower limit, cached files not counted', () => {
  assert.equal(from(SECOND), 122 * MIB, '192 - (100 - 30)');
  const max = { ...SECOND, '/sys/fs/cgroup/system.slice/cairn.service/memory.high': 'max\n' };
  assert.equal(from(max), 186 * MIB);
});

test('version 1, beside other controllers', () => {
  const folder = '/sys/fs/cgroup/memory/cairn';
  assert.equal(
    from({
      ...BOARD,
      '/proc/self/cgroup': '11:cpu,cpuacct:/other\n9:memory:/cairn\n0::/\n',
      [`${folder}/memory.limit_in_bytes`]: `${128 * MIB}\n`,
      [`${folder}/memory.usage_in_bytes`]: `${120 * MIB}\n`,
      [`${folder}/memory.stat`]: `cache 1\ninactive_file ${2 * MIB}\nactive_file ${MIB}\ntotal_inactive_file 9\n`,
    }),
    11 * MIB,
  );
});

test('no limit of a group: the board; neither: no bound', () => {
  const free = { ...SECOND };
  for (const name of ['memory.max', 'memory.high'] as const) {
    free[`/sys/fs/cgroup/system.slice/cairn.service/${name}`] = 'max\n';
  }
  assert.equal(from(free), 200 * MIB);
  assert.equal(from({ ...BOARD, '/proc/self/cgroup': '0::/absent\n' }), 200 * MIB);
  assert.equal(from({}), Number.POSITIVE_INFINITY);
});

test('over its limit is nothing left, and the board may be the shorter one', () => {
  const over = { ...SECOND, '/sys/fs/cgroup/system.slice/cairn.service/memory.current': '500000000\n' };
  assert.equal(from(over), 0);
  assert.equal(from({ ...SECOND, '/proc/meminfo': 'MemAvailable: 1024 kB\n' }), MIB);
});

test('this kernel says something, and no more than it has', () => {
  const totalKb = Number(/^MemTotal:\s+(\d+)/m.exec(readFileSync('/proc/meminfo', 'utf8'))![1]);
  const spare = spareMemoryBytes();
  assert.ok(spare > 0 && spare <= totalKb * 1024, `${spare}`);
});

/** A process with garbage, and a collector that says how often it was asked. */
function withGarbage(garbageBytes: number) {
  const own = { garbageBytes, heldBytes: 20 * MIB, collections: 0 };
  const memory = {
    spareBytes: () => 60 * MIB - own.heldBytes - own.garbageBytes,
    usedBytes: () => own.heldBytes + own.garbageBytes,
    collect: () => {
      own.garbageBytes = 0;
      own.collections += 1;
    },
  };
  return { own, spare: new SpareMemory(memory) };
}

test('FAULTS 42: garbage counts as spare where memory is short without it, and stays where it lies otherwise', () => {
  const { own, spare } = withGarbage(30 * MIB);
  assert.equal(spare.bytes(10 * MIB), 10 * MIB);
  assert.equal(own.collections, 0);
  assert.equal(spare.bytes(32 * MIB), 40 * MIB);
  assert.equal(own.collections, 1);
});

test('FAULTS 42: a process without garbage is not collected again and again for want of memory', () => {
  const { own, spare } = withGarbage(0);
  spare.bytes(64 * MIB);
  for (let i = 0; i < 100; i++) {
    own.garbageBytes += MIB / 10;
    spare.bytes(64 * MIB);
  }
  assert.equal(own.collections, 3, 'the first time, and after each 4 MiB');
  own.heldBytes -= 10 * MIB;
  spare.bytes(64 * MIB);
  own.garbageBytes += 4 * MIB;
  spare.bytes(64 * MIB);
  assert.equal(own.collections, 4, 'what was let go is no garbage of later');
});

test('FAULTS 42: V8 gives buffers that nobody holds back to the system when it is asked', () => {
  const spare = new SpareMemory();
  for (let i = 0; i < 200; i++) new Uint8Array(MIB / 4).fill(1);
  spare.bytes(Number.POSITIVE_INFINITY);
  assert.ok(process.memoryUsage().arrayBuffers < 10 * MIB, `${process.memoryUsage().arrayBuffers}`);
});
