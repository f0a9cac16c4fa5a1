import assert from 'node:assert/strict';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type Receiver, startReceiver } from '../../../fleet/receive/index.js';
import type { RunFile } from '../../../hil/node-image/added.js';
import { startMosquitto } from '../../support/broker.js';
import { NodeGuest } from './guest.js';
import { nodeImage } from './image-file.js';

/** The unit's promise, from a hang to the next start of the process. */
const RESTART_MAX_S = 15;
/** From a hung PID 1 to the reset. */
const RESET_MAX_S = 60;
const full = process.env.CAIRN_HIL_FULL === '1';
const quick = full ? false : 'with --full only';
/** Of the unit. */
const WATCHDOG_S = 8;
/** How long a disk and a broker refuse: 3 of its periods, or a quarter of an hour. */
const REFUSING_S = full ? 900 : 24;
/** Not counted: a cold build takes a minute. */
const image = await nodeImage();
/** What a boot may take on a machine that emulates many others beside it; alone it takes a tenth. */
const BOOT_S = 300;
const TIMEOUT_MS = full ? 3_600_000 : 580_000;

/** Loaded into the node by its unit's environment: the product has no such hook. */
const HANG = `
process.on('SIGUSR2', () => { for (;;); });
// A FIFO that nobody writes to: open(2) does not come back, and the main thread with it.
process.on('SIGWINCH', () => require('node:fs').openSync('/run/cairn/hang', 'r'));
`;

function filesOf(brokerPort: number): readonly RunFile[] {
  return [
    { path: 'rig/hang.cjs', text: HANG },
    {
      path: 'rig/node.yaml',
      text: `node: watched
board: twin
identity: /var/lib/cairn/identity
parts:
  imu: { driver: lsm6dso, bus: i2c-1, address: 0x6a, every: 1s, dataRateHz: 12.5, class: telemetry }
  climate: { driver: bme280, bus: i2c-2, address: 0x76, every: 500ms }
  gps: { driver: gnss, port: uart0, baud: 9600 }
  sos: { driver: contact, line: GPIO17, role: sos, bias: pullUp, activeLow: true, debounce: 10ms }
  self: { driver: node, every: 10s }
store: { path: /var/lib/cairn/store, size: 64 MB, commit: 1s }
uplink: { url: 'mqtt://10.0.2.2:${brokerPort}' }
`,
    },
    {
      path: 'systemd/system/cairn.service.d/rig.conf',
      text: `[Service]
ExecStart=
ExecStart=/usr/local/bin/cairn run --init --config /run/rig/node.yaml
Environment=NODE_OPTIONS=--require=/run/rig/hang.cjs
`,
    },
  ];
}

interface Shown {
  readonly pid: number;
  readonly active: string;
  readonly restarts: number;
  readonly status: string;
  /** Seconds since boot. */
  readonly startedS: number;
  readonly readyS: number;
}

/** What systemd says of the service. */
async function show(guest: NodeGuest): Promise<Shown> {
  const text = await guest.sh('systemctl show cairn');
  const of = (name: string) => new RegExp(`^${name}=(.*)$`, 'm').exec(text)?.[1] ?? '';
  return {
    pid: Number(of('MainPID')),
    active: of('ActiveState'),
    restarts: Number(of('NRestarts')),
    status: of('StatusText'),
    startedS: Number(of('ExecMainStartTimestampMonotonic')) / 1e6,
    readyS: Number(of('ActiveEnterTimestampMonotonic')) / 1e6,
  };
}

async function until(
  guest: NodeGuest,
  what: string,
  holds: (shown: Shown) => boolean,
  withinS = 90,
): Promise<Shown> {
  const endMs = performance.now() + withinS * 1000;
  for (;;) {
    const shown = await show(guest);
    if (holds(shown)) return shown;
    if (performance.now() > endMs) {
      const journal = await guest.sh('journalctl -u cairn -n 30 --no-pager -o cat');
      throw new Error(`not within ${withinS} s: ${what}: ${JSON.stringify(shown)}\n${journal}`);
    }
    await sleep(500);
  }
}

const uptimeS = async (guest: NodeGuest) => Number((await guest.sh('cat /proc/uptime')).split(' ')[0]);
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

interface Bench {
  readonly guest: NodeGuest;
  readonly receive: () => Promise<Receiver>;
}

async function setUp(t: TestContext): Promise<Bench> {
  const work = join(process.env.CAIRN_HIL_WORK ?? '.', 'guest');
  rmSync(work, { recursive: true, force: true });
  mkdirSync(work, { recursive: true });
  const broker = await startMosquitto();
  t.after(() => broker.remove());
  await broker.kill();
  const guest = await NodeGuest.boot({
    image,
    work,
    files: filesOf(broker.port),
    args: [
      ...['-netdev', 'user,id=net', '-device', 'virtio-net-pci,netdev=net'],
      ...['-device', 'i6300esb', '-action', 'watchdog=reset'],
    ],
    timeoutMs: TIMEOUT_MS,
  });
  t.after(() => guest.stop());
  const receive = async () => {
    await broker.start();
    const running = await startReceiver({ url: broker.url, clientId: 'watchdog', protocol: '5' });
    t.after(() => running.stop());
    return running.receiver;
  };
  return { guest, receive };
}

test('watchdogs of a node image', { timeout: TIMEOUT_MS }, async (t) => {
  const { guest, receive } = await setUp(t);
  await guest.ready(BOOT_S * 1000);
  const first = await until(guest, 'the node samples', ({ active }) => active === 'active', BOOT_S);
  t.diagnostic(`the node samples ${first.readyS.toFixed(1)} s after the boot (guest time)`);
  await until(guest, 'all parts are well', ({ status }) => /^5 of 5 parts ok; store ok/.test(status));

  await t.test('a loop that never ends: the service is started again', () =>
    hangs(t, guest, 'an endless loop', (pid) => `kill -USR2 ${pid}`),
  );
  await t.test(
    'a call into the kernel that never comes back: the service is started again',
    { skip: quick },
    () => hangs(t, guest, 'a call that hangs', (pid) => `mkfifo -m 666 /run/cairn/hang; kill -WINCH ${pid}`),
  );
  await t.test('a full disk and no broker, at the start and later: never a restart', () => refused(t, guest));
  await t.test('broker and disk back: all of the node works under its sandbox', async () => {
    const receiver = await receive();
    await until(guest, 'all is well', ({ status }) => status === '5 of 5 parts ok; store ok; uplink online');
    await drained(t, receiver);
  });
  const bootId = await guest.sh('cat /proc/sys/kernel/random/boot_id');
  await t.test('PID 1 hangs: the machine is reset', () => initHangs(t, guest));
  await t.test('after that it boots, and samples', { skip: quick }, async () => {
    await guest.ready(BOOT_S * 1000);
    const { readyS } = await until(guest, 'it samples', ({ active }) => active === 'active', BOOT_S);
    assert.notEqual(await guest.sh('cat /proc/sys/kernel/random/boot_id'), bootId);
    t.diagnostic(`after the reset: samples ${readyS.toFixed(1)} s after the boot (guest time)`);
  });
});

/** From the hang to the next start of the process, and to its first sample. */
async function hangs(
  t: TestContext,
  guest: NodeGuest,
  what: string,
  command: (pid: number) => string,
): Promise<void> {
  const before = await until(guest, 'it is active', ({ active }) => active === 'active');
  const hungS = await uptimeS(guest);
  await guest.sh(command(before.pid));
  const started = await until(guest, 'a new process', ({ pid }) => pid !== 0 && pid !== before.pid);
  const { readyS } = await until(guest, 'it samples again', ({ active }) => active === 'active');
  const [downS, againS] = [started.startedS - hungS, readyS - hungS];
  t.diagnostic(`${what}: started again after ${downS.toFixed(1)} s, samples after ${againS.toFixed(1)} s`);
  assert.equal(started.restarts, before.restarts + 1);
  assert.ok(downS > 1 && downS <= RESTART_MAX_S, `${downS} s`);
  const journal = await guest.sh('journalctl -u cairn --no-pager -o cat');
  assert.match(journal, /Watchdog timeout/);
  assert.match(journal, /the last run ended by watchdog \(killed ABRT\)/);
}

/** It goes on filling: a store that opens frees some blocks of its own, and would write into them for a while. */
const FILL = `cd /var/lib/cairn
fallocate -l $(( $(df -B1 --output=avail . | tail -1) - 1048576 )) ballast
(while [ -e ballast ]; do dd if=/dev/zero of=ballast2 bs=512 oflag=append conv=notrunc; sleep 1; done) >/dev/null 2>&1 &
cd /`;
const FREE = 'rm -f /var/lib/cairn/ballast; sleep 2; rm -f /var/lib/cairn/ballast2';

async function refused(t: TestContext, guest: NodeGuest): Promise<void> {
  await guest.sh('systemctl stop cairn', 60_000);
  await guest.sh(FILL, 60_000);
  await guest.sh('systemctl start --no-block cairn');
  const waiting = await until(guest, 'it samples all the same', ({ status }) =>
    status.includes('not writing'),
  );
  assert.equal(waiting.active, 'active');
  const refusedS = await uptimeS(guest);
  await sleep((REFUSING_S / 2) * 1000);
  const still = await show(guest);
  assert.deepEqual([still.pid, still.restarts, still.active], [waiting.pid, waiting.restarts, 'active']);

  await guest.sh(FREE);
  const running = await until(guest, 'it writes', ({ status }) => status.includes('store ok'));
  assert.equal(running.pid, waiting.pid);
  await guest.sh(FILL);
  const fullAgain = await until(guest, 'it does not write', ({ status }) => status.includes('not writing'));
  await sleep((REFUSING_S / 2) * 1000);
  const end = await show(guest);
  assert.match(end.status, /store not writing/);
  assert.match(end.status, /uplink (waiting|connecting)/);
  assert.deepEqual([end.pid, end.restarts, end.active], [fullAgain.pid, waiting.restarts, 'active']);
  assert.equal(end.pid, waiting.pid);
  const seconds = (await uptimeS(guest)) - refusedS;
  t.diagnostic(
    `a full disk, and no broker: ${seconds.toFixed(0)} s, or ${(seconds / WATCHDOG_S).toFixed(0)} watchdog periods, and no restart`,
  );
  await guest.sh(FREE);
}

/** What the fleet has of it: each kill is a gap, and nothing is missing. */
async function drained(t: TestContext, receiver: Receiver): Promise<void> {
  const climate = () => receiver.summary().find(({ stream }) => stream === 'climate');
  const endMs = performance.now() + 60_000;
  while ((climate()?.missing ?? 1) > 0 || !climate()?.gaps.uncleanStop) {
    if (performance.now() > endMs) throw new Error(`not accounted for: ${JSON.stringify(climate())}`);
    await sleep(200);
  }
  const { received, gaps } = climate()!;
  t.diagnostic(`climate at the fleet: ${received} rows, gaps ${JSON.stringify(gaps)}, nothing missing`);
}

async function initHangs(t: TestContext, guest: NodeGuest): Promise<void> {
  const startMs = performance.now();
  await guest.sh('echo 1 >/sys/fs/cgroup/init.scope/cgroup.freeze');
  const { action } = (await guest.qmp.waitFor('WATCHDOG', (RESET_MAX_S + 30) * 1000)).data as {
    action: string;
  };
  assert.equal(action, 'reset');
  const resetS = (performance.now() - startMs) / 1000;
  assert.ok(resetS <= RESET_MAX_S, `${resetS} s`);
  t.diagnostic(`PID 1 hung: reset after ${resetS.toFixed(1)} s`);
}
