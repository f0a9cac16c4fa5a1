import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, type TestContext, test } from 'node:test';
import { Wires } from '../../hil/i2c-adapter/wires.js';
import type { SimLine } from '../../hil/inside/gpio-sim.js';
import { createWorld, registry } from '../../runtime/board/index.js';
import type { AttachmentConfig, BoardConfig, PartConfig } from '../../runtime/config/types.js';
import { partConfig } from '../board/fixture.js';
import { full, native, needs, rig, seed, sleep } from './rig.js';
import { SampledNode, type SampledRow } from './sampled-node.js';
import { TwinProcess } from './twin-process.js';

/** FAULTS 14 to 17 and 22: the real sampler and board on real buses and lines, the twins in processes of their own. */
needs('buses.main.twins', 'buses.second.twins', 'simulated', 'lines.SUPPLY', 'lines.BURST');

const CLIMATE = 0x76;
const BATTERY = 0x40;
const EVERY_MS = 500;
/** The sampler's, of one call of a driver. */
const SAMPLE_DEADLINE_MS = 5_000;
/** Beyond the kernel's own bound, 1 s: a machine that is busy is no fault of a part. */
const TIMEOUT_MS = 1_500;
/** How many times slower the machine seems than an idle one that emulates: as the guest's own boot took, which takes 4 s there. */
const SLOWNESS = Math.min(5, Math.max(1, Number(process.env.CAIRN_HIL_BOOT_S ?? 0) / 4));
const lasting = (ms: number) => (full ? 5 : 1) * SLOWNESS * ms;
/** Long for a part that was failing all the while to be asked again. */
const AGAIN_MS = 45_000;
/** Of a row's current, of that of the world at its time: the battery's steps are smaller, its noise far smaller. */
const SCALE_TOLERANCE_A = 0.5;
const WORLD_SEED = 7;
const worldAt = createWorld(WORLD_SEED, 0n);
const main = rig.bus();
const second = rig.bus('second');
const wires = new Wires(main.twins!);
const supplyLine = rig.line('SUPPLY');

const driverOf = (id: string) => registry.drivers.find((driver) => driver.id === id)!;
function part(id: string, driver: string, attachment: AttachmentConfig, options: object = {}): PartConfig {
  return { ...partConfig(id, driverOf(driver), attachment, options), intervalMs: EVERY_MS };
}
const onBus = (id: string, driver: string, bus: string, address: number) =>
  part(id, driver, { kind: 'i2c', bus, address });
const FAR = onBus('far', 'bme280', 'second', CLIMATE);
const NEAR = [onBus('climate', 'bme280', 'main', CLIMATE), onBus('battery', 'ina219', 'main', BATTERY)];
const NEAR_IDS = NEAR.map(({ id }) => id);

/** Twins on both buses, for all tests. */
const climate = { driver: 'bme280', address: CLIMATE };
const served = { seed, worldSeed: WORLD_SEED };
const [near, far] = await Promise.all([
  TwinProcess.start({
    ...served,
    server: main.twins!,
    parts: [climate, { driver: 'ina219', address: BATTERY }],
  }),
  TwinProcess.start({ ...served, server: second.twins!, parts: [climate] }),
]);
after(() => Promise.all([near.kill(), far.kill()]));

/** No fault lasts into the next test. */
async function allWell(): Promise<void> {
  wires.holdSda(0);
  wires.holdScl(false);
  for (const address of [CLIMATE, BATTERY]) await near.set(address, { noAcknowledgeProbability: 0 });
}

/** A node that samples them, until the test is over. */
async function sampled(t: TestContext, parts: readonly PartConfig[], board: Partial<BoardConfig> = {}) {
  const bus = { pins: [], timeoutMs: TIMEOUT_MS };
  const node = await SampledNode.start(parts, {
    i2c: { main: { ...bus, device: main.device }, second: { ...bus, device: second.device } },
    ...board,
  });
  t.after(async () => {
    await node.stop();
    await allWell();
  });
  await node.goodRows(
    parts.map(({ id }) => id),
    AGAIN_MS,
  );
  return node;
}

/** What is told of a stream while a fault lasts. */
async function during(node: SampledNode, lastMs: number) {
  const sinceNs = native.bootTimeNs();
  const waitsBefore = node.waitsMs.length;
  await sleep(lastMs);
  const untilNs = native.bootTimeNs();
  const rowsOf = (stream: string) => node.rowsOf(stream, sinceNs).filter(({ timeNs }) => timeNs <= untilNs);
  return {
    rowsOf,
    /** The sampler's waits that are beyond its schedule and the first step of its back-off; no call's deadline. */
    backOffMs: () =>
      node.waitsMs.slice(waitsBefore).filter((ms) => ms > 1.4 * EVERY_MS && ms !== SAMPLE_DEADLINE_MS),
    /**
     * A part that the fault doesn't touch: it is never without a good row for half of the fault. It may fail now and then: a machine that is
     * busy keeps a twin from answering within the kernel's second.
     */
    assertGoesOn(stream: string) {
      const rows = rowsOf(stream).filter((row) => !row.isFault);
      const times = [sinceNs, ...rows.map(({ timeNs }) => timeNs), untilNs];
      const longestMs = Math.max(...times.slice(1).map((timeNs, i) => Number(timeNs - times[i]!) / 1e6));
      assert.ok(longestMs < lastMs / 2, `${stream} was silent for ${longestMs} of ${lastMs} ms`);
    },
  };
}

const faults = (rows: readonly SampledRow[]) => rows.filter((row) => row.isFault).length;

/** Good rows of the battery that its scale can't have made. */
function wrongScale(rows: readonly SampledRow[]): number {
  const isWrong = ({ timeNs, values }: SampledRow) => {
    const { currentA } = worldAt(timeNs);
    return values.current! < currentA / 2 || Math.abs(values.current! - currentA) > SCALE_TOLERANCE_A;
  };
  return rows.filter((row) => !row.isFault && isWrong(row)).length;
}

test('14: SDA held low by a part that nine clocks free: the kernel frees it, and no row is missing', async (t) => {
  const node = await sampled(t, [...NEAR, FAR]);
  const before = wires.seen;
  wires.holdSda(9);
  const fault = await during(node, lasting(3_000));
  const { recoveries, clocks, stops } = wires.seen;
  assert.deepEqual([recoveries - before.recoveries, clocks - before.clocks, stops - before.stops], [1, 9, 1]);
  for (const id of [...NEAR_IDS, 'far']) fault.assertGoesOn(id);
  assert.doesNotMatch(node.log.join('\n'), /busStuck/);
});

test('14: SDA held low whatever the clocks: at most nine and then the supply is cut, once; another bus runs on', async (t) => {
  const supply = { line: 'SUPPLY', activeLow: false };
  supplyLine.outside.release();
  const node = await sampled(t, [...NEAR, FAR], {
    i2c: {
      main: { pins: [], timeoutMs: TIMEOUT_MS, device: main.device, supply },
      second: { pins: [], timeoutMs: TIMEOUT_MS, device: second.device },
    },
    gpio: { SUPPLY: supplyLine.config },
  });
  assert.equal(supplyLine.outside.level(), 1, 'the parts have power');
  const before = wires.seen;
  const unplugged = powerOff(lasting(4_000));
  wires.holdSda(1_000_000);
  const fault = await during(node, lasting(4_000));
  assert.equal(await unplugged, 1, 'cut once');
  const { recoveries, clocks } = wires.seen;
  t.diagnostic(
    `${recoveries - before.recoveries} recoveries by the kernel, ${clocks - before.clocks} clocks`,
  );
  assert.equal(clocks - before.clocks, 9 * (recoveries - before.recoveries));
  assert.match(node.log.join('\n'), /busStuck: main 0x\w\w: the bus never fell idle/);
  fault.assertGoesOn('far');
  await node.goodRows(NEAR_IDS, AGAIN_MS);
  assert.ok(wrongScale(node.rowsOf('battery')) <= 1);
});

/** Parts whose power is the supply's line: without it they let go of the wires, and lose their registers. How often it was cut. */
async function powerOff(lastMs: number): Promise<number> {
  let cuts = 0;
  for (const untilMs = performance.now() + lastMs; performance.now() < untilMs; ) {
    await sleep(20);
    if (supplyLine.outside.level() === 1) continue;
    cuts++;
    wires.holdSda(0);
    await near.powerCycle(CLIMATE);
    await near.powerCycle(BATTERY);
    while (supplyLine.outside.level() === 0) await sleep(20);
  }
  return cuts;
}

test('15: SCL held low: every transfer ends in time, its parts are asked ever more seldom; another bus runs on', async (t) => {
  const node = await sampled(t, [...NEAR, FAR]);
  const lastMs = lasting(5_000);
  wires.holdScl(true);
  const fault = await during(node, lastMs);
  fault.assertGoesOn('far');
  for (const id of NEAR_IDS) assert.ok(faults(fault.rowsOf(id)) >= 2, `no rows of fault of ${id}`);
  t.diagnostic(`back-off: ${fault.backOffMs().map(Math.round).join(', ')} ms`);
  assert.ok(fault.backOffMs().length > 0, 'no back-off');
  assert.match(node.log.join('\n'), /(timeout|busStuck): main 0x/);
  wires.holdScl(false);
  await node.goodRows(NEAR_IDS, AGAIN_MS);
});

test('16: nine transfers of ten are refused: back-off with jitter, rows of fault, and less work than when all is well', async (t) => {
  const node = await sampled(t, [...NEAR, FAR]);
  const lastMs = lasting(6_000);
  const well = await loadDuring(() => sleep(lastMs / 2));
  for (const address of [CLIMATE, BATTERY]) await near.set(address, { noAcknowledgeProbability: 0.9 });
  let fault: Awaited<ReturnType<typeof during>> | undefined;
  const storm = await loadDuring(async () => {
    fault = await during(node, lastMs);
  });
  const slowness = slownessOfThisMachine();
  t.diagnostic(
    `CPU: ${percent(well)} well, ${percent(storm)} in the storm, here; divided by ${slowness.toFixed(1)}: ${percent(storm / slowness)}`,
  );
  assert.ok(storm <= well * 1.5, 'a storm is more work than sampling');
  assert.ok(storm / slowness < 0.05, 'more than 5 % of a core');
  fault!.assertGoesOn('far');
  for (const id of NEAR_IDS) {
    const rows = fault!.rowsOf(id);
    assert.ok(faults(rows) >= 2, `${faults(rows)} rows of fault`);
    assert.ok(rows.length < (0.6 * lastMs) / EVERY_MS, `${rows.length} tries`);
  }
  const waits = fault!.backOffMs();
  t.diagnostic(`back-off: ${waits.map(Math.round).join(', ')} ms`);
  assert.ok(waits.length > 0, 'no back-off');
  assert.ok(
    waits.some((ms) => !Number.isInteger(ms / EVERY_MS)),
    'no jitter',
  );
  await allWell();
  await node.goodRows(NEAR_IDS, AGAIN_MS);
});

/** Share of one core that this process takes. */
async function loadDuring(act: () => Promise<unknown>): Promise<number> {
  const [startUs, startMs] = [process.cpuUsage(), performance.now()];
  await act();
  const { user, system } = process.cpuUsage(startUs);
  return (user + system) / 1000 / (performance.now() - startMs);
}

const percent = (share: number) => `${(share * 100).toFixed(1)} %`;

/** CPU time of the loop below on the machine that this was written on, where nothing is translated. */
const NOMINAL_LOOP_MS = 33;

/** How many times more CPU time a fixed piece of work takes here, where every instruction may be translated. */
function slownessOfThisMachine(): number {
  const start = process.cpuUsage();
  let x = 1;
  for (let i = 0; i < 30_000_000; i++) x = (Math.imul(x, 1_103_515_245) + 12_345) | 0;
  const { user } = process.cpuUsage(start);
  assert.notEqual(x, 0);
  return Math.max(1, user / 1000 / NOMINAL_LOOP_MS);
}

test('17: a brown-out resets the registers: found when they are read back, written anew, one row of a wrong scale at most', async (t) => {
  const node = await sampled(t, [...NEAR, FAR]);
  const sinceNs = native.bootTimeNs();
  const brownOuts = full ? 20 : 2;
  for (let i = 0; i < brownOuts; i++) {
    await near.powerCycle(BATTERY);
    await near.powerCycle(CLIMATE);
    for (let rows = 0; rows < 4; rows++) await node.goodRows(NEAR_IDS, AGAIN_MS);
    assert.ok(node.log.filter((line) => /battery: lostConfiguration/.test(line)).length > i, 'not found');
  }
  const rows = node.rowsOf('battery', sinceNs);
  const wrong = wrongScale(rows);
  t.diagnostic(
    `${rows.length} rows, ${faults(rows)} of them faults, ${wrong} of a wrong scale, in ${brownOuts} brown-outs`,
  );
  assert.ok(wrong <= brownOuts, 'one a brown-out');
  assert.ok(rows.length - faults(rows) - wrong >= 3 * brownOuts, 'rows go on');
});

test('22: a line that toggles as fast as it can: counted, and others are sampled in time', async (t) => {
  const pulses = part(
    'pulses',
    'contact',
    { kind: 'gpio', line: 'BURST', activeLow: false, bias: 'asIs', debounceUs: 0 },
    { role: 'counter' },
  );
  const { config, outside } = rig.line('BURST');
  outside.drive(0);
  const node = await sampled(t, [pulses, FAR], { gpio: { BURST: config } });
  const lastMs = lasting(3_000);
  const [driven] = await Promise.all([
    flood(outside as SimLine, lastMs),
    during(node, lastMs).then((fault) => fault.assertGoesOn('far')),
  ]);
  await sleep(4 * EVERY_MS);
  const counted = node.rowsOf('pulses').reduce(
    (sum, { values }) => ({
      pulses: sum.pulses + values.pulses!,
      lost: sum.lost + values.edgesLost!,
    }),
    { pulses: 0, lost: 0 },
  );
  t.diagnostic(
    `${driven} edges at ${Math.round(driven / (lastMs / 1000))}/s: ${counted.pulses} pulses and ${counted.lost} lost edges told`,
  );
  assert.ok(counted.pulses + counted.lost > 0 && 2 * counted.pulses + counted.lost <= driven + 2);
  outside.drive(0);
  await sleep(2 * EVERY_MS);
  const sinceNs = native.bootTimeNs();
  for (const level of [1, 0, 1, 0] as const) {
    outside.drive(level);
    await sleep(EVERY_MS);
  }
  await sleep(2 * EVERY_MS);
  const told = node.rowsOf('pulses', sinceNs).reduce((sum, { values }) => sum + values.pulses!, 0);
  assert.equal(told, 2, 'after the flood each pulse is told');
});

/** One edge a write, by a program that does nothing else; how many there were. The file's NUL ends what the kernel reads of it. */
async function flood(line: SimLine, lastMs: number): Promise<number> {
  const edges = 10_000;
  const file = join(tmpdir(), 'flood');
  writeFileSync(file, 'pull-up\0\0\0pull-down\0'.repeat(edges / 2));
  const untilMs = performance.now() + lastMs;
  for (let driven = 0; ; driven += edges) {
    if (performance.now() > untilMs) return driven;
    const dd = spawn('/bin/busybox', ['dd', `if=${file}`, `of=${line.pullFile}`, 'bs=10', 'conv=notrunc']);
    const [code] = (await once(dd, 'exit')) as [number];
    assert.equal(code, 0);
  }
}
