import assert from 'node:assert/strict';
import { existsSync, readdirSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { after, before, type TestContext, test } from 'node:test';
import { QUALITY } from '../../drivers/contract/index.js';
import { type RunningReceiver, startReceiver } from '../../fleet/receive/index.js';
import type { PipelineStatus } from '../../runtime/pipeline.js';
import { noSocat, Pty } from '../board/pty.js';
import { type Mosquitto, startMosquitto, WITHOUT_MOSQUITTO } from '../support/broker.js';
import { until } from '../support/until.js';
import { type FaultyBus, speakOn, startFaultyBus } from './faulty-twins.js';
import { TestNode } from './harness.js';
import { logLines, PINO, sleep } from './load.js';

/** One node with two I2C buses, a serial line and a contact: each fault is put in beside parts that must not notice it. */
const EVERY_MS = 500;
const TIMEOUT_MS = 200;
const LATE_MS = 60;
const CLIMATE = 0x76;
const COMPASS = 0x1c;
const BATTERY = 0x40;
const FAR_COMPASS = 0x1e;
const POLLED = ['climate', 'compass', 'battery', 'far-climate', 'far-compass'] as const;
const skip = WITHOUT_MOSQUITTO || noSocat;

const nodeFile = (url: string) => `
node: faulty
board: ./board.yaml
parts:
  climate: { driver: bme280, bus: i2c-1, address: 0x76, every: ${EVERY_MS}ms }
  compass: { driver: lis3mdl, bus: i2c-1, address: 0x1c, every: ${EVERY_MS}ms }
  battery: { driver: ina219, bus: i2c-1, address: 0x40, every: ${EVERY_MS}ms }
  far-climate: { driver: bme280, bus: i2c-2, address: 0x77, every: ${EVERY_MS}ms }
  far-compass: { driver: lis3mdl, bus: i2c-2, address: 0x1e, every: ${EVERY_MS}ms }
  gps: { driver: gnss, port: uart0 }
  sos: { driver: contact, line: GPIO17, role: sos, bias: pullUp, activeLow: true, every: ${EVERY_MS}ms }
store: { path: STORE, size: 16 MB, commit: 100ms, reserve: 2s }
uplink: { url: '${url}', backoff: { min: 100ms, max: 1s } }
`;

interface Row {
  readonly timeNs: bigint;
  readonly values: readonly number[];
  readonly isFault: boolean;
}

let broker: Mosquitto;
let node: TestNode;
let receiver: RunningReceiver;
let pty: Pty;
let near: FaultyBus;
let far: FaultyBus;
let isPlugged = true;
let hush: () => void;
const rows = new Map<string, Row[]>();

before(async () => {
  if (skip) return;
  broker = await startMosquitto();
  node = new TestNode(nodeFile(broker.url));
  pty = await Pty.make();
  const socket = (bus: string) => join(node.folder, `${bus}.sock`);
  writeFileSync(
    join(node.folder, 'board.yaml'),
    `title: Twins with faults
kind: twin
i2c:
  i2c-1: { pins: [3, 5], device: 'unix:${socket('i2c-1')}', timeout: ${TIMEOUT_MS}ms }
  i2c-2: { pins: [27, 28], device: 'unix:${socket('i2c-2')}', timeout: ${TIMEOUT_MS}ms }
serial:
  uart0: { pins: [8, 10], device: '${pty.link}' }
gpio:
  lines: { GPIO17: { pin: 11 } }
`,
  );
  near = await startFaultyBus(socket('i2c-1'), ['bme280@0x76', 'lis3mdl@0x1c', 'ina219@0x40']);
  far = await startFaultyBus(socket('i2c-2'), ['bme280@0x77', 'lis3mdl@0x1e']);
  receiver = await startReceiver({ url: broker.url, clientId: 'faults', protocol: '5', onResult: keepRows });
  await receiver.subscribed;
  hush = speakOn(pty, () => isPlugged);
  node.start();
  await node.until('all parts work', allWork);
  await until('a fix', () => rowsOf('gps').length > 0);
});

after(async () => {
  if (skip) return;
  hush();
  await node.remove();
  await receiver.stop();
  await near.stop();
  await far.stop();
  await pty.close();
  await broker.remove();
});

function keepRows(result: Parameters<NonNullable<Parameters<typeof startReceiver>[0]['onResult']>>[0]): void {
  if (result.kind !== 'rows') return;
  const { header, block } = result.rows;
  const width = block.columns.length;
  const list = rows.get(header.stream) ?? [];
  rows.set(header.stream, list);
  for (const [i, timeNs] of block.timesNs.entries()) {
    const quality = block.quality.subarray(i * width, (i + 1) * width);
    const values = [...block.values.subarray(i * width, (i + 1) * width)];
    list.push({ timeNs, values, isFault: quality.every((code) => code === QUALITY.fault) });
  }
}

function rowsOf(stream: string): readonly Row[] {
  return rows.get(stream) ?? [];
}

function allWork(status: PipelineStatus): boolean {
  return status.parts.every(({ state }) => state === 'ok');
}

/** Samples that a part owes between two moments: by how many periods its good rows are further apart than they should be. */
function lostRows(stream: string, fromNs: bigint, toNs: bigint): number {
  const good = rowsOf(stream).filter((row) => !row.isFault);
  const last = good.findLast(({ timeNs }) => timeNs <= fromNs)?.timeNs ?? fromNs;
  const times = [
    last,
    ...good.map(({ timeNs }) => timeNs).filter((timeNs) => timeNs > fromNs && timeNs <= toNs),
  ];
  const periods = times.slice(1).map((timeNs, i) => Math.round(Number(timeNs - times[i]!) / 1e6 / EVERY_MS));
  return periods.reduce((sum, count) => sum + Math.max(0, count - 1), 0);
}

/** A contact gives no rows of itself: what it wasn't asked. */
function lostAsks(from: PipelineStatus, to: PipelineStatus, id: string): number {
  const lost = (status: PipelineStatus) => {
    const part = status.parts.find((one) => one.id === id)!;
    return part.missed + part.failures;
  };
  return lost(to) - lost(from);
}

interface Episode {
  readonly lost: Readonly<Record<string, number>>;
  /** Rows of the faulty part from the beginning of the fault until it works again. */
  readonly rows: readonly Row[];
  readonly log: readonly string[];
  /** What this process's own timers were late by, ms, p99. */
  readonly lateMs: number;
}

/** Puts a fault in, waits, takes it out, and waits until everything works again. */
async function episode(
  t: TestContext,
  stream: string,
  work: { begin: () => Promise<void>; lastMs: number; end?: () => Promise<void> },
): Promise<Episode> {
  const from = await node.until('all parts work', allWork);
  const logged = logLines(node).length;
  const late = monitorEventLoopDelay({ resolution: 5 });
  late.enable();
  const beginNs = BigInt(from.time.bootNs);
  await work.begin();
  await sleep(work.lastMs);
  await work.end?.();
  await node.until('all parts work again', allWork);
  await sleep(2 * EVERY_MS);
  const to = (await node.status())!;
  const endNs = BigInt(to.time.bootNs);
  for (const id of POLLED) await until(`rows of ${id}`, () => (rowsOf(id).at(-1)?.timeNs ?? 0n) > endNs);
  const lost = {
    ...Object.fromEntries(POLLED.map((id) => [id, lostRows(id, beginNs, endNs)])),
    sos: lostAsks(from, to, 'sos'),
  };
  late.disable();
  const lateMs = late.percentile(99) / 1e6;
  const told = rowsOf(stream).filter(({ timeNs }) => timeNs > beginNs);
  const log = logLines(node)
    .slice(logged)
    .map(({ level, msg }) => `${level} ${msg}`);
  t.diagnostic(
    `samples lost: ${JSON.stringify(lost)}; ${told.filter((row) => row.isFault).length} fault rows; this process ran ${lateMs.toFixed(0)} ms late`,
  );
  for (const line of log) t.diagnostic(line);
  return { lost, rows: told, log, lateMs };
}

/** Where a process with nothing to do is late, what a part misses may be the machine's: then the figures are told, not judged. */
function assertOthers(
  { lost, lateMs }: Pick<Episode, 'lost' | 'lateMs'>,
  atMost: Readonly<Record<string, number>>,
): void {
  if (lateMs > LATE_MS) return;
  for (const [id, count] of Object.entries(lost)) {
    assert.ok(count <= (atMost[id] ?? 0), `${id} lost ${count} samples, ${atMost[id] ?? 0} allowed`);
  }
}

test('a part that acknowledges nothing: fault rows at back-off, one line of the log, no other part notices', {
  skip,
}, async (t) => {
  const {
    lost,
    rows: told,
    log,
    lateMs,
  } = await episode(t, 'climate', {
    begin: () => near.set(CLIMATE, { noAcknowledgeProbability: 1 }),
    lastMs: 3_000,
    end: () => near.set(CLIMATE, { noAcknowledgeProbability: 0 }),
  });
  const faults = told.filter((row) => row.isFault).length;
  assert.ok(faults >= 2 && faults <= 5, `${faults} fault rows in 3 s: more seldom each time`);
  assert.deepEqual(
    log.filter((line) => /noAcknowledge/.test(line) && !/works again/.test(line)).length,
    1,
    log.join('\n'),
  );
  assert.ok(
    log.some((line) => /^40 climate: noAcknowledge: i2c-1 0x76: /.test(line)),
    log.join('\n'),
  );
  assertOthers(
    { lost, lateMs },
    { climate: 20, compass: 1, battery: 1, 'far-climate': 1, 'far-compass': 1, sos: 1 },
  );
});

test('a part that hangs once: others on its bus miss one sample at most, others none', {
  skip,
}, async (t) => {
  const {
    lost,
    rows: told,
    log,
    lateMs,
  } = await episode(t, 'compass', {
    begin: async () => {
      await near.set(COMPASS, { stretchMs: 2 * TIMEOUT_MS });
      await node.until('it hangs', ({ parts }) =>
        parts.some(({ id, state }) => id === 'compass' && state === 'failing'),
      );
    },
    lastMs: 0,
    end: () => near.set(COMPASS, { stretchMs: 0 }),
  });
  assert.ok(told.some((row) => row.isFault));
  assert.ok(
    log.some((line) => /^40 compass: timeout: i2c-1 0x1c: /.test(line)),
    log.join('\n'),
  );
  assertOthers(
    { lost, lateMs },
    { compass: 20, climate: 1, battery: 1, 'far-climate': 0, 'far-compass': 0, sos: 0 },
  );
});

test('a part that hangs again and again: others on its bus miss one sample at most each time, others none', {
  skip,
}, async (t) => {
  const {
    lost,
    rows: told,
    lateMs,
  } = await episode(t, 'compass', {
    begin: () => near.set(COMPASS, { stretchMs: 2 * TIMEOUT_MS }),
    lastMs: 4_000,
    end: () => near.set(COMPASS, { stretchMs: 0 }),
  });
  const hangs = told.filter((row) => row.isFault).length;
  assert.ok(hangs >= 2 && hangs <= 5, `${hangs} tries in 4 s`);
  assertOthers(
    { lost, lateMs },
    {
      compass: 20,
      climate: hangs,
      battery: hangs,
      'far-climate': 0,
      'far-compass': 0,
      sos: 0,
    },
  );
});

test('a part that holds SDA low: clocked free, others on its bus miss one sample at most', {
  skip,
}, async (t) => {
  const { lost, log, lateMs } = await episode(t, 'battery', {
    begin: () => near.set(BATTERY, { sdaStuck: true }),
    lastMs: 2 * EVERY_MS,
  });
  assert.ok(
    log.some((line) => /busStuck/.test(line)),
    log.join('\n'),
  );
  assert.ok(
    log.some((line) => /i2c-1: freed after recovery/.test(line)),
    log.join('\n'),
  );
  assertOthers({ lost, lateMs }, { battery: 1, climate: 1, compass: 1 });
});

test('a brown-out resets a part: configured anew, not one row under a wrong scale', { skip }, async (t) => {
  const length = ({ values }: Row) => Math.hypot(...values.slice(0, 3));
  const fieldTesla = length(rowsOf('far-compass').findLast((row) => !row.isFault)!);
  const {
    lost,
    rows: told,
    lateMs,
  } = await episode(t, 'far-compass', {
    begin: () => far.powerCycle(FAR_COMPASS),
    lastMs: 2 * EVERY_MS,
  });
  const isWrong = (row: Row) => !row.isFault && Math.abs(length(row) / fieldTesla - 1) > 0.2;
  const [wrong, faults] = [told.filter(isWrong).length, told.filter((row) => row.isFault).length];
  t.diagnostic(`of ${told.length} rows ${wrong} are wrong, ${faults} a fault`);
  assert.ok(wrong <= 1 && (wrong + faults <= 1 || lateMs > LATE_MS));
  assert.ok(told.filter((row) => !row.isFault).length >= 2, 'rows go on');
  assertOthers({ lost, lateMs }, { 'far-compass': 3, 'far-climate': 0 });
});

test('a serial line pulled and put back: rows go on under the same name, no descriptor is left behind', {
  skip,
}, async (t) => {
  const ttys = () =>
    readdirSync(`/proc/${node.pid}/fd`).filter((fd) => {
      const path = `/proc/${node.pid}/fd/${fd}`;
      return existsSync(path) && readlinkSync(path).startsWith('/dev/pts/');
    });
  assert.equal(ttys().length, 1);
  const {
    lost,
    rows: told,
    log,
    lateMs,
  } = await episode(t, 'gps', {
    begin: async () => {
      isPlugged = false;
      await pty.unplug();
      await node.until('it is missed', ({ parts }) =>
        parts.some(({ id, state }) => id === 'gps' && state === 'failing'),
      );
    },
    lastMs: 1_000,
    end: async () => {
      await pty.plug();
      isPlugged = true;
    },
  });
  assert.ok(
    told.some((row) => row.isFault),
    'the fault is a row',
  );
  assert.ok(
    told.some((row) => !row.isFault),
    'rows go on',
  );
  assert.ok(
    log.some((line) => line.startsWith('40 gps: disconnected') && line.includes(pty.link)),
    log.join('\n'),
  );
  assertOthers({ lost, lateMs }, {});
  assert.equal(ttys().length, 1, 'no descriptor is left behind');
});

test('after all of it the same process runs, without a stack trace, and its ledger is whole', {
  skip,
}, async (t) => {
  assert.ok(node.running);
  assert.doesNotMatch(node.log, /^ {4}at /m);
  assert.deepEqual(
    logLines(node)
      .filter(({ level }) => level >= PINO.error)
      .map(({ msg }) => msg),
    [],
  );
  assert.equal(await node.stop(), 0);
  for (const line of receiver.receiver.summary()) {
    assert.equal(line.missing, 0, line.stream);
    assert.deepEqual(line.gaps, {}, line.stream);
  }
  t.diagnostic(
    `streams: ${receiver.receiver
      .summary()
      .map(({ stream, received }) => `${stream} ${received}`)
      .join(', ')}`,
  );
});
