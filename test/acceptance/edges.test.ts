import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { type TestContext, test } from 'node:test';
import type { GpioTwin } from '../../drivers/contract/index.js';
import { native } from '../../native/index.js';
import { openBoard } from '../../runtime/board/index.js';
import { systemClock, systemWallClock } from '../../runtime/clock/index.js';
import { readConfig } from '../../runtime/console/files.js';
import { createPipeline, type Pipeline } from '../../runtime/pipeline.js';
import { openStore, type Store, storeDefaults } from '../../runtime/store/index.js';
import { countEdges } from '../support/edges.js';
import { sleep } from './load.js';

const FLOOD_MS = 3_000;
const BUSY_MS = 30;
const NODE = `
node: chattering
board: twin
parts:
  pulses: { driver: contact, line: GPIO17, role: counter, bias: pullUp, activeLow: true, every: 500ms }
  door: { driver: contact, line: GPIO27, role: reed, bias: pullUp, activeLow: true, every: 500ms }
  climate: { driver: bme280, bus: i2c-1, address: 0x76, every: 200ms }
  compass: { driver: lis3mdl, bus: i2c-2, address: 0x1c, every: 100ms }
store: { size: 16 MB, commit: 200ms }
`;

const TERMINAL = { out: assert.fail, err: assert.fail, interactive: false };

/** The whole pipe in this process, so that its event loop is the one that is measured. */
async function open(
  t: TestContext,
): Promise<{ pipeline: Pipeline; store: Store; twins: Map<string, GpioTwin> }> {
  const folder = mkdtempSync(join(tmpdir(), 'cairn-edges-'));
  writeFileSync(join(folder, 'node.yaml'), NODE);
  const config = readConfig(join(folder, 'node.yaml'), TERMINAL);
  const clock = systemClock();
  const twins = new Map<string, GpioTwin>();
  const board = await openBoard(config, {
    clock,
    native,
    random: Math.random,
    log: () => undefined,
    onTwin: (id, twin) => {
      if (twin.attachment === 'gpio') twins.set(id, twin);
    },
  });
  const store = await openStore({
    ...config.store,
    path: join(folder, 'store'),
    node: '0123456789abcdef',
    machineId: 'here',
    bootId: 'now',
    software: 'test',
    deps: storeDefaults(() => undefined),
  });
  const pipeline = createPipeline({
    config,
    board,
    store,
    native,
    clock,
    wall: systemWallClock(),
    random: Math.random,
    log: () => undefined,
    logSink: { attach: () => undefined, detach: () => undefined },
  });
  t.after(async () => {
    await pipeline.stop();
    rmSync(folder, { recursive: true });
  });
  return { pipeline, store, twins };
}

/** The column of a stream's rows, as they are in the store. */
async function column(
  store: Store,
  logClass: 'telemetry' | 'event',
  stream: string,
  index: number,
): Promise<number[]> {
  const blocks = await store.read(logClass, undefined, 10_000, 1 << 24);
  return blocks
    .filter(({ header }) => header.stream === stream)
    .flatMap(({ bytes }) => {
      const { values, columns } = native.decodeBlock(bytes);
      return [...values].filter((_, at) => at % columns.length === index);
    });
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/** How long a second of the event loop's own timers takes at worst, ms: the machine's, not the flood's. */
async function lateness(): Promise<number> {
  const delay = monitorEventLoopDelay({ resolution: 5 });
  delay.enable();
  await sleep(1_000);
  delay.disable();
  return delay.percentile(99) / 1e6;
}

/** At 250,000 a line's buffer can't hold what comes between two polls: edges must be lost, and a busy machine may be late. */
const FLOODS = [
  { edgesPerS: 50_000, mayMiss: 1 },
  { edgesPerS: 250_000, mayMiss: 5 },
];
for (const { edgesPerS, mayMiss } of FLOODS) {
  test(`${edgesPerS} edges/s on two lines: all are counted or counted as lost, no other part misses over ${mayMiss}`, async (t) => {
    const { pipeline, store, twins } = await open(t);
    const [pulsesMade, doorMade] = ['pulses', 'door'].map((part) => countEdges(twins.get(part)!));
    pipeline.start();
    const beforeMs = await lateness();
    const before = pipeline.status();
    const delay = monitorEventLoopDelay({ resolution: 5 });
    delay.enable();
    const beganNs = native.bootTimeNs();
    for (const twin of twins.values()) twin.faults.chatterHz = edgesPerS;
    await sleep(FLOOD_MS);
    for (const twin of twins.values()) twin.faults.chatterHz = 0;
    delay.disable();
    const quietMs = Math.max(beforeMs, await lateness());
    const inRows = async () => ({
      pulses: sum(await column(store, 'telemetry', 'pulses', 0)),
      pulsesLost: sum(await column(store, 'telemetry', 'pulses', 4)),
      doorEdges: sum(await column(store, 'event', 'door', 1)),
      doorLost: sum(await column(store, 'event', 'door', 2)),
    });
    let { pulses, pulsesLost, doorEdges, doorLost } = await inRows();
    const isAll = () =>
      2 * pulses + pulsesLost >= 0.99 * pulsesMade!.edges && doorEdges + doorLost >= doorMade!.edges;
    for (const end = Date.now() + 60_000; !isAll() && Date.now() < end; ) {
      await sleep(200);
      await store.flush();
      ({ pulses, pulsesLost, doorEdges, doorLost } = await inRows());
    }
    const tookS = Number(native.bootTimeNs() - beganNs) / 1e9;
    const after = pipeline.status();

    const doorRows = (await column(store, 'event', 'door', 0)).length;
    const p99Ms = delay.percentile(99) / 1e6;
    t.diagnostic(
      `${pulsesMade!.edges} and ${doorMade!.edges} edges; pulses: ${pulses} counted (each second edge), ${pulsesLost} lost; ` +
        `door: ${doorEdges} in ${doorRows} rows, ${doorLost} lost; event loop p99 ${p99Ms.toFixed(1)} ms, ${quietMs.toFixed(1)} beside it`,
    );
    // Every second edge is a pulse; whether those around a loss are, is chance.
    const off = 2 * pulses + pulsesLost - pulsesMade!.edges;
    assert.ok(Math.abs(off) < 0.01 * pulsesMade!.edges, `pulses: ${off} edges off`);
    assert.equal(doorEdges + doorLost, doorMade!.edges, 'door');
    if (edgesPerS > 200_000) assert.ok(pulsesLost > 0 && doorLost > 0, 'what was lost stands in the rows');
    // A row each 50 ms at most, from the flood's first edge to its hold's end, however late a busy machine made either.
    assert.ok(doorRows <= 20 * (tookS + 1), `${doorRows} rows of a door in ${tookS.toFixed(1)} s`);
    for (const part of after.parts) {
      const from = before.parts.find(({ id }) => id === part.id)!;
      assert.equal(part.failures, from.failures, `${part.id}: ${part.lastError}`);
      const missed = part.missed - from.missed;
      // Where the machine was late without it too, what is missed is the machine's.
      if (quietMs < BUSY_MS) assert.ok(missed <= mayMiss, `${part.id} missed ${missed} samples`);
    }
    if (quietMs < BUSY_MS) assert.ok(p99Ms < 100, `event loop p99 ${p99Ms} ms`);
  });
}
