import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { SerialTwin, World } from '../../drivers/contract/index.js';
import type { PartConfig } from '../../runtime/config/types.js';
import { nodeConfig, partConfig, seeded } from '../board/fixture.js';
import { serialParts, type WiredPart } from './serial-part.js';
import { driver, filesOf, linesOf, twinDefinition } from './support.js';

const serialTwin = (id: string) => twinDefinition(id).create(seeded(1)) as SerialTwin;
const gps = (baud = 9600) => partConfig('gps', driver('gnss'), { kind: 'serial', port: 'uart0', baud });
const gate = (baud = 115_200) =>
  partConfig('gate', driver('tag-reader'), { kind: 'serial', port: 'uart0', baud });

/** The lines where the part of the node file meets this one on its port. */
async function linesWith(t: TestContext, part: PartConfig, wired: WiredPart | undefined) {
  const { device, loaders, clock, written } = serialParts(t, { uart0: wired });
  const config = nodeConfig([part], {
    kind: 'linux',
    serial: { uart0: { device: device('uart0'), pins: [8, 10] } },
  });
  const lines = await linesOf(config, { clock, loaders });
  return { lines: lines.map((line) => line.replace(device('uart0'), '/dev/ttyS9')), written };
}

test('a receiver and a reader at their own rates have no fault', async (t) => {
  const receiver = await linesWith(t, gps(), { twin: serialTwin('gnss'), baud: 9600 });
  assert.deepEqual(receiver.lines, []);
  const asked = await linesWith(t, gate(), { twin: reader([]), baud: 115_200 });
  assert.deepEqual(asked.lines, []);
});

test('12: a receiver at another rate: its bytes come, and it is heard at the right one', async (t) => {
  const { lines, written } = await linesWith(t, gps(9600), { twin: serialTwin('gnss'), baud: 38_400 });
  assert.deepEqual(
    lines.map((line) => line.replace(/found \d+ bytes/, 'found 700 bytes')),
    [
      'gps: uart0 (/dev/ttyS9, pins 8 and 10) at 9600 baud: expected gnss; found 700 bytes, but nothing readable, and gnss at 38400 baud; write baud: 38400',
    ],
  );
  assert.deepEqual(written, [], 'a receiver is only listened to');
});

test('12: a reader that speaks only when asked is asked at each rate', async (t) => {
  const { lines } = await linesWith(t, gate(115_200), { twin: reader([]), baud: 9600 });
  assert.deepEqual(lines, [
    'gate: uart0 (/dev/ttyS9, pins 8 and 10) at 115200 baud: expected tag-reader; found no byte, and tag-reader at 9600 baud; write baud: 9600',
  ]);
});

/** A reader with these tags in reach. */
function reader(tags: World['tags']): SerialTwin {
  const twin = serialTwin('tag-reader');
  return {
    attachment: 'serial',
    faults: twin.faults,
    hear: (bytes, world) => twin.hear(bytes, world),
    speak: (world) => twin.speak({ ...world, tags }),
  };
}

test('12: bytes at every rate and no part that is known', async (t) => {
  const noise = serialTwin('gnss');
  const random = seeded(7);
  const babble: SerialTwin = {
    ...noise,
    attachment: 'serial',
    faults: noise.faults,
    hear: () => undefined,
    speak: () => Uint8Array.from({ length: 4 }, () => Math.floor(random() * 256)),
  };
  const { lines } = await linesWith(t, gps(), { twin: babble, baud: 9600 });
  assert.deepEqual(lines, [
    'gps: uart0 (/dev/ttyS9, pins 8 and 10) at 9600 baud: expected gnss; found bytes, but nothing that a known part says, at 4800, 9600, 19200, 38400, 57600, 115200, 230400 and 460800 baud; check ground and the level of the signal (3.3 V, not RS-232), and which protocol it is set to',
  ]);
});

test('13: a port without a byte', async (t) => {
  const { lines, written } = await linesWith(t, gps(), undefined);
  assert.deepEqual(lines, [
    "gps: uart0 (/dev/ttyS9, pins 8 and 10) at 9600 baud: expected gnss; found no byte at 4800, 9600, 19200, 38400, 57600, 115200, 230400 and 460800 baud; check the part's power and ground, and whether TX and RX are swapped",
  ]);
  assert.deepEqual(written, []);
});

test('13: a reader that is asked and stays silent', async (t) => {
  const { lines, written } = await linesWith(t, gate(), undefined);
  assert.deepEqual(lines, [
    "gate: uart0 (/dev/ttyS9, pins 8 and 10) at 115200 baud: expected tag-reader; found no byte at 4800, 9600, 19200, 38400, 57600, 115200, 230400 and 460800 baud, though it was asked; check the part's power and ground, and whether TX and RX are swapped",
  ]);
  assert.ok(written.length > 1 && written.every((line) => line.endsWith('"?\\r\\n"')), written.join());
});

test('14: another device on the port, at its own rate', async (t) => {
  const { lines } = await linesWith(t, gps(), {
    twin: reader([{ id: 'E28011606000020123456789', rssiDbm: -57 }]),
    baud: 115_200,
  });
  assert.deepEqual(lines, [
    'gps: uart0 (/dev/ttyS9, pins 8 and 10) at 9600 baud: expected gnss; found tag-reader (tag reader) at 115200 baud; plug gnss in here, or name the port that it is on',
  ]);
});

test('14: the other way round', async (t) => {
  const { lines } = await linesWith(t, gate(), { twin: serialTwin('gnss'), baud: 9600 });
  assert.deepEqual(lines, [
    'gate: uart0 (/dev/ttyS9, pins 8 and 10) at 115200 baud: expected tag-reader; found gnss (GNSS receiver) at 9600 baud; plug tag-reader in here, or name the port that it is on',
  ]);
});

test('15: a port that is not there, and those that are', async () => {
  const config = nodeConfig([gps()], {
    kind: 'linux',
    serial: { uart0: { device: '/dev/ttyUSB93', pins: [] } },
  });
  const files = filesOf({ '/sys/class/tty/ttyAMA0/dev': '204:64\n', '/sys/class/tty/tty1/dev': '4:1\n' });
  assert.deepEqual(await linesOf(config, { files }), [
    'gps: uart0 (/dev/ttyUSB93) at 9600 baud: expected a serial port; found no such device, but /dev/ttyAMA0; plug it in, or switch the port on in the boot config',
  ]);
});
