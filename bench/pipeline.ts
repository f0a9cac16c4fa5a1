import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ask, controlPath } from '../runtime/control.js';
import { ensureIdentity } from '../runtime/identity.js';
import { packageRoot } from '../runtime/package.js';
import type { PipelineStatus } from '../runtime/pipeline.js';
import { MOSQUITTO, startMosquitto } from '../test/support/broker.js';
import { inFolder, processCost, seconds } from './measure.js';
import type { Bench, Figure, Report } from './report.js';

/** Code is compiled and the first blocks have left. */
const WARM_UP_S = 2;
const MEASURED_S = 5;

const POLLED = (id: string, bus: string, address: string) =>
  `  ${id}: { driver: lis3mdl, bus: ${bus}, address: ${address}, every: 20ms, dataRateHz: 80 }`;
const FIFO = (id: string, bus: string, address: string) =>
  `  ${id}: { driver: lsm6dso, bus: ${bus}, address: ${address}, every: 250ms, dataRateHz: 208 }`;

const LOADS = {
  '100 readings/s': [POLLED('a', 'i2c-1', '0x1c'), POLLED('b', 'i2c-2', '0x1c')],
  '1000 readings/s': ['i2c-1', 'i2c-2'].flatMap((bus, i) => [
    POLLED(`a${i}`, bus, '0x1c'),
    POLLED(`b${i}`, bus, '0x1e'),
    FIFO(`c${i}`, bus, '0x6a'),
    FIFO(`d${i}`, bus, '0x6b'),
  ]),
} as const;
const NOTHING = ['  self: { driver: node, every: 1h }'];

/** A process under measurement, and how many readings it has passed on. */
interface Running {
  readonly pid: number;
  rows(): Promise<number>;
  stop(): Promise<void>;
}

interface Cost {
  readonly rows: number;
  readonly cpuUs: number;
  readonly writtenBytes: number;
}

/** What a reading costs from the part to the broker: the whole node as a process, on twins. */
export const pipeline: Bench = {
  name: 'pipeline',
  title: 'pipeline: the whole node as a process, from its parts (twins) to mosquitto, an idle node taken off',
  run: async (): Promise<Report> => {
    if (!MOSQUITTO) return { figures: [], notes: ['left out: mosquitto is not installed'] };
    const figures: Figure[] = [];
    const notes: string[] = [];
    for (const [what, parts] of Object.entries(LOADS)) {
      const [idle, ours, naive, sampling] = await Promise.all([
        measure(NOTHING, startCairn),
        measure(parts, startCairn),
        measure(parts, (folder, url) => startNaive(folder, url, 'whole')),
        measure(parts, (folder, url) => startNaive(folder, url, 'sampling')),
      ]);
      figures.push(...compared(what, less(ours, idle), naive));
      notes.push(`${what}: ${shares(sampling, idle)}`);
    }
    return {
      figures,
      notes: [
        'naive: the same drivers on the same twins → JSON.stringify → level.put without sync → MQTT.js publish QoS 1, a reading a time',
        ...notes,
        'CPU: utime + stime of /proc/<pid>/stat; written: write_bytes of /proc/<pid>/io, pages made dirty on the disk',
        'ours are synced once a second, theirs never: at 100 readings/s it is the sync that costs a page',
      ],
    };
  },
};

function compared(what: string, ours: Cost, naive: Cost): readonly Figure[] {
  const figure = (unit: string, of: (cost: Cost) => number): Figure => ({
    ...{ what, unit, better: 'less', ours: of(ours) },
    peer: { name: 'naive', value: of(naive) },
  });
  return [
    figure('µs CPU/reading', ({ cpuUs, rows }) => cpuUs / rows),
    figure('bytes written/reading', ({ writtenBytes, rows }) => writtenBytes / rows),
  ];
}

/** What is in both, and what was taken off ours. */
function shares(sampling: Cost, idle: Cost): string {
  const percent = (100 * idle.cpuUs) / (MEASURED_S * 1e6);
  return `drivers on twins alone are ${(sampling.cpuUs / sampling.rows).toFixed(0)} µs of both; an idle node is ${percent.toFixed(1)} % of a CPU`;
}

function less(cost: Cost, idle: Cost): Cost {
  return {
    rows: cost.rows,
    cpuUs: cost.cpuUs - idle.cpuUs,
    writtenBytes: cost.writtenBytes - idle.writtenBytes,
  };
}

function measure(
  parts: readonly string[],
  start: (folder: string, url: string) => Promise<Running>,
): Promise<Cost> {
  return inFolder(async (folder) => {
    const broker = await startMosquitto();
    writeNodeFile(folder, parts, broker.url);
    const subscriber = spawn(
      process.execPath,
      [fileURLToPath(new URL('./subscriber.js', import.meta.url)), broker.url],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    await once(subscriber.stdout, 'data');
    const running = await start(folder, broker.url);
    try {
      await seconds(WARM_UP_S);
      const before = { rows: await running.rows(), ...processCost(running.pid) };
      await seconds(MEASURED_S);
      const after = { rows: await running.rows(), ...processCost(running.pid) };
      return { ...less(after, before), rows: after.rows - before.rows };
    } finally {
      await running.stop();
      subscriber.kill();
      await broker.remove();
    }
  });
}

function writeNodeFile(folder: string, parts: readonly string[], url: string): void {
  const identity = join(folder, 'identity');
  ensureIdentity(identity);
  const lines = [
    ...['node: bench', 'board: twin', 'log: warn', `identity: ${identity}`, 'parts:', ...parts],
    `store: { path: ${join(folder, 'store')}, size: 64 MB }`,
    `uplink: { url: '${url}' }`,
  ];
  writeFileSync(join(folder, 'node.yaml'), `${lines.join('\n')}\n`);
}

async function startCairn(folder: string): Promise<Running> {
  const child = spawn(join(packageRoot(), 'bin', 'cairn'), ['run', '--config', join(folder, 'node.yaml')], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const rows = async () => {
    const status = (await ask(controlPath(join(folder, 'store')), 'status')) as PipelineStatus | undefined;
    return status?.store.committedRows;
  };
  while ((await rows()) === undefined) {
    if (child.exitCode !== null) throw new Error(`the node ended with ${child.exitCode}`);
    await seconds(0.05);
  }
  return { pid: child.pid!, rows: async () => (await rows()) ?? 0, stop: () => ended(child) };
}

async function startNaive(folder: string, url: string, mode: 'whole' | 'sampling'): Promise<Running> {
  const script = fileURLToPath(new URL('./naive-node.js', import.meta.url));
  const child = fork(script, [folder, url, mode]);
  await once(child, 'message');
  const rows = async () => {
    child.send('rows?');
    const [count] = (await once(child, 'message')) as [number];
    return count;
  };
  return { pid: child.pid!, rows, stop: () => ended(child) };
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGTERM');
  await gone;
}
