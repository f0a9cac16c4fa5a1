import assert from 'node:assert/strict';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { RunFile } from '../../../hil/node-image/added.js';
import { seeded } from '../../../hil/random.js';
import { run } from '../../../hil/shell.js';
import type { ConfigReport } from '../../../runtime/update/index.js';
import { startMosquitto } from '../../support/broker.js';
import { NodeGuest } from './guest.js';
import { nodeImage } from './image-file.js';

const full = process.env.CAIRN_HIL_FULL === '1';
const seed = Number(process.env.CAIRN_HIL_SEED ?? 1);
const TIMEOUT_MS = 3_600_000;
/** A boot, and a command that starts Node, by translation. */
const BOOT_MS = 300_000;
const SLOW_MS = 120_000;
const TRIAL_MIN = 1;
/** From the word that it was taken to the cut, at most: a trial's own minute and what follows it. */
const CUT_WITHIN_MS = 90_000;
/** Three starts, or the trial's minute, and their waits. */
const RECOVERED_WITHIN_MS = 400_000;

const NODE = '/run/rig/node.yaml';
const nodeFile = ({ board = 'twin', store = '/var/lib/cairn/store', broker }: Change) => `node: cut-off
board: ${board}
identity: /var/lib/cairn/identity
parts:
  climate: { driver: bme280, bus: i2c-1, address: 0x76, every: 500ms }
  self: { driver: node, every: 10s }
store: { path: ${store}, size: 64 MB, commit: 1s }
uplink: { url: 'mqtt://10.0.2.2:${broker}' }
`;

interface Change {
  readonly board?: string;
  readonly store?: string;
  readonly broker: number;
}

/** What somebody could apply at a roadside; nothing of it may outlive its trial. */
const BAD = [
  { name: 'a broker that is not there', change: { broker: 1 }, why: 'expired', evidence: /no link: / },
  {
    name: 'a board whose bus is not there',
    change: { board: 'generic' },
    why: 'expired',
    evidence: /part climate is (missing|failing)/,
  },
  {
    name: 'a store below a file',
    change: { store: '/etc/hostname/store' },
    why: 'crashed',
    evidence: /ENOTDIR/,
  },
] as const;

function filesOf(broker: number): readonly RunFile[] {
  return [
    { path: 'rig/node.yaml', text: nodeFile({ broker }) },
    ...BAD.map(({ change }, i) => ({
      path: `rig/bad-${i}.yaml`,
      text: nodeFile({ broker, ...change }),
    })),
    {
      path: 'systemd/system/cairn.service.d/rig.conf',
      text: `[Service]\nTimeoutStartSec=600s\nExecStart=\nExecStart=/usr/local/bin/cairn run --init --config ${NODE}\n`,
    },
  ];
}

test('bad configurations on trial, and the power cut at a random moment: each is taken back, and truthfully told', {
  timeout: TIMEOUT_MS,
  skip: full ? false : 'with --full',
}, async (t) => {
  const random = seeded(seed);
  const work = join(process.env.CAIRN_HIL_WORK ?? '.', 'trials');
  rmSync(work, { recursive: true, force: true });
  mkdirSync(work, { recursive: true });
  const image = await nodeImage();
  const data = join(work, 'card.ext4');
  run('cp', ['--sparse=always', image.emptyData, data]);
  const broker = await startMosquitto();
  t.after(() => broker.remove());
  const boot = (name: string) => bootNode(t, { image, data, folder: join(work, name), broker: broker.port });

  let guest = await boot('boot-0');
  for (const [i, bad] of BAD.entries()) {
    const sha256 = await applied(guest, `/run/rig/bad-${i}.yaml`);
    const cutMs = random() * CUT_WITHIN_MS;
    await new Promise((resolve) => setTimeout(resolve, cutMs));
    await guest.stop();
    guest = await boot(`boot-${i + 1}`);
    const { lastOutcome } = await recovered(guest, sha256);
    t.diagnostic(`${bad.name}, cut after ${(cutMs / 1000).toFixed(0)} s: ${lastOutcome!.text}`);
    assert.deepEqual([lastOutcome!.what, lastOutcome!.why], ['reverted', bad.why], bad.name);
    assert.match(lastOutcome!.text, bad.evidence);
  }
});

interface Boot {
  readonly image: Awaited<ReturnType<typeof nodeImage>>;
  readonly data: string;
  readonly folder: string;
  readonly broker: number;
}

/** The card in its machine, until the node samples. */
async function bootNode(t: TestContext, { image, data, folder, broker }: Boot): Promise<NodeGuest> {
  mkdirSync(folder);
  const guest = await NodeGuest.boot({
    image,
    work: folder,
    data,
    files: filesOf(broker),
    args: [
      ...['-netdev', 'user,id=net', '-device', 'virtio-net-pci,netdev=net'],
      ...['-device', 'i6300esb', '-uuid', '11111111-2222-4333-8444-555555555555'],
    ],
    timeoutMs: TIMEOUT_MS,
  });
  t.after(() => guest.stop());
  await guest.ready(BOOT_MS);
  await guest.until('systemctl show cairn -p ActiveState --value', /^active$/m, BOOT_MS);
  return guest;
}

/** The SHA-256 of what was put on trial; one that crashes at once may be over by now. */
async function applied(guest: NodeGuest, file: string): Promise<string> {
  assert.equal((await reported(guest)).state, 'file');
  const diff = await guest.sh(`cairn config diff ${file} --json --config ${NODE}`, SLOW_MS);
  await guest.sh(`echo yes | cairn config apply ${file} --minutes ${TRIAL_MIN} --config ${NODE}`, SLOW_MS);
  return (JSON.parse(diff) as { readonly to: string }).to;
}

async function reported(guest: NodeGuest): Promise<ConfigReport> {
  return JSON.parse(await guest.sh(`cairn config show --json --config ${NODE}`, SLOW_MS)) as ConfigReport;
}

async function recovered(guest: NodeGuest, sha256: string): Promise<ConfigReport> {
  for (const endMs = performance.now() + RECOVERED_WITHIN_MS; ; ) {
    const report = await reported(guest);
    if (report.state === 'file' && !report.trial && report.lastOutcome?.sha256 === sha256) return report;
    assert.ok(performance.now() < endMs, `not taken back: ${JSON.stringify(report)}`);
    await new Promise((resolve) => setTimeout(resolve, 5_000));
  }
}
