import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { statusScreen } from '../../runtime/console/screen.js';
import { helpLines } from '../../runtime/console/session/help.js';
import { Sparkline } from '../../runtime/console/sparkline.js';
import { COMMANDS } from '../../runtime/console/table.js';
import { agoText, wrapped } from '../../runtime/console/text.js';
import { diskFacts } from '../../runtime/disk-facts.js';
import type { ClassStatus, FlashStatus, StreamStatus } from '../../runtime/store/index.js';
import { GAP_CAUSES, LOG_CLASSES } from '../../wire/index.js';
import { facts, node, part, store, trouble } from '../health/why/facts.js';

test('the status of the worst of nodes is one screen: 24 lines of 80, and at most 1,600 bytes, two seconds at 9600 baud', () => {
  const long = 'No space left on device … ’quoted’ '.repeat(9);
  const parts = Array.from({ length: 40 }, (_, i) =>
    part({
      id: `part-with-a-long-name-${i}`,
      state: i % 3 ? 'failing' : 'ok',
      failures: 1e6,
      lastError: long,
    }),
  );
  const gaps = Object.fromEntries(GAP_CAUSES.map((cause) => [cause, 1e9]));
  const status = node({
    name: 'a-node-with-quite-a-long-name',
    parts,
    uplink: trouble('tlsExpired', long),
    store: store({
      health: { state: 'notWriting', since: 0n, reason: long, waitingRows: 1e6 },
      classes: LOG_CLASSES.map((name) => ({ class: name, blocks: 1e7, bytes: 1e9 }) as ClassStatus),
      streams: [{ stream: 's', gaps } as unknown as StreamStatus],
      flash: { daysLeft: 40, commitIntervalMs: 59_000 } as FlashStatus,
    }),
  });
  const cause = {
    kind: 'disk.full',
    about: 'store',
    what: long,
    evidence: [],
    todo: '',
    breaks: [],
  } as const;
  const lines = statusScreen(status, [cause, cause]);
  assert.ok(lines.length <= 20 && lines.every((line) => line.length <= 79), lines.join('\n'));
  assert.ok(
    Buffer.byteLength(`${lines.join('\r\n')}\r\n`) <= 1600,
    `${Buffer.byteLength(lines.join('\r\n'))} bytes`,
  );
  assert.ok(lines.every((line) => /^[\x20-\x7e]*$/.test(line)));
  const text = lines.join('\n');
  assert.match(text, /why {3}2 causes, first: No space left/);
  assert.match(text, /and 33 more, 19 of them bad/);
  assert.match(text, /^link {2}waiting /m, 'its last lines are there, too');
});

test('a node that is well says so, on a few lines', () => {
  const lines = statusScreen(facts().node!, []);
  assert.ok(lines.length < 10);
  assert.match(lines.join('\n'), /why {3}nothing is wrong\npart {2}climate +ok/);
});

test('lines are broken between words, and a word that is too long is left whole', () => {
  assert.deepEqual(wrapped('one two three four', 9, 2), ['one two', '  three', '  four']);
  assert.deepEqual(wrapped('   a: indented text that goes on', 16, 3), [
    '   a: indented',
    '   text that',
    '   goes on',
  ]);
  assert.deepEqual(wrapped(`x ${'y'.repeat(30)} z`, 10, 0), ['x', 'y'.repeat(30), 'z']);
  assert.deepEqual(wrapped('', 10, 2), ['']);
  assert.deepEqual(wrapped('it was cut at 3.3 V for 12 min', 14, 0), [
    'it was cut at',
    '3.3 V for',
    '12 min',
  ]);
  assert.deepEqual(wrapped('all of 12 readings', 10, 0), ['all of 12', 'readings']);
});

test('how long ago, in the unit that a person would take', () => {
  const said = [0, 119, 120, 7199, 7200, 172_799, 172_800].map((s) => agoText(BigInt(s) * 1_000_000_000n));
  assert.deepEqual(said, [
    '0 s ago',
    '119 s ago',
    '2 min ago',
    '119 min ago',
    '2 h ago',
    '47 h ago',
    '2 days ago',
  ]);
});

test('a sparkline goes from the least to the most of the last twelve', () => {
  const line = new Sparkline('123');
  assert.equal(line.add(5), '1');
  assert.equal(line.add(7), '13');
  assert.equal(line.add(6), '132');
  for (let i = 0; i < 30; i++) line.add(6);
  assert.equal(line.add(6), '1'.repeat(12));
});

test('the file system of a path: the longest mount that holds it, the later of two; octal escapes', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'cairn disk-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const card = mkdtempSync(join(tmpdir(), 'cairn-card-'));
  t.after(() => rmSync(card, { recursive: true }));
  mkdirSync(join(card, 'mount'));
  symlinkSync(join(card, 'mount'), join(card, 'link'));
  const mounts = [
    '22 1 254:0 / / ro,relatime - ext4 /dev/root ro',
    // As within a sandbox with ProtectSystem=strict.
    `30 22 0:31 / ${tmpdir()} ro,nosuid master:9 shared:7 - tmpfs tmpfs rw,size=32768k`,
    `31 30 8:1 / ${folder.replaceAll(' ', '\\040')} rw - ext4 /dev/sda1 ro`,
    '32 22 0:32 / / rw - overlay overlay rw,lowerdir=/ro',
    // After trigger_fs_error of Linux 6.18.
    `33 30 7:0 / ${join(card, 'mount')} rw,relatime shared:8 - ext4 /dev/loop0 rw,errors=remount-ro,emergency_ro`,
  ].join('\n');
  const of = (path: string) => diskFacts(path, () => mounts);
  assert.deepEqual(
    [(await of(join(tmpdir(), 'not-there-yet/store')))?.device, (await of(tmpdir()))?.isReadOnly],
    ['tmpfs', false],
  );
  assert.equal((await of(`${tmpdir()}file`))?.device, 'overlay', 'a later mount hides an earlier one');
  assert.equal((await of(join(folder, 'store')))?.isReadOnly, true);
  assert.ok((await of(folder))!.freeBytes > 0);
  const linked = await of(join(card, 'link/store'));
  assert.deepEqual([linked?.device, linked?.isReadOnly], ['/dev/loop0', true], 'a link leads to the card');
});

test('help is one screen, and names every command that the console has; a topic says what each does', () => {
  const commands = COMMANDS.filter(({ onConsole }) => onConsole);
  const overview = helpLines(commands, undefined, 80);
  assert.ok(overview.length < 24 && overview.every(({ length }) => length <= 80), overview.join('\n'));
  const text = overview.join(' ').replace(/ +/g, ' ');
  for (const { name, topic, summary } of commands) {
    assert.ok(text.includes(name), name);
    const told = helpLines(commands, topic, 80).join(' ').replace(/ +/g, ' ');
    assert.ok(told.includes(`${name} ${summary}`), name);
  }
});
