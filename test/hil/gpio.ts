import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import type { GpioLineOptions } from '../../drivers/contract/index.js';
import { openCdevLine } from '../../runtime/board/linux-gpio.js';
import { sysfsNumber } from '../../runtime/board/linux-onoff.js';
import { gpioContract } from '../contract/gpio.js';
import { lacking, native, needs, rig, SETTLE_MS, setup, sleep } from './rig.js';

const INPUT: GpioLineOptions = { direction: 'in', activeLow: false, bias: 'asIs', debounceUs: 0 };
const config = (name: string) => rig.line(name).config;
const open = (name: string, options: Partial<GpioLineOptions> = {}) =>
  openCdevLine(config(name), name, { ...INPUT, ...options }, setup);
const outside = (name: string) => rig.line(name).outside;

needs('lines.SOS', 'lines.DOOR', 'lines.BURST');

gpioContract('character device of a real kernel', async (options) => {
  const far = outside('SOS');
  if (options.direction === 'in') far.drive(0);
  else far.release();
  const line = open('SOS', options);
  return {
    line,
    drive: async (level) => far.drive(level),
    outside: async () => far.level(),
    settle: () => sleep(SETTLE_MS),
    close: () => line.close(),
  };
});

test('chips and lines are found by the names that the kernel has for them', {
  skip: lacking('simulated.cairn-sim'),
}, async () => {
  const [label] = config('DOOR').chipLabels;
  const lines = rig.manifest.simulated![label!]!;
  const chip = native.gpioChips().find((found) => found.label === label);
  assert.ok(chip, 'the chip is listed by its label');
  assert.equal(chip.lines, lines.length);
  assert.deepEqual(
    native.gpioLines(chip.path).map((line) => line.name),
    lines,
  );
  const line = openCdevLine({ ...config('DOOR'), offset: 0 }, 'door', INPUT, setup);
  assert.equal(line.where, `${chip.name} ${lines.indexOf('DOOR')} (DOOR)`);
  const held = native.gpioLines(chip.path).find(({ name }) => name === 'DOOR');
  assert.deepEqual([held?.used, held?.consumer], [true, 'cairn']);
  await line.close();
  assert.equal(native.gpioLines(chip.path).find(({ name }) => name === 'DOOR')?.used, false);
});

test('a line that another process holds is busy, and free again when that process ends', async () => {
  const holder = spawn(process.execPath, ['dist/test/hil/holder.js', 'DOOR'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  await once(holder.stdout, 'data');
  assert.throws(
    () => open('DOOR'),
    (error: Error) => {
      assert.equal((error as { kind?: string }).kind, 'busy');
      assert.match(error.message, /"cairn"/);
      return true;
    },
  );
  holder.kill('SIGKILL');
  await once(holder, 'exit');
  await open('DOOR').close();
});

test('a line exported to sysfs is busy, and its holder is named', {
  skip: lacking('sysfsGpio'),
}, async () => {
  const number = await sysfsNumber(config('DOOR'), 'door');
  writeFileSync('/sys/class/gpio/export', String(number));
  try {
    assert.throws(() => open('DOOR'), { kind: 'busy', message: /"sysfs"/ });
  } finally {
    writeFileSync('/sys/class/gpio/unexport', String(number));
  }
});

test('a debounced line tells no glitch, and tells a level that stays', async () => {
  const far = outside('SOS');
  far.drive(0);
  const line = open('SOS', { debounceUs: 200_000 });
  const rising: number[] = [];
  const stop = await line.watch((edges) => rising.push(...edges.rising), assert.fail);
  far.drive(1);
  far.drive(0);
  await sleep(600);
  assert.deepEqual(rising, []);
  far.drive(1);
  await sleep(600);
  assert.deepEqual(rising, [1]);
  await stop();
  await line.close();
});

test('edge times are the kernel’s, on the clock of the rows', async () => {
  const far = outside('SOS');
  far.drive(0);
  const line = open('SOS');
  const times: bigint[] = [];
  const stop = await line.watch((edges) => times.push(...edges.timesNs), assert.fail);
  const beforeNs = native.bootTimeNs();
  far.drive(1);
  const afterNs = native.bootTimeNs();
  for (const startMs = performance.now(); performance.now() - startMs < 100; ); // nobody listens meanwhile
  await sleep(SETTLE_MS);
  assert.equal(times.length, 1);
  // The interrupt may be taken a moment after the write returned, never after the 100 ms that follow.
  assert.ok(
    times[0]! >= beforeNs && times[0]! < afterNs + 50_000_000n,
    `${times[0]! - beforeNs} ns after it`,
  );
  await stop();
  await line.close();
});

/** How often the kernel's thread of this line's interrupt has gone to sleep: once after each event that it numbered. */
function sleepsOfThread(): () => number {
  const comm = (id: string) => readFileSync(`/proc/${id}/comm`, 'utf8').trim();
  const id = readdirSync('/proc').find((name) => /^\d+$/.test(name) && /^irq\/\d+-cairn$/.test(comm(name)));
  assert.ok(id, 'the line has an interrupt thread');
  return () =>
    Number(/^voluntary_ctxt_switches:\s*(\d+)/m.exec(readFileSync(`/proc/${id}/status`, 'utf8'))![1]);
}

test('in a burst that nobody reads, what is told and what is lost are all edges that the kernel numbered', async (t) => {
  const EDGES = 1500;
  const far = outside('BURST');
  far.drive(0);
  const line = open('BURST');
  const told = { kept: 0, lost: 0 };
  const stop = await line.watch((edges) => {
    told.kept += edges.timesNs.length;
    told.lost += edges.lost;
  }, assert.fail);
  await sleep(SETTLE_MS);
  const sleeps = sleepsOfThread();
  const startMs = performance.now();
  for (let i = 1; i <= EDGES; i++) {
    const before = sleeps();
    far.drive((i % 2) as 0 | 1);
    while (sleeps() === before) assert.ok(performance.now() - startMs < 30_000, `edge ${i} is never taken`);
  }
  const tookMs = performance.now() - startMs;
  await sleep(SETTLE_MS * 2);
  far.drive(1); // an edge after the hole shows its size
  await sleep(SETTLE_MS);
  await stop();
  await line.close();
  t.diagnostic(`${EDGES + 1} edges in ${Math.round(tookMs)} ms: ${told.kept} told, ${told.lost} lost`);
  assert.equal(told.kept + told.lost, EDGES + 1);
});

test('edge latency', async (t) => {
  const far = outside('SOS');
  far.drive(0);
  const line = open('SOS');
  const late: number[] = [];
  const stop = await line.watch(
    ({ timesNs }) => late.push(...[...timesNs].map((timeNs) => Number(native.bootTimeNs() - timeNs) / 1e6)),
    assert.fail,
  );
  for (let i = 1; i <= 100; i++) {
    far.drive((i % 2) as 0 | 1);
    await sleep(5);
  }
  await sleep(SETTLE_MS);
  await stop();
  await line.close();
  late.sort((a, b) => a - b);
  assert.equal(late.length, 100);
  t.diagnostic(`kernel to JS: median ${late[50]!.toFixed(2)} ms, p99 ${late[98]!.toFixed(2)} ms of 100`);
});
