import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { I2cTwin, World } from '../../drivers/contract/index.js';
import { native } from '../../native/index.js';
import { createWorld, registry, serveTwins } from '../../runtime/board/index.js';
import type { Draft, Kept } from '../../runtime/calibrations.js';
import { kernelBootId, machineId, systemClock } from '../../runtime/clock/index.js';
import type { Terminal } from '../../runtime/console/command.js';
import { readConfig } from '../../runtime/console/files.js';
import { runCommand } from '../../runtime/console/table.js';
import { ask, controlPath, follow } from '../../runtime/control.js';
import type { SeenRow } from '../../runtime/seen-rows.js';
import { openStore, storeDefaults } from '../../runtime/store/index.js';
import { callingOf } from '../support/calling.js';
import { TestNode, writeSocketBoard } from './harness.js';

const PARTS: Readonly<Record<string, { readonly address: number; readonly yaml: string }>> = {
  climate: { address: 0x76, yaml: '{ driver: bme280, bus: i2c-1, address: 0x76, every: 250ms }' },
  imu: { address: 0x6a, yaml: '{ driver: lsm6dso, bus: i2c-1, address: 0x6a }' },
  compass: {
    address: 0x1c,
    yaml: '{ driver: lis3mdl, bus: i2c-1, address: 0x1c, dataRateHz: 80, every: 250ms }',
  },
};
const DRIVERS = { climate: 'bme280', imu: 'lsm6dso', compass: 'lis3mdl' } as const;
type PartId = keyof typeof DRIVERS;

/** A node with one part, whose twin lives in this process, in a world that the test bends. */
async function rig(t: TestContext, part: PartId, bend: (world: World) => Partial<World>) {
  const { address, yaml } = PARTS[part]!;
  const node = new TestNode(
    `node: bench\nboard: ./board.yaml\nparts:\n  ${part}: ${yaml}\nstore: { path: STORE, size: 16 MB }\n${part === 'imu' ? 'fusion: { imu: imu }\n' : ''}`,
  );
  writeSocketBoard(node.folder);
  const twin = registry.twins.find(({ id }) => id === DRIVERS[part])!.create(Math.random) as I2cTwin;
  const plain = createWorld(1, 0n);
  const worldAt = (timeNs: bigint): World => {
    const world = plain(timeNs);
    return { ...world, ...bend(world), at: worldAt };
  };
  const served = await serveTwins(
    join(node.folder, 'i2c-1.sock'),
    new Map([[address, twin]]),
    () => worldAt(native.bootTimeNs()),
    { random: Math.random, clock: systemClock() },
  );
  t.after(async () => {
    await node.remove();
    await served.close();
  });
  node.start();
  await node.until('it samples', ({ parts }) => parts[0]!.samples > 0);
  return node;
}

interface Said {
  readonly code: number;
  readonly out: readonly string[];
  readonly err: readonly string[];
}

/** `onAsk` answers what the command asks, by what it asks; `onErr` hears its lines. */
async function call(
  node: TestNode,
  words: readonly string[],
  onAsk: (prompt: string) => string | undefined = () => undefined,
  onErr: (line: string) => void = () => undefined,
  signal = new AbortController().signal,
): Promise<Said> {
  const [out, err]: [string[], string[]] = [[], []];
  const calling = callingOf({
    out: (text) => out.push(text),
    err: (text) => {
      err.push(text);
      onErr(text);
    },
  });
  const prompted = async (prompt: string) => {
    const answer = onAsk(prompt);
    err.push(`${prompt}${answer ?? ''}`);
    return answer;
  };
  const terminal: Terminal = { ...calling.terminal, ask: prompted };
  const caller = { role: 'technician', name: 'kim' } as const;
  const code = await runCommand([...words, '--config', node.configFile], {
    ...calling,
    terminal,
    caller,
    signal,
  });
  return { code, out, err };
}

/** Some of the part's rows, as the pipe has them. */
async function rows(node: TestNode, part: string, count: number): Promise<readonly (readonly number[])[]> {
  const end = new AbortController();
  const found: number[][] = [];
  for await (const heard of follow(controlPath(node.storePath), 'rows', { part }, end.signal)) {
    found.push((heard as { item: SeenRow }).item.cells.map(({ value }) => Number(value)));
    if (found.length >= count) break;
  }
  end.abort();
  return found;
}

function narrow({ out, err }: Said): void {
  for (const line of [...out, ...err]) assert.ok(line.length <= 80, `${line.length}: ${line}`);
}

test('two points: a thermometer that reads 1.02 t + 0.8 tells the truth from then on, and again after a restart', {
  timeout: 180_000,
}, async (t) => {
  let bath = 5;
  const node = await rig(t, 'climate', () => ({ temperatureCelsius: 1.02 * bath + 0.8 }));
  const { store: before } = (await node.status())!;
  const stop = new AbortController();
  let stoppedAt = 0;
  const words = ['calibrate', 'climate', 'temperature'];
  const stopped = await call(
    ...([node, words, () => ''] as const),
    (line) => {
      if (!line.includes('spread')) return;
      stoppedAt = performance.now();
      stop.abort();
    },
    stop.signal,
  );
  assert.ok(performance.now() - stoppedAt < 2000, 'Ctrl-C is felt at once, and not when it has settled');
  assert.match(stopped.err.at(-1)!, /^stopped\nNothing was changed\.$/);
  const typed = ['', '5 K', '5.0 Cel', '', '45,0 C', 'yes'];
  const said = await call(node, ['calibrate', 'climate', 'temperature'], (prompt) => {
    if (prompt.startsWith('Enter') && typed.length === 3) bath = 45;
    return typed.shift();
  });
  t.diagnostic([...said.err, ...said.out].join('\n'));
  assert.equal(said.code, 0, said.err.join('\n'));
  narrow(said);
  assert.match(said.err.join('\n'), /'5 K' is none: a number and its unit/);
  assert.match(said.out[0]!, /^climate: calibration 1-[0-9a-f]{8} stored; in use: 1-/);
  bath = 20;
  await new Promise((resolve) => setTimeout(resolve, 1000));
  for (const [temperature] of await rows(node, 'climate', 5))
    assert.ok(Math.abs(temperature! - 20) < 0.05, `${temperature}`);

  const [kept] = (await ask(controlPath(node.storePath), 'calibrations')) as readonly Kept[];
  assert.equal(kept!.by, 'kim');
  assert.ok(Math.abs(kept!.matrix[0]! - 1 / 1.02) < 0.002, 'by arithmetic: 1 / 1.02');
  const listed = await call(node, ['calibrations']);
  narrow(listed);
  t.diagnostic(listed.out.join('\n'));
  assert.match(listed.out.join('\n'), /climate.*1-[0-9a-f]{8}.*in use.*temperature[\s\S]*by kim/);
  const seen = await call(node, ['parts']);
  t.diagnostic(seen.out.join('\n'));
  assert.match(seen.out.join('\n'), /^ {4}calibrated: temperature \(1-[0-9a-f]{8}\)$/m);
  assert.match((await call(node, ['parts', '--json'])).out[0]!, /"calibrations":\[\{"part":"climate"/);

  await node.stop();
  assert.equal(
    (await call(node, ['calibrations', '--json'])).out.length,
    1,
    'without a node, from the files',
  );
  assert.match((await call(node, ['calibrate', 'climate', 'temperature'])).err.join(), /no node runs/);
  const [alone] = (await call(node, ['read', 'climate', '--json'])).out;
  assert.ok(Math.abs(JSON.parse(alone!).values[0].value - 20) < 0.05, alone);
  node.start();
  await node.until('it samples', ({ parts }) => parts[0]!.samples > 0);
  assert.ok(Math.abs((await rows(node, 'climate', 1))[0]![0]! - 20) < 0.05);
  const status = await node.status();
  assert.deepEqual(Object.keys(status!.calibrations!), ['climate']);

  const undone = await call(node, ['calibrate', 'climate', '--undo'], () => 'yes');
  assert.match(undone.out[0]!, /1-[0-9a-f]{8} taken back; readings are raw again/);
  assert.ok(Math.abs((await rows(node, 'climate', 1))[0]![0]! - 21.2) < 0.05, '1.02 × 20 + 0.8');
  assert.equal((await call(node, ['calibrate', 'climate', '--undo'], () => 'yes')).code, 1);
  await node.stop();
  await told(t, node, before.epoch);
});

/** What the fleet gets: a version of the descriptor for each, and an event for each. */
async function told(t: TestContext, node: TestNode, epoch: string) {
  const out: string[] = [];
  const words = ['store', 'export', '--format', 'csv', '--path', node.storePath];
  await runCommand(words, callingOf({ out: (text) => out.push(text), err: () => undefined }));
  const events = out.filter((line) => line.includes(',events,') && line.includes(',text,'));
  t.diagnostic(events.join('\n'));
  assert.equal(events.length, 2);
  assert.match(events[0]!, /made.*climate.*matrix/);
  assert.match(events[1]!, /undone.*climate/);
  const store = await openStore({
    ...readConfig(node.configFile, { err: assert.fail }).store,
    ...{ path: node.storePath, node: identityOf(node), software: 'test' },
    ...{ machineId: machineId(), bootId: kernelBootId(), deps: storeDefaults(() => undefined) },
  });
  const titles = [1, 2, 3, 4].map((version) => store.descriptor?.('climate', version, epoch)?.title);
  await store.close();
  assert.doesNotMatch(titles[0]!, /calibration/);
  assert.match(titles[1]!, / \[calibration 1-[0-9a-f]{8}\]$/);
  assert.equal(titles[2], titles[0]);
  assert.equal(titles[3], undefined, 'the restart made no other one');
}

function identityOf(node: TestNode): string {
  return /node bench \(([0-9a-f]{16})\)/.exec(node.log)![1]!;
}

test('six positions: scale, offset and cross axes of an accelerometer, each side up as it is asked for', {
  timeout: 180_000,
}, async (t) => {
  const g = 9.80665;
  const ups = [0, 1, 2].flatMap((axis) =>
    [g, -g].map((value) => [0, 1, 2].map((i) => (i === axis ? value : 0))),
  );
  let up = 0;
  const bent = ([x, y, z]: readonly number[]): World['specificForceMps2'] => [
    1.03 * x! + 0.02 * y! + 0.4,
    0.97 * y! - 0.3,
    0.015 * x! + 1.01 * z! + 0.25,
  ];
  const node = await rig(t, 'imu', () => ({
    specificForceMps2: bent(ups[up]!),
    angularRateRadps: [0, 0, 0],
  }));
  const other = await call(node, ['calibrate', 'imu', 'peak']);
  assert.equal(other.code, 2);
  assert.match(other.err[0]!, /it has: accelX, accelY, accelZ, gyroX, gyroY, gyroZ$/);
  const typed = ['', 'yes'];
  const said = await call(
    node,
    ['calibrate', 'imu'],
    () => typed.shift(),
    (line) => {
      up = Math.min(5, Number(/ (\d)\/6/.exec(line)?.[1] ?? up));
    },
  );
  t.diagnostic([...said.err, ...said.out].join('\n'));
  assert.equal(said.code, 0, said.err.join('\n'));
  narrow(said);
  assert.match(said.err.join('\n'), /scale, offset and cross axes/);
  up = 0;
  // What the part gathered before it was turned comes first.
  let taken = await rows(node, 'imu', 50);
  for (let tries = 0; tries < 20 && taken.some(([x]) => Math.abs(x! - g) > 1); tries++)
    taken = await rows(node, 'imu', 50);
  for (const axis of [0, 1, 2]) {
    const mean = taken.reduce((sum, row) => sum + row[axis]!, 0) / taken.length;
    assert.ok(Math.abs(mean - ups[0]![axis]!) < 0.02, `${mean} on axis ${axis}`);
  }
});

test('figure of eight: the field is as strong one way as another, and it ends by itself', {
  timeout: 180_000,
}, async (t) => {
  const field = 50e-6;
  const node = await rig(t, 'compass', ({ timeNs }) => {
    const seconds = Number(timeNs / 1_000_000n) / 1000;
    const [a, sinB] = [Math.PI * seconds, 0.98 * Math.sin((2 * Math.PI * seconds) / 17)];
    const cosB = Math.sqrt(1 - sinB * sinB);
    const [x, y, z] = [field * Math.cos(a) * cosB, field * Math.sin(a) * cosB, field * sinB];
    return { magneticFieldTesla: [1.1 * x + 20e-6, 0.95 * y + 0.04 * x - 60e-6, 0.957 * z + 35e-6] };
  });
  const before = (await rows(node, 'compass', 20)).map((row) => Math.hypot(...row));
  const typed = ['', 'yes'];
  const said = await call(node, ['calibrate', 'compass'], () => typed.shift());
  t.diagnostic([...said.err, ...said.out].join('\n'));
  assert.equal(said.code, 0, said.err.join('\n'));
  narrow(said);
  const after = (await rows(node, 'compass', 20)).map((row) => Math.hypot(...row));
  assert.ok(Math.max(...before) / Math.min(...before) > 1.5, `${before}`);
  assert.ok(Math.max(...after) / Math.min(...after) < 1.1, `${after}`);
});

test('killed at any moment after it was asked for: a calibration is there, whole, or is not', {
  timeout: 240_000,
}, async (t) => {
  const node = await rig(t, 'climate', () => ({}));
  const path = controlPath(node.storePath);
  const draft = (offset: number): Draft => ({
    ...{ part: 'climate', stream: 'climate', channels: ['temperature'], kind: 'twoPoint', by: 'kim' },
    ...{ offset: [offset], matrix: [1], quality: { residual: 0 } },
  });
  const began = performance.now();
  await ask(path, 'calibrate', { params: draft(0) });
  const tookMs = performance.now() - began;
  let acknowledged = [0];
  for (const part of [0, 0.25, 0.5, 0.75, 1, 1.5]) {
    const offset = acknowledged.length + part;
    const delayMs = Math.round(part * tookMs);
    const answer = ask(path, 'calibrate', { params: draft(offset) }).then(
      (said) => {
        if (said) acknowledged = [...acknowledged, offset];
      },
      () => undefined,
    );
    await new Promise((resolve) => setTimeout(resolve, delayMs));
    await node.stop('SIGKILL');
    await answer;
    node.start();
    await node.until('it samples', ({ parts }) => parts[0]!.samples > 0);
    const kept = (await ask(path, 'calibrations')) as readonly Kept[];
    const offsets = kept.map(({ offset: [one] }) => one!);
    t.diagnostic(`killed after ${delayMs} ms: kept ${offsets}, answered ${acknowledged}`);
    assert.ok(acknowledged.every((one) => offsets.includes(one)));
    assert.equal(kept.filter(({ isInUse }) => isInUse).length, 1);
  }
  assert.doesNotMatch(readFileSync(node.logFile, 'utf8'), /damaged/);
});
