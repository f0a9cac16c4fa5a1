import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RunningReceiver, SummaryLine } from '../../fleet/receive/index.js';
import type { PipelineStatus } from '../../runtime/pipeline.js';
import { type CountingTwins, startCountingTwins, type TestNode, writeSocketBoard } from './harness.js';

/** The load of the issue: four magnetometers on two buses, 200 readings a second, twins of another process. */
export const LOAD_STREAMS: readonly string[] = ['a', 'b', 'c', 'd'];
export const LOAD_HZ = 200;

export function loadNodeFile(name: string, url: string, store = ''): string {
  return `
node: ${name}
board: ./board.yaml
parts:
  a: { driver: lis3mdl, bus: i2c-1, address: 0x1c, every: 20ms, dataRateHz: 80 }
  b: { driver: lis3mdl, bus: i2c-1, address: 0x1e, every: 20ms, dataRateHz: 80 }
  c: { driver: lis3mdl, bus: i2c-2, address: 0x1c, every: 20ms, dataRateHz: 80 }
  d: { driver: lis3mdl, bus: i2c-2, address: 0x1e, every: 20ms, dataRateHz: 80 }
store: { path: STORE, size: 16 MB, commit: 200ms, reserve: 2s${store} }
uplink: { url: '${url}', backoff: { min: 100ms, max: 1s } }
`;
}

/** The board file and the twins of `loadNodeFile`, in the node's folder. */
export function startLoad(node: TestNode): Promise<CountingTwins> {
  writeSocketBoard(node.folder);
  return startCountingTwins(['i2c-1', 'i2c-2'].map((bus) => join(node.folder, `${bus}.sock`)));
}

/** What the twins handed out to all streams together. */
export async function handedOut(twins: CountingTwins): Promise<number> {
  return Object.values(await twins.counts()).reduce((sum, count) => sum + count, 0);
}

export function gapRows(line: SummaryLine): number {
  return Object.values(line.gaps).reduce((sum, rows) => sum + rows, 0);
}

/** The receiver's lines of these streams, once nothing is missing any more; their state at the end of the wait otherwise. */
export async function settledLines(
  receiver: RunningReceiver,
  streams: readonly string[],
  nextAtLeast: Readonly<Record<string, number>> = {},
  withinMs = 60_000,
): Promise<readonly SummaryLine[]> {
  const lines = () => receiver.receiver.summary().filter((line) => streams.includes(line.stream));
  const isSettled = () =>
    lines().length === streams.length &&
    lines().every((line) => line.missing === 0 && line.next >= (nextAtLeast[line.stream] ?? 0));
  for (const end = Date.now() + withinMs; Date.now() < end && !isSettled(); ) await sleep(50);
  return lines();
}

/** Invariant 1 of DESIGN.md, on one stream. */
export function assertAccounted(line: SummaryLine): void {
  const { stream, missingRanges, received, next } = line;
  assert.equal(line.missing, 0, `${stream}: rows are missing: ${JSON.stringify(missingRanges)}`);
  assert.equal(received + gapRows(line), next, `${stream}: received and gaps make up all numbers`);
  assert.equal(line.conflicts, 0, `${stream}: one identity, one content`);
  assert.equal(line.contradictions, 0, `${stream}: no row is both received and lost`);
}

/** Online, and no more than what is under way is in the store. */
export function isDrained({ store, uplink }: PipelineStatus): boolean {
  return uplink?.link.state === 'online' && store.classes.every((one) => one.blocks < 20);
}

/** Part of a process that is in memory, bytes (proc(5): VmRSS is in kB). */
export function residentBytes(pid: number): number {
  return Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) * 1024;
}

/** The node's own log, parsed: one JSON object a line. */
export function logLines(node: TestNode): readonly { level: number; module: string; msg: string }[] {
  return node.log
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line));
}

export const PINO = { info: 30, warn: 40, error: 50 } as const;

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Why a test that mounts cannot run here; false where it can. */
export const cannotMount: string | false = process.getuid?.() === 0 ? false : 'mounting needs root';

export function run(command: string, ...args: string[]): void {
  const { status, stderr, error } = spawnSync(command, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${stderr || error}`);
}

/** Takes all room that a file system has left. */
export function fillUp(path: string): void {
  const block = Buffer.alloc(64 * 1024, 0xa5);
  for (let bytes = block.length; bytes >= 512; bytes /= 8) {
    try {
      for (;;) writeFileSync(path, block.subarray(0, bytes), { flag: 'a' });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
    }
  }
}
