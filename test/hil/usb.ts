import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readdirSync, readlinkSync, realpathSync } from 'node:fs';
import { basename } from 'node:path';
import { after, test } from 'node:test';
import { QUALITY, type Rows } from '../../drivers/contract/index.js';
import { gnss } from '../../drivers/gnss/driver.js';
import { openBoardWith } from '../../runtime/board/board.js';
import { createSampler, type Sampler } from '../../runtime/sampler/index.js';
import { nodeConfig, partConfig, realClock, testDeps } from '../board/fixture.js';
import { until } from '../contract/serial.js';
import { byId, keepLinks } from './by-id.js';
import { Host } from './host.js';
import { full, lacking, rig, seed } from './rig.js';

/** A USB receiver leaves and comes back under another number, and the runtime, sampler and all, goes on with it. */

const noHost = lacking('services.host');
const host = noHost ? undefined : await Host.open(rig.service('host'));
after(() => host?.close());

const SERIAL = 'GNSS0001';
/** The longest wait between two looks for a line (linux-serial.ts), and the time that enumerating and opening take here. */
const BACKOFF_MAX_MS = 10_000;
const OPENING_MS = 3000;

interface Node {
  readonly rows: readonly Rows[];
  readonly sampler: Sampler;
  close(): Promise<void>;
}

/** A node whose only part is a receiver, by the real board and sampler, in real time. */
async function startNode(): Promise<Node> {
  const config = nodeConfig([partConfig('gps', gnss, { kind: 'serial', port: 'gps', baud: gnss.baud! })], {
    kind: 'linux',
    serial: { gps: { pins: [], device: byId(SERIAL) } },
  });
  const board = await openBoardWith(config, { drivers: [gnss], twins: [] }, testDeps());
  const rows: Rows[] = [];
  const sampler = createSampler({
    board,
    clock: realClock,
    random: () => 0.5,
    declare: () => undefined,
    emit: (some) => void (some.stream === 'gps' && rows.push(some)),
    log: () => undefined, // what it would log is judged by its rows and its status
  });
  sampler.start();
  return {
    rows,
    sampler,
    async close() {
      await sampler.stop();
      await board.close();
    },
  };
}

const isFault = ({ quality }: Rows) => quality.every((one) => one === QUALITY.fault);
const good = (rows: readonly Rows[]) => rows.filter((row) => !isFault(row)).length;
const tty = () => basename(realpathSync(byId(SERIAL)));
const descriptors = () => readdirSync('/proc/self/fd');
const opened = () =>
  descriptors().map((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      return ''; // the descriptor of the listing itself
    }
  });

interface Return {
  /** From the plug to the first row. */
  readonly ms: number;
  readonly tty: string;
}

/** Unplugs the receiver, lets `meanwhile` happen, and plugs it in again. */
async function replug(node: Node, meanwhile: () => Promise<void>): Promise<Return> {
  const { rows } = node;
  const before = rows.length;
  await host!.ask({ do: 'unplug', line: 'usb0' });
  await until('a fault row', () => rows.slice(before).some(isFault));
  assert.equal(node.sampler.status()[0]!.state, 'failing');
  await meanwhile();
  const out = rows.length;
  await host!.ask({ do: 'plug', line: 'usb0', serial: SERIAL });
  const pluggedMs = performance.now();
  await until('the link', () => existsSync(byId(SERIAL)));
  await until('rows again', () => good(rows.slice(out)) > 0);
  const ms = performance.now() - pluggedMs;
  const since = rows.slice(before);
  assert.equal(since.filter(isFault).length, 1, 'one row of fault for one time away');
  const at = since.findIndex(isFault);
  assert.ok(
    since.slice(at + 1).every((row) => !isFault(row)) && out - before === at + 1,
    'nothing came while it was away',
  );
  assert.equal(node.sampler.status()[0]!.state, 'ok');
  return { ms, tty: tty() };
}

/** A program that holds a tty, and so its number, after its adapter has gone. */
async function hold(device: string): Promise<ChildProcess> {
  const holder = spawn('sh', ['-c', `exec 3<>${device}; echo held; read never`], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  await new Promise((resolve) => holder.stdout!.once('data', resolve));
  return holder;
}

async function release(holder: ChildProcess): Promise<void> {
  const gone = new Promise((resolve) => holder.once('exit', resolve));
  holder.kill('SIGKILL');
  await gone;
}

const scenes: readonly [string, (node: Node) => Promise<Return>][] = [
  [
    'its old number is held by another program',
    async (node) => {
      const holder = await hold('/dev/ttyUSB0');
      try {
        return await replug(node, async () => undefined);
      } finally {
        await release(holder);
      }
    },
  ],
  [
    'its old number is taken by another adapter, which is left alone',
    async (node) => {
      const back = await replug(node, async () => {
        await host!.ask({ do: 'plug', line: 'usb1', serial: 'OTHER001' });
        await until('the other adapter', () => existsSync('/dev/ttyUSB0'));
        await host!.ask({ do: 'twin', line: 'usb1', part: 'tag-reader', seed });
      });
      assert.ok(!opened().includes('/dev/ttyUSB0'));
      await host!.ask({ do: 'unplug', line: 'usb1' });
      return back;
    },
  ],
];

for (const [name, scene] of scenes) {
  test(`a USB receiver comes back: ${name}`, { skip: noHost }, async (t) => {
    const stopLinks = keepLinks();
    let node: Node | undefined;
    t.after(async () => {
      await node?.close();
      await host!.ask({ do: 'reset' });
      stopLinks();
      await until('nothing is plugged in', () => !existsSync('/dev/ttyUSB0') && !existsSync('/dev/ttyUSB1'));
    });
    await host!.ask({ do: 'plug', line: 'usb0', serial: SERIAL });
    await host!.ask({ do: 'twin', line: 'usb0', part: 'gnss', seed });
    await until('the link', () => existsSync(byId(SERIAL)));
    assert.equal(tty(), 'ttyUSB0');
    const before = descriptors().length;
    const started = await startNode();
    node = started;
    await until('the first rows', () => good(started.rows) > 0);
    const inUse = descriptors().length;

    const back = await scene(started);
    assert.equal(back.tty, 'ttyUSB1', 'another number');
    assert.ok(opened().includes('/dev/ttyUSB1'));
    assert.ok(!opened().some((path) => path.endsWith('(deleted)') && path.includes('tty')));
    assert.ok(back.ms <= BACKOFF_MAX_MS + OPENING_MS, `${back.ms} ms`);
    t.diagnostic(`rows again ${Math.round(back.ms)} ms after the plug, as ${back.tty}`);

    for (let round = 0; full && round < 10; round++) await replug(started, async () => undefined);
    await until('no descriptor more than before', () => descriptors().length <= inUse);
    const times = started.rows.map((row) => row.timesNs[0]!);
    assert.ok(times.every((timeNs, i) => i === 0 || timeNs >= times[i - 1]!));
    await started.close();
    node = undefined;
    await until('no descriptor left', () => descriptors().length <= before);
  });
}
