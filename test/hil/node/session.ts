import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type Receiver, startReceiver, type TakeResult } from '../../../fleet/receive/index.js';
import { SerialConsole } from '../../../hil/machine/serial-console.js';
import type { RunFile } from '../../../hil/node-image/added.js';
import { startMosquitto } from '../../support/broker.js';
import {
  answerBy,
  brokerAt,
  CHALLENGE,
  cairn,
  freshCard,
  type KeyFiles,
  makeKey,
  OWNERS_PROMPT,
  SECRET,
  SLOW_MS,
  types,
} from './at-the-line.js';
import { NodeGuest } from './guest.js';
import { SUITES_SECRET } from './image-file.js';

/** A technician at the serial line of a node image, from plug-in to the signed report; the machine restarts; the owner wipes it. */

const full = process.env.CAIRN_HIL_FULL === '1';
const TIMEOUT_MS = 1_500_000;
const BOOT_MS = 300_000;
const PROMPT = / technician> $/;
const BANNER = /Cairn \d+\.\d+\.\d+\. Press Enter to log in\.\r?\n/;
/** A light of the keyboard that QEMU's board always has. */
const LIGHT = 'input0::capslock';
const LIGHT_FILES: readonly RunFile[] = [
  { path: 'rig/light-board.yaml', text: `title: A board with a light\nkind: linux\nleds: ['${LIGHT}']\n` },
  {
    path: 'rig/light.yaml',
    text: 'node: image-demo\nboard: ./light-board.yaml\nidentity: /var/lib/cairn/identity\nparts:\n  self: { driver: node }\nstore: { path: /var/lib/cairn/store }\n',
  },
];

interface Heard {
  readonly node: string;
  readonly epoch: string;
  readonly boot: number;
  readonly kind: string;
  readonly by: string;
  /** All pieces, as far as they came. */
  text: string;
}

/** What a fleet keeps of one node: where it stands, and what was done to it by hand. */
class Fleet {
  readonly events: Heard[] = [];
  node = '';
  epoch = '';
  boot = 0;
  rows = 0;
  receiver: Receiver | undefined;

  take(result: TakeResult): void {
    if (result.kind === 'invalid') throw new Error(`${result.cause}: ${result.text}`);
    if (result.kind !== 'rows') return;
    const { header, block } = result.rows;
    this.rows += header.count;
    ({ node: this.node, epoch: this.epoch, boot: this.boot } = header);
    if (header.stream !== 'events') return;
    const { node, epoch, boot } = header;
    const { texts = [], values } = block;
    const columns = values.length / header.count;
    for (let at = 0; at < values.length; at += columns) {
      const [kind, by, text] = [texts[at], texts[at + 1], texts[at + 4]].map(String) as [
        string,
        string,
        string,
      ];
      if (values[at + 2] === 1) this.events.push({ node, epoch, boot, kind, by, text });
      else this.events.at(-1)!.text += text;
    }
  }

  of(kind: string): readonly Heard[] {
    return this.events.filter((event) => event.kind === kind);
  }
}

interface Machine {
  readonly guest: NodeGuest;
  readonly line: SerialConsole;
}

interface Bench extends Machine {
  /** The same card in a machine that is switched on. */
  readonly boot: (name: string) => Promise<Machine>;
  readonly fleet: Fleet;
  readonly work: string;
  readonly owner: KeyFiles;
  readonly technician: KeyFiles;
  readonly grant: string;
}

async function setUp(t: TestContext): Promise<Bench> {
  const { work, image, data } = await freshCard('session');
  const broker = await startMosquitto();
  t.after(() => broker.remove());
  const fleet = new Fleet();
  const { url } = broker;
  const onResult = (result: TakeResult) => fleet.take(result);
  const running = await startReceiver({ url, clientId: 'session', protocol: '5', onResult });
  t.after(() => running.stop());
  fleet.receiver = running.receiver;
  const boot = async (name: string): Promise<Machine> => {
    const folder = join(work, name);
    mkdirSync(folder);
    const socket = join(folder, 'tty');
    const guest = await NodeGuest.boot({
      ...{ image, work: folder, data, timeoutMs: TIMEOUT_MS, console: { socket } },
      files: [...brokerAt(broker.port), ...LIGHT_FILES],
      args: [
        ...['-netdev', 'user,id=net', '-device', 'virtio-net-pci,netdev=net'],
        ...['-device', 'i6300esb', '-uuid', '11111111-2222-4333-8444-555555555555'],
      ],
    });
    t.after(() => guest.stop());
    const line = await SerialConsole.connect(socket);
    t.after(() => {
      line.close();
      writeFileSync(join(folder, 'line.txt'), line.transcript.replaceAll('\r', ''));
    });
    return { guest, line };
  };
  const [owner, technician] = [makeKey(work, 'owner'), makeKey(work, 'roe')];
  const grant = join(work, 'roe.grant');
  const who = ['--to', technician.publicFile, '--role', 'technician', '--name', 'A. Roe', '--epoch', '7'];
  cairn('grant', 'make', '--key', owner.file, ...who, '--out', grant);
  return { ...(await boot('first')), boot, fleet, work, owner, technician, grant };
}

async function until(what: string, holds: () => boolean): Promise<void> {
  for (const endMs = performance.now() + BOOT_MS; !holds(); ) {
    if (performance.now() > endMs) throw new Error(`not within ${BOOT_MS / 1000} s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

const speed = async ({ guest }: Bench) => Number(await guest.sh('stty -F /dev/ttyS0 speed'));

/** From the banner to the prompt. */
async function logIn({ line, technician, owner, grant }: Bench, prompt = PROMPT): Promise<string> {
  line.send('\n');
  const [challenge] = await line.expect(CHALLENGE, SLOW_MS);
  const answer = prompt === PROMPT ? answerBy(technician.file, grant) : answerBy(owner.file);
  line.send(`${answer(challenge)}\n`);
  await line.expect(prompt, SLOW_MS);
  return challenge;
}

/** From a prompt to the next banner. */
async function leave({ line }: Bench): Promise<void> {
  line.send('exit\n');
  await line.expect(BANNER, SLOW_MS);
}

test('a technician at the serial line of a node image', { timeout: TIMEOUT_MS }, async (t) => {
  const bench = await setUp(t);
  const { guest, line, fleet, owner } = bench;
  const says = (command: string) => types(line, PROMPT, command);

  await t.test('from power-on to the banner there is nothing else on the line', async () => {
    await line.expect(BANNER, BOOT_MS);
    assert.match(line.transcript, new RegExp(`^\\s*${BANNER.source}$`));
    await guest.ready(BOOT_MS);
    assert.equal(await speed(bench), 115_200);
  });

  await t.test('the owner puts in the public key, by the one-time secret', async () => {
    await until('readings', () => fleet.rows > 0);
    line.send('\n');
    await line.expect(SECRET, SLOW_MS);
    line.send(`${SUITES_SECRET}\n`);
    await line.expect(/Paste/, SLOW_MS);
    line.send(`${owner.pem}\n`);
    await line.expect(/installed, and the secret is dead/, SLOW_MS);
    await line.expect(BANNER, SLOW_MS);
  });

  await t.test('a BREAK asks for the next speed, and is no command to the kernel', () => changesSpeed(bench));

  await t.test('at 9600 baud a grant lets in the technician, whose status comes at that pace', async () => {
    await logIn(bench);
    const startMs = performance.now();
    const status = await says('status');
    const tookMs = performance.now() - startMs;
    t.diagnostic(`status at 9600 baud: ${status.length} characters in ${(tookMs / 1000).toFixed(1)} s`);
    assert.match(status, /^link {2}online/m);
    assert.ok(tookMs > (status.length / 960 - 0.1) * 1000, 'no faster than the line');
    assert.match(await says('why'), /^Nothing is wrong/m);
    await leave(bench);
  });
  await t.test('what is done there, up to the report that the fleet has', () => mends(t, bench));
  await t.test('identify makes a light blink, and puts it back', () => blinks(bench));
  const before = { epoch: fleet.epoch, boot: fleet.boot };
  let again: Bench = bench;
  await t.test('reboot: the node stops in order, and the machine resets itself', async () => {
    again = { ...bench, ...(await restarts(t, bench)) };
  });
  await t.test('after that nothing is lost, and the journal is whole', () => returns(t, again));
  assert.deepEqual([fleet.epoch, fleet.boot], [before.epoch, before.boot + 1]);
  await t.test('the owner wipes it', { skip: full ? false : 'with --full' }, () => wipes(again));
});

/** Every other BREAK on the kernel's own console is the kernel's, which waits for a letter. */
async function changesSpeed(bench: Bench): Promise<void> {
  const { guest, line } = bench;
  const seen = [await speed(bench)];
  for (let breaks = 0; seen.at(-1) !== 9_600; breaks++) {
    assert.ok(breaks < 20, `${seen}`);
    await guest.qmp.execute('chardev-send-break', { id: 'console' });
    await new Promise((resolve) => setTimeout(resolve, 500));
    const now = await speed(bench);
    if (now !== seen.at(-1)) await line.expect(BANNER, SLOW_MS);
    if (now !== seen.at(-1)) seen.push(now);
  }
  assert.deepEqual(seen, [115_200, 57_600, 38_400, 19_200, 9_600]);
  const { length } = line.transcript;
  await guest.qmp.execute('chardev-send-break', { id: 'console' });
  line.send('h');
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  assert.doesNotMatch(line.transcript.slice(length), /sysrq|HELP/i);
}

/** Ten commands at most, from plug-in to a signed report. */
async function mends(t: TestContext, bench: Bench): Promise<void> {
  const { guest, line, fleet, work } = bench;
  const says = (command: string) => types(line, PROMPT, command);
  const startMs = performance.now();
  await logIn(bench);
  t.diagnostic(`from Enter to the prompt: ${((performance.now() - startMs) / 1000).toFixed(1)} s`);
  await guest.sh(
    'echo "<3>rig: an error of a driver" >/dev/kmsg; logger -p user.crit rig 2>/dev/null || true',
  );
  const said = new Map<string, string>();
  for (const command of [
    'selftest',
    'read climate',
    'calibrations',
    'uplink test',
    'log --lines 5',
    'journal --verify',
  ]) {
    const startMs = performance.now();
    said.set(command, await says(command));
    t.diagnostic(`${command}: ${((performance.now() - startMs) / 1000).toFixed(1)} s`);
  }
  assert.match(said.get('selftest')!, /^(?:uplink|disk) {5,}ok/m);
  assert.match(said.get('selftest')!, /^0 of \d+ failed|^all \d+/im);
  assert.match(said.get('read climate')!, /^climate +pressure +\d+\.\d+ Pa +good$/m);
  assert.match(said.get('uplink test')!, /^receipt +\d+ ms {2}events/m);
  assert.match(said.get('journal --verify')!, /whole/);
  const report = await says('report --note "new cable to the mast"');
  assert.match(report, /Signed by the node\.\nKept as events \d+( to \d+)?\.\nIt left: /);
  await until('the report', () => fleet.of('report').length > 0);
  const [event] = fleet.of('report');
  assert.deepEqual([event!.by, event!.epoch], ['A. Roe', fleet.epoch]);
  const [file, key] = [join(work, 'report.json'), join(work, 'node.pub')];
  writeFileSync(file, event!.text);
  writeFileSync(key, `${await guest.sh('cat /var/lib/cairn/identity/node.pub')}\n`);
  assert.match(
    cairn('report', '--verify', file, '--key', key),
    /note +new cable to the mast[\s\S]*^whole: signed by/m,
  );
  assert.doesNotMatch(line.transcript, /an error of a driver/);
}

async function blinks({ guest, line }: Bench): Promise<void> {
  const trigger = `/sys/class/leds/${LIGHT}/trigger`;
  const before = await guest.sh(`cat ${trigger}`);
  const look = `while [ ! -e /run/rig/over ]; do cat /sys/class/leds/${LIGHT}/brightness; sleep 0.1; done`;
  await guest.sh(`(${look}) >/run/rig/seen &`);
  line.send('identify --seconds 4 --config /run/rig/light.yaml\n');
  await line.expect(/blinked, and is as it was\r?\n/, SLOW_MS);
  await line.expect(PROMPT, SLOW_MS);
  const seen = await guest.sh('touch /run/rig/over; uniq /run/rig/seen');
  assert.ok(seen.split('\n').length > 6, `on and off: ${seen.split('\n')}`);
  assert.equal(await guest.sh(`cat ${trigger}`), before);
  // Root's, or of a group that the console's user has no business in: the sandbox leaves /sys/devices writable.
  const writable = await guest.sh(
    "setpriv --reuid owner --regid owner --init-groups find /sys/devices -type f -writable ! -path '*/leds/*' ! -path '*:*lock/*'",
    SLOW_MS,
  );
  assert.equal(writable, '');
}

/**
 * Until the reset. The card then boots in a machine that was off: a QEMU that translates goes on with what it translated before the reset, and
 * its kernel takes up to a minute and a half.
 */
async function restarts(t: TestContext, { guest, line, fleet, boot }: Bench): Promise<Machine> {
  line.send('reboot\n');
  await line.expect(/Type yes: $/, SLOW_MS);
  const startMs = performance.now();
  const reset = guest.qmp.waitFor('RESET', SLOW_MS);
  line.send('yes\n');
  await line.expect(/It restarts\./, SLOW_MS);
  assert.deepEqual((await reset).data, { guest: true, reason: 'guest-reset' });
  t.diagnostic(`reboot: reset ${((performance.now() - startMs) / 1000).toFixed(1)} s after the yes`);
  await guest.stop();
  await until('what was asked for', () => fleet.of('reboot').length > 0);
  const asked = fleet.of('reboot').map(({ by, boot }) => [by, boot]);
  assert.deepEqual(asked, [['technician A. Roe', fleet.boot]]);
  return boot('again');
}

async function returns(t: TestContext, bench: Bench): Promise<void> {
  const { line, fleet } = bench;
  const { boot } = fleet;
  await line.expect(BANNER, BOOT_MS);
  await until('readings of the next boot', () => fleet.boot > boot);
  await logIn(bench);
  const journal = await types(line, PROMPT, 'journal ttyS0');
  assert.match(journal, /technician A\. Roe: reboot {2}\(exit 0/);
  assert.match(await types(line, PROMPT, 'journal --verify'), /whole/);
  assert.match(await types(line, PROMPT, 'why'), /^Nothing is wrong/m);
  await leave(bench);
  const missing = () => fleet.receiver!.summary().filter((stream) => stream.missing > 0);
  await until('all numbers', () => missing().length === 0);
  const gaps = fleet.receiver!.summary().map(({ stream, gaps }) => [stream, gaps]);
  t.diagnostic(`after the restart nothing is missing; gaps ${JSON.stringify(Object.fromEntries(gaps))}`);
  assert.ok(
    fleet.receiver!.summary().every(({ gaps }) => !gaps.uncleanStop),
    JSON.stringify(gaps),
  );
}

/** First the readings, then all that makes it this node. */
async function wipes(bench: Bench): Promise<void> {
  const { guest, line, fleet, owner } = bench;
  const { node, epoch } = fleet;
  await logIn(bench, OWNERS_PROMPT);
  const wipe = async (command: string) => {
    line.send(`${command}\n`);
    await line.expect(/Type the node's name \(image-demo\) to wipe it: $/, SLOW_MS);
    line.send('image-demo\n');
  };
  await wipe('wipe');
  await line.expect(/Wiped; the node runs on, in a new epoch\./, SLOW_MS);
  await line.expect(OWNERS_PROMPT, SLOW_MS);
  await until('a new epoch', () => fleet.epoch !== epoch);
  assert.equal(fleet.node, node, 'the same identity');
  await wipe('wipe --all');
  await line.expect(/Wiped\. Nothing was overwritten/, SLOW_MS);
  await line.expect(OWNERS_PROMPT, SLOW_MS);
  await leave(bench);
  await until('another node', () => fleet.node !== node);
  line.send('\n');
  await line.expect(SECRET, SLOW_MS);
  line.send('\n');
  await line.expect(BANNER, SLOW_MS);
  // An image that was built with its owner's key has it in /etc: that one stays.
  await guest.sh(
    `mkdir -p /run/rig/etc; cat >/run/rig/etc/owner.pub <<'PEM'\n${owner.pem}\nPEM\nmount -t overlay overlay -o lowerdir=/run/rig/etc:/etc/cairn /etc/cairn`,
  );
  const challenge = await logIn(bench, OWNERS_PROMPT);
  assert.ok(challenge.includes(fleet.node), 'the challenge is of the new node');
  assert.match(await types(line, OWNERS_PROMPT, 'journal ttyS0'), /owner is in|owner/);
}
