/**
 * A store on a disk that refuses, its rows coming faster than any bus brings them: `node memory-child.js <folder>`. Says `ready` when the
 * disk is to be taken away, goes on at a line on stdin, and ends with what became of the rows.
 */
import { randomBytes, randomInt } from 'node:crypto';
import { once } from 'node:events';
import { writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { StreamClass } from '../../drivers/contract/index.js';
import { SpareMemory } from '../../runtime/memory.js';
import { openStore } from '../../runtime/store/index.js';
import { testDeps, testOptions } from '../store/support.js';

const [path] = process.argv.slice(2);
const guarded = process.env.UNGUARDED === undefined;
const MIB = 1024 * 1024;
/** 100 kB at a time, at most 33 MB a second, 60 MB in all: no bus brings as much, and a group of 96 MiB has no room for it. */
const ROWS = 100;
const TEXT_BYTES = 500;
const TURNS = 600;
const TURN_MS = 3;
const NOISE = randomBytes(MIB);

/** Bytes that don't compress, in a buffer of their own as drivers make them. */
function text(): Uint8Array {
  const at = randomInt(NOISE.length - TEXT_BYTES);
  return new Uint8Array(NOISE.subarray(at, at + TEXT_BYTES));
}

const CLASSES: Readonly<Record<string, StreamClass>> = { bulk: 'bulk', log: 'log', sos: 'alarm' };

const log: string[] = [];
const memory = new SpareMemory();
const store = await openStore(
  testOptions(path!, {
    memoryBytes: 256 * MIB,
    commitIntervalMs: 200,
    deps: testDeps({
      log: (_, text) => log.push(text),
      ...(guarded ? { spareMemoryBytes: (wantedBytes) => memory.bytes(wantedBytes) } : {}),
    }),
  }),
);
for (const [name, streamClass] of Object.entries(CLASSES)) {
  store.declare({
    name,
    class: streamClass,
    title: name,
    channels: [{ name: 'x', quantity: 'text', type: { kind: 'bytes' } }],
  });
}
await store.flush();
writeSync(1, 'ready\n');
const lines = createInterface({ input: process.stdin });
await once(lines, 'line');

let made = 0;
function append(stream: string, rows: number): void {
  made += rows;
  const timesNs = BigInt64Array.from({ length: rows }, () => process.hrtime.bigint());
  store.append({
    stream,
    timesNs,
    values: new Float64Array(rows).fill(Number.NaN),
    quality: new Uint8Array(rows),
    texts: Array.from({ length: rows }, text),
  });
}

let mostPending = 0;
for (let i = 0; i < TURNS; i++) {
  append('bulk', ROWS);
  append('log', ROWS);
  if (i % 50 === 0) append('sos', 1);
  mostPending = Math.max(mostPending, store.status().pendingRows);
  await new Promise((resolve) => setTimeout(resolve, TURN_MS));
}
const { pendingRows, health } = store.status();
const residentMib = Math.round(process.memoryUsage.rss() / MIB);
writeSync(1, 'loaded\n');
await once(lines, 'line');
// What was lost has no numbers yet: they are given, and the gap is written, once the disk takes writes.
while (store.status().health.state !== 'ok') await new Promise((resolve) => setTimeout(resolve, 50));
await store.flush();
const streams = store.status().streams.filter(({ stream }) => stream in CLASSES);
writeSync(
  1,
  `${JSON.stringify({
    made,
    mostPending,
    pendingRows,
    residentMib,
    health: health.state,
    numbered: streams.reduce((sum, { next }) => sum + next, 0),
    lost: Object.fromEntries(streams.map(({ stream, gaps }) => [stream, gaps.overflow ?? 0])),
    said: log.filter((text) => text.includes('memory is short')).length,
  })}\n`,
);
process.kill(process.pid, 'SIGKILL');
