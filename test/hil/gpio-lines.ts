import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type GpioLine, type GpioLineOptions, HalError } from '../../drivers/contract/index.js';
import { sysfsNumber } from '../../runtime/board/linux-onoff.js';
import type { GpioLineConfig } from '../../runtime/config/types.js';
import { gpioContract } from '../contract/gpio.js';
import { lacking, native, rig, SETTLE_MS, sleep } from './rig.js';

/** One way to the lines of a real kernel, and what it promises beyond the contract. */
export interface GpioBackend {
  readonly name: string;
  readonly open: (config: GpioLineConfig, name: string, options: GpioLineOptions) => Promise<GpioLine>;
  /** Lines are found by the kernel's names; otherwise by the chip's label and a number only. */
  readonly knowsNames: boolean;
  /** A busy line's holder is named. */
  readonly namesHolders: boolean;
  /** Edges carry the kernel's time and number; otherwise the process's time, and `lost` is what is sure to be missing, at least. */
  readonly numbersEdges: boolean;
}

const INPUT: GpioLineOptions = { direction: 'in', activeLow: false, bias: 'asIs', debounceUs: 0 };
const DEBOUNCE_US = 200_000;
const LATENCY_EDGES = 100;

/** Every GPIO test of the rig; the same for both backends. Where one promises less, the test holds it to that. */
export function gpioSuite(backend: GpioBackend): void {
  const lines = new Lines(backend);
  gpioContract(`${backend.name} of a real kernel`, async (options) => {
    const far = lines.outside('SOS');
    if (options.direction === 'in') far.drive(0);
    else far.release();
    const line = await lines.open('SOS', options);
    return {
      line,
      drive: async (level) => far.drive(level),
      outside: async () => far.level(),
      settle: () => sleep(SETTLE_MS),
      close: () => line.close(),
    };
  });
  const run = (
    what: string,
    body: (lines: Lines, t: TestContext) => Promise<void>,
    skip: string | false = false,
  ) => test(`${backend.name}: ${what}`, { skip }, (t) => body(lines, t));
  run(
    'a chip is found by its label, a line by its name, or by its number where names are unknown',
    findsLines,
  );
  run('a line or chip that is not there is absent, and the error says what was looked for', tellsAbsent);
  run('a line that another process holds is busy; free again when that process is killed', tellsBusy);
  run('a line that sysfs has exported', tellsExported, lacking('sysfsGpio'));
  run('a debounced line tells no glitch, and tells a level that stays', debounces);
  run('the time of an edge, while nobody listens for 100 ms', stampsEdges);
  run('a burst that nobody reads: what is told and what is lost', countsBurst);
  run('edge latency', measuresLatency);
}

class Lines {
  constructor(readonly backend: GpioBackend) {}

  open(
    name: string,
    options: Partial<GpioLineOptions> = {},
    config = rig.line(name).config,
  ): Promise<GpioLine> {
    return this.backend.open(config, name, { ...INPUT, ...options });
  }

  outside(name: string) {
    return rig.line(name).outside;
  }
}

async function refusal(call: Promise<GpioLine>): Promise<HalError> {
  const error = await call.then(
    () => assert.fail('no error'),
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof HalError);
  return error;
}

/** A line watched until the test is over. */
async function watched(lines: Lines, t: TestContext, name: string, options: Partial<GpioLineOptions> = {}) {
  const far = lines.outside(name);
  far.drive(0);
  const line = await lines.open(name, options);
  const told = { times: [] as bigint[], rising: [] as number[], lost: 0, late: [] as bigint[] };
  await line.watch((edges) => {
    told.late.push(native.bootTimeNs());
    told.times.push(...edges.timesNs);
    told.rising.push(...edges.rising);
    told.lost += edges.lost;
  }, assert.fail);
  t.after(() => line.close());
  await sleep(SETTLE_MS);
  return { far, line, told };
}

async function findsLines(lines: Lines): Promise<void> {
  const { config } = rig.line('DOOR');
  if (lines.backend.knowsNames) {
    const line = await lines.open('DOOR', {}, { ...config, offset: 0 });
    assert.match(line.where, /^gpiochip\d+ \d+ \(DOOR\)$/);
    await line.close();
    return;
  }
  const { offset, ...nameOnly } = config;
  const error = await refusal(lines.open('DOOR', {}, nameOnly));
  assert.equal(error.kind, 'unsupported');
  assert.match(error.message, /knows no line names \(give the line its offset/);
  const line = await lines.open('DOOR', {}, { ...config, lineNames: ['ANOTHER'], offset: offset! });
  assert.match(line.where, /^sysfs gpio\d+ \(DOOR\)$/);
  await line.close();
}

async function tellsAbsent(lines: Lines): Promise<void> {
  const { config } = rig.line('DOOR');
  const chip = await refusal(lines.open('DOOR', {}, { ...config, chipLabels: ['no-such-chip'] }));
  assert.equal(chip.kind, 'absent');
  assert.match(chip.message, /no-such-chip/);
  const line = await refusal(lines.open('DOOR', {}, { ...config, lineNames: ['NONE'], offset: 400 }));
  assert.equal(line.kind, 'absent');
  assert.match(line.message, lines.backend.knowsNames ? /NONE/ : /none with the offset 400/);
}

async function tellsBusy(lines: Lines): Promise<void> {
  const program = join(import.meta.dirname, 'holder.js');
  const holder = spawn(process.execPath, [program, 'DOOR'], { stdio: ['pipe', 'pipe', 'inherit'] });
  await once(holder.stdout, 'data');
  const error = await refusal(lines.open('DOOR'));
  assert.equal(error.kind, 'busy');
  assert.match(
    error.message,
    lines.backend.namesHolders ? /held by "cairn" \[EBUSY\]/ : /another user.*EBUSY/,
  );
  holder.kill('SIGKILL');
  await once(holder, 'exit');
  await (await lines.open('DOOR')).close();
}

/** sysfs has one export for all processes: to them it is never busy, and the last to leave takes it from the others. */
async function tellsExported(lines: Lines): Promise<void> {
  const number = await sysfsNumber(rig.line('DOOR').config, 'door');
  writeFileSync('/sys/class/gpio/export', String(number));
  if (!lines.backend.namesHolders) {
    const line = await lines.open('DOOR');
    assert.equal(await line.read(), lines.outside('DOOR').level());
    await line.close();
    return;
  }
  try {
    const error = await refusal(lines.open('DOOR'));
    assert.equal(error.kind, 'busy');
    assert.match(error.message, /held by "sysfs"/);
  } finally {
    writeFileSync('/sys/class/gpio/unexport', String(number));
  }
}

async function debounces(lines: Lines, t: TestContext): Promise<void> {
  const { far, told } = await watched(lines, t, 'SOS', { debounceUs: DEBOUNCE_US });
  far.drive(1);
  far.drive(0);
  await sleep((3 * DEBOUNCE_US) / 1000);
  assert.deepEqual(told.rising, []);
  far.drive(1);
  await sleep((3 * DEBOUNCE_US) / 1000);
  assert.deepEqual([told.rising, told.lost], [[1], 0]);
}

async function stampsEdges(lines: Lines, t: TestContext): Promise<void> {
  const { far, line, told } = await watched(lines, t, 'SOS');
  assert.equal(line.edgeTime, lines.backend.numbersEdges ? 'kernel' : 'user');
  const beforeNs = native.bootTimeNs();
  far.drive(1);
  const drivenNs = native.bootTimeNs();
  for (const startMs = performance.now(); performance.now() - startMs < 100; ); // nobody listens meanwhile
  await sleep(SETTLE_MS);
  assert.equal(told.times.length, 1);
  const [timeNs] = told.times;
  const lateMs = Number(timeNs! - drivenNs) / 1e6;
  assert.ok(timeNs! >= beforeNs, 'an edge from before it was');
  // The interrupt may be taken a moment after the write returned, never after the 100 ms that follow; the process's own time is from after them.
  assert.ok(lines.backend.numbersEdges ? lateMs < 50 : lateMs >= 99, `${lateMs} ms after it`);
}

/** How often the kernel's thread of this line's interrupt has gone to sleep: once after each event that it numbered. */
function sleepsOfThread(): () => number {
  const comm = (id: string) => readFileSync(`/proc/${id}/comm`, 'utf8').trim();
  const id = readdirSync('/proc').find((name) => /^\d+$/.test(name) && /^irq\/\d+-cairn$/.test(comm(name)));
  assert.ok(id, 'the line has an interrupt thread');
  return () =>
    Number(/^voluntary_ctxt_switches:\s*(\d+)/m.exec(readFileSync(`/proc/${id}/status`, 'utf8'))![1]);
}

async function countsBurst(lines: Lines, t: TestContext): Promise<void> {
  const { far, line, told } = await watched(lines, t, 'BURST');
  const isNumbered = lines.backend.numbersEdges;
  // More than the kernel keeps for a reader, each waited for until it has its number; without numbers there is nothing to wait for.
  const edges = isNumbered ? 1500 : 501;
  const sleeps = isNumbered ? sleepsOfThread() : undefined;
  const startMs = performance.now();
  for (let i = 1; i <= edges; i++) {
    const before = sleeps?.();
    far.drive((i % 2) as 0 | 1);
    while (sleeps?.() === before && sleeps)
      assert.ok(performance.now() - startMs < 60_000, `edge ${i} is never taken`);
  }
  const rate = Math.round(edges / ((performance.now() - startMs) / 1000));
  await sleep(SETTLE_MS * 2);
  far.drive(edges % 2 === 0 ? 1 : 0); // an edge after the hole shows its size
  await sleep(SETTLE_MS);
  const [kept, all] = [told.rising.length, edges + 1];
  t.diagnostic(`${all} edges at ${rate}/s: ${kept} told, ${told.lost} lost`);
  if (isNumbered) assert.equal(kept + told.lost, all);
  else assert.ok(kept >= 1 && kept + told.lost <= all, 'more than there were');
  assert.equal(told.rising.at(-1), await line.read(), 'the last edge told is the level that the line has');
}

async function measuresLatency(lines: Lines, t: TestContext): Promise<void> {
  const { far, told } = await watched(lines, t, 'SOS');
  const fromWrite: number[] = [];
  for (let i = 1; i <= LATENCY_EDGES; i++) {
    const startNs = native.bootTimeNs();
    far.drive((i % 2) as 0 | 1);
    for (let waits = 0; told.late.length < i && waits < 200; waits++) await sleep(5);
    assert.equal(told.late.length, i, 'an edge that is never told');
    fromWrite.push(Number(told.late[i - 1]! - startNs) / 1e6);
  }
  t.diagnostic(`edge latency, write to JS: ${summary(fromWrite)}`);
  if (!lines.backend.numbersEdges) return;
  const fromKernel = told.times.map((timeNs, i) => Number(told.late[i]! - timeNs) / 1e6);
  t.diagnostic(`edge latency, kernel timestamp to JS: ${summary(fromKernel)}`);
}

function summary(ms: number[]): string {
  const sorted = [...ms].sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.floor(share * (sorted.length - 1))]!.toFixed(2);
  return `median ${at(0.5)} ms, p99 ${at(0.99)} ms of ${ms.length}`;
}
