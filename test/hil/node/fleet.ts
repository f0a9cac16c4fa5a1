import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { disk } from '../../../hil/machine/qemu.js';
import type { RunFile } from '../../../hil/node-image/added.js';
import { nodeDisks } from '../../../hil/node-image/index.js';
import { freshFolder, run } from '../../../hil/shell.js';
import { CHECKOUT, makeDataDisk, makeFleetDisk } from './fleet-disk.js';
import { NodeGuest } from './guest.js';
import { nodeImage, project } from './image-file.js';

/** A node and the fleet on one machine: the fleet is put there by the words of its document, and runs in its unit's sandbox. */

const TIMEOUT_MS = 900_000;
const BOOT_MS = 300_000;
/** The fleet is some hundred modules, and all of QEMU's work is translation. */
const START_MS = 180_000;
const work = process.env.CAIRN_HIL_WORK ?? join(project(), '.cache/hil/run/fleet');
const image = await nodeImage();

const NODE_FILES: readonly RunFile[] = [
  {
    path: 'rig/node.yaml',
    text: `include: [../../etc/cairn/node.yaml]
uplink: { url: 'mqtt://127.0.0.1:1883', fleetKeys: [{ file: /etc/cairn/fleet.pub }] }
`,
  },
  // It is started once there is a fleet.
  {
    path: 'systemd/system/cairn.service.d/rig.conf',
    text: `[Unit]\nConditionPathExists=/etc/cairn/fleet.pub
[Service]\nTimeoutStartSec=600s\nExecStart=\nExecStart=/usr/local/bin/cairn run --init --config /run/rig/node.yaml\n`,
  },
  {
    path: 'systemd/system/cairn-fleet.service.d/rig.conf',
    text: '[Service]\nEnvironment=CAIRN_NODE=/opt/node\n',
  },
];
/** The image's root is read-only: what is installed lies over it, in memory. */
const WRITABLE = ['/etc', '/usr/local']
  .map((path, i) => {
    const [upper, work] = [`/run/rig/over${i}/upper`, `/run/rig/over${i}/work`];
    return `mkdir -p ${upper} ${work} && mount -t overlay overlay -o lowerdir=${path},upperdir=${upper},workdir=${work} ${path}`;
  })
  .join(' && ');
const MOUNTS = `mount -o ro /dev/disk/by-id/virtio-fleet /opt
mkdir -p /var/lib/cairn-fleet && mount /dev/disk/by-id/virtio-state /var/lib/cairn-fleet`;

/** The commands of the document, those below the sentence that says so. */
function installation(): readonly string[] {
  const text = readFileSync(join(project(), 'docs/fleet/config.md'), 'utf8');
  const [, block] = /As root, from a checkout[^:]*:\n\n((?: {4}.*\n)+)/.exec(text) ?? [];
  assert.ok(block, 'docs/fleet/config.md says how it is installed');
  return block
    .trim()
    .split('\n')
    .map((line) => line.trim());
}

async function boot(t: TestContext): Promise<NodeGuest> {
  const folder = freshFolder(join(work, 'guest'));
  const at = (name: string) => join(folder, name);
  run('cp', ['--sparse=always', image.emptyData, at('card')]);
  makeFleetDisk(at('checkout'), at('fleet.ext4'));
  makeDataDisk(at('state.ext4'));
  const guest = await NodeGuest.boot({
    image,
    work: folder,
    files: NODE_FILES,
    disks: [
      ...nodeDisks(image, at('card')),
      ...disk('fleet', at('fleet.ext4'), { readonly: true, serial: 'fleet' }),
      ...disk('state', at('state.ext4'), { serial: 'state' }),
    ],
    memoryMiB: 1536,
    timeoutMs: TIMEOUT_MS,
  });
  t.after(() => guest.stop());
  await guest.ready(BOOT_MS);
  return guest;
}

/** Said after the newest SIGHUP. */
const IN_FORCE = /SIGHUP(?![\s\S]*SIGHUP)[\s\S]*the new configuration is in force/;
const CGROUP = '/sys/fs/cgroup/system.slice/cairn-fleet.service';
/** The frame of docs/fleet/listener.md. */
const SOS = '$CTRK,4711,13,,,,,0,3.81,sos*68';
const SPOOL = '/var/spool/sms/outgoing';

const journal = (guest: NodeGuest) => guest.sh('journalctl -u cairn-fleet --no-pager -o cat', START_MS);
const show = (guest: NodeGuest, name: string) => guest.sh(`systemctl show cairn-fleet -p ${name} --value`);
const get = (path: string) => `busybox wget -qO- 'http://127.0.0.1:8000${path}'`;
const isOk = (guest: NodeGuest) => guest.until(get('/health'), /"ok"/, START_MS);

/** Writes the fleet's file and has it read anew, which is no new process. */
async function reload(guest: NodeGuest, lines: readonly string[], said: RegExp): Promise<void> {
  const pid = await show(guest, 'MainPID');
  const yaml = ['data: /var/lib/cairn-fleet', ...lines].join('\n');
  await guest.sh(`cat >/etc/cairn-fleet/fleet.yaml <<'YAML'\n${yaml}\nYAML\nsystemctl reload cairn-fleet`);
  await guest.until('journalctl -u cairn-fleet --no-pager -o cat -n 20', said, START_MS);
  assert.equal(await show(guest, 'MainPID'), pid);
}

interface Stream {
  readonly stream: string;
  readonly received: number;
  readonly missing: number;
  readonly lost: Readonly<Record<string, number>>;
}

/** What the fleet says of a stream of the machine's own node. */
async function streamOf(guest: NodeGuest, name: string): Promise<Stream> {
  const { nodes } = JSON.parse(await guest.sh(get('/api/v1/nodes'))) as { nodes: { node: string }[] };
  const own = nodes.filter(({ node }) => !node.startsWith('tracker:'));
  assert.equal(own.length, 1);
  const about = JSON.parse(await guest.sh(get(`/api/v1/nodes/${own[0]!.node}`))) as { streams: Stream[] };
  const found = about.streams.find(({ stream }) => stream === name);
  assert.ok(found, `${name} in ${about.streams.map(({ stream }) => stream).join(', ')}`);
  return found;
}

test('the fleet as a service', { timeout: TIMEOUT_MS }, async (t) => {
  const guest = await boot(t);
  await guest.sh(WRITABLE);
  await guest.sh(MOUNTS);
  const step = (what: string, does: (t: TestContext) => Promise<void>) =>
    t.test(what, async (t) => {
      await does(t).catch(async (cause: Error) => {
        throw new Error(`${cause.message}\n${await journal(guest)}`, { cause });
      });
    });

  await step('it is installed by the words of its document, and starts', async (t) => {
    for (const command of installation()) await guest.sh(`cd ${CHECKOUT} && ${command}`, START_MS);
    await isOk(guest);
    const shown = await guest.sh(
      'systemd-analyze security cairn-fleet.service --no-pager | tail -1',
      START_MS,
    );
    const [, exposure] = /: (\d+\.\d)/.exec(shown) ?? [];
    t.diagnostic(`systemd-analyze security cairn-fleet.service: ${exposure}`);
    assert.ok(Number(exposure) <= 2, shown);
    assert.match(await journal(guest), /open \/first and type this one-time secret: \S{10}/);
  });
  await step('a wrong file is said, and the old one stays', async () => {
    await reload(guest, ['wbe: {}'], /old configuration stays: .*fleet\.yaml:2:\d+: wbe/);
    await isOk(guest);
  });
  await step('a right one is taken: it listens to all the world', async () => {
    await reload(guest, ['web: { host: 0.0.0.0, url: https://fleet.example }'], IN_FORCE);
    await isOk(guest);
    assert.match(await guest.sh('ss -Hltn'), /0\.0\.0\.0:8000/);
  });
  await step('a node of this machine comes to it', () => nodeComes(guest));
  await step('an SOS of a tracker is in smstools’ spool, for its group to read', () => sosIsTold(t, guest));
  await step('killed, it is started again: nothing is missing, and nobody is told twice', () =>
    killed(t, guest),
  );
  await step('it stops in order', async () => {
    const memory = Number(await guest.sh(`cat ${CGROUP}/memory.peak`));
    t.diagnostic(`at most ${(memory / 2 ** 20).toFixed(0)} MiB, page cache and all`);
    const startMs = performance.now();
    await guest.sh('systemctl stop cairn-fleet', START_MS);
    t.diagnostic(`stopped in ${((performance.now() - startMs) / 1000).toFixed(1)} s`);
    assert.deepEqual([await show(guest, 'Result'), await show(guest, 'ExecMainStatus')], ['success', '0']);
  });
});

async function nodeComes(guest: NodeGuest): Promise<void> {
  await reload(guest, ['web: { open: loopback }'], IN_FORCE);
  await isOk(guest);
  // As its document says of a node of the same machine.
  await guest.sh('install -m 0644 /var/lib/cairn-fleet/fleet.pub /etc/cairn/fleet.pub');
  await guest.sh('systemctl start --no-block cairn');
  await guest.until('systemctl show cairn -p StatusText', /store ok; uplink online/, START_MS);
  await guest.until(get('/api/v1/nodes'), /"state":"(live|backlog)"/, START_MS);
  assert.ok((await streamOf(guest, 'climate')).received > 0);
}

async function sosIsTold(t: TestContext, guest: NodeGuest): Promise<void> {
  await guest.sh(
    `echo 'g smsd -' >/etc/sysusers.d/smsd.conf && systemd-sysusers
mkdir -p ${SPOOL} && chgrp smsd ${SPOOL} && chmod 2770 ${SPOOL}
mkdir -p /etc/systemd/system/cairn-fleet.service.d
printf '[Service]\nSupplementaryGroups=smsd\n' >/etc/systemd/system/cairn-fleet.service.d/override.conf
cat >>/etc/cairn-fleet/fleet.yaml <<'YAML'
listener: { port: 9000 }
sms: { spool: ${SPOOL} }
tell: ['sms:+33600000000']
YAML
systemctl daemon-reload && systemctl restart cairn-fleet`,
    START_MS,
  );
  await isOk(guest);
  const startMs = performance.now();
  assert.equal(await guest.sh(`printf '${SOS}\\r\\n' | busybox nc -w 20 127.0.0.1 9000`, START_MS), 'OK 13');
  await guest.until(`cat ${SPOOL}/cairn-*`, /^To: 33600000000$[\s\S]*4711/m, START_MS);
  t.diagnostic(
    `SOS in smstools' spool ${((performance.now() - startMs) / 1000).toFixed(1)} s after it was sent`,
  );
  assert.equal(await guest.sh(`stat -c '%U %G %a' ${SPOOL}/cairn-*`), 'cairn-fleet smsd 660');
}

async function killed(t: TestContext, guest: NodeGuest): Promise<void> {
  const before = await streamOf(guest, 'climate');
  const startMs = performance.now();
  await guest.sh(`kill -9 ${await show(guest, 'MainPID')}`);
  await guest.until('systemctl show cairn-fleet -p NRestarts --value', /^1$/, START_MS);
  await isOk(guest);
  t.diagnostic(`killed: there again after ${((performance.now() - startMs) / 1000).toFixed(1)} s`);
  await guest.until('systemctl show cairn -p StatusText', /uplink online/, START_MS);
  for (const endMs = performance.now() + START_MS; ; await new Promise((go) => setTimeout(go, 1_000))) {
    const { received, missing, lost } = await streamOf(guest, 'climate');
    if (received > before.received && missing === 0) {
      assert.deepEqual(lost, before.lost);
      break;
    }
    assert.ok(performance.now() < endMs, `${missing} missing`);
  }
  assert.equal(await guest.sh(`ls ${SPOOL} | wc -l`), '1');
}
