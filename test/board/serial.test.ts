import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { test } from 'node:test';
import { HalError, halErrorKind, type SerialTwin } from '../../drivers/contract/index.js';
import { native } from '../../native/index.js';
import { completeDeps } from '../../runtime/board/deps.js';
import { openLinuxSerial } from '../../runtime/board/linux-serial.js';
import { TwinSerialPort } from '../../runtime/board/twin-serial.js';
import { createWorld } from '../../runtime/board/world.js';
import { Listener, SERIAL_FRAMING, serialContract, until } from '../contract/serial.js';
import { SimClock } from '../support/sim-clock.js';
import { realClock, seeded, testDeps } from './fixture.js';
import { noSocat, Pty } from './pty.js';

const framer = () => native.createFramer(SERIAL_FRAMING.kind, SERIAL_FRAMING.maxBytes);

/** A device that says what the test tells it to, one piece a poll. */
class Talker implements SerialTwin {
  readonly attachment = 'serial';
  readonly faults = { unplugged: false, mute: false, noiseProbability: 0 };
  readonly pieces: Uint8Array[] = [];
  heard = '';

  speak(): Uint8Array {
    return this.pieces.shift() ?? new Uint8Array(0);
  }

  hear(bytes: Uint8Array): void {
    this.heard += Buffer.from(bytes).toString('latin1');
  }
}

serialContract('twin line', async () => {
  const twin = new Talker();
  const setup = completeDeps(testDeps({ random: seeded(2) }));
  const worldAt = createWorld(1, 0n);
  const fast = { ...setup, after: (_ms: number, task: () => void) => setup.after(1, task) };
  const world = () => worldAt(realClock.nowNs());
  const port = new TwinSerialPort('twin', twin, framer(), world, fast);
  return {
    port,
    async say(bytes, chunk = 65_536) {
      for (let at = 0; at < bytes.length; at += chunk) twin.pieces.push(bytes.subarray(at, at + chunk));
    },
    heard: async () => twin.heard,
    unplug: async () => {
      twin.faults.unplugged = true;
    },
    plug: async () => {
      twin.faults.unplugged = false;
    },
    close: () => port.close(),
  };
});

test('noise on a twin line flips, drops and doubles bytes at its rate; the framer counts what it breaks', async () => {
  const twin = new Talker();
  const clock = new SimClock();
  const worldAt = createWorld(1, 0n);
  const setup = completeDeps(testDeps({ clock, random: seeded(3) }));
  const counting = native.createFramer('nmea', 82);
  const port = new TwinSerialPort('twin', twin, counting, () => worldAt(clock.nowNs()), setup);
  const told = new Listener(port);
  // An example sentence of NMEA 0183, as printed in gpsd's NMEA page (checksum 6A).
  const sentence = '$GPRMC,225446,A,4916.45,N,12311.12,W,000.5,054.7,191194,020.3,E*68\r\n';
  twin.faults.noiseProbability = 0.005;
  for (let i = 0; i < 500; i++) twin.pieces.push(Buffer.from(sentence));
  await clock.advance(20 * 501);
  const { bytes, frames, badChecksum } = port.counters;
  assert.ok(bytes > 500 * 60 && bytes < 500 * 80);
  // Of about 68 bytes each is spoilt with 0.5 %: 0.995^68 = 71 % stay whole.
  assert.ok(frames > 300 && frames < 420, `${frames} whole`);
  assert.ok(badChecksum > 20, `${badChecksum} bad checksums`);
  assert.ok(told.texts.every((text) => text === sentence.trim()));
  await port.close();
  assert.equal(clock.timers, 0);
});

if (noSocat) test('a real pty', { skip: noSocat }, () => undefined);
else {
  serialContract('serialport over a pty', async () => {
    const pty = await Pty.make();
    const port = await openLinuxSerial(pty.link, 115_200, framer(), completeDeps(testDeps()));
    return {
      port,
      say: (bytes, chunk) => pty.say(bytes, chunk),
      heard: () => pty.heard(),
      unplug: () => pty.unplug(),
      plug: () => pty.plug(),
      async close() {
        await port.close();
        await pty.close();
      },
    };
  });

  test('a device that is not there yet is absent, is looked for, and leaves no descriptor behind', async () => {
    const pty = await Pty.make();
    await pty.unplug();
    const before = await descriptors();
    const port = await openLinuxSerial(pty.link, 9600, framer(), completeDeps(testDeps({ random: () => 0 })));
    const told = new Listener(port);
    await until('absent', () => told.states[0] instanceof HalError && told.states[0].kind === 'absent');
    assert.equal(port.counters.reopens, 0);
    for (let round = 0; round < 3; round++) {
      await pty.plug();
      await until('open', () => told.states.at(-1) === undefined);
      await pty.unplug();
      await until('gone', () => told.states.at(-1) instanceof HalError);
    }
    await until('as many descriptors as before', async () => (await descriptors()) <= before);
    assert.equal(port.counters.reopens, 2);
    await port.close();
    await pty.close();
  });

  test('a line that hangs up between two reads is told within seconds, without a write to find it', async () => {
    const pty = await Pty.make();
    const port = await openLinuxSerial(pty.link, 9600, framer(), completeDeps(testDeps()));
    const states: (Error | undefined)[] = [];
    port.listen(
      () => pty.hangUpNow(),
      (error) => states.push(error),
    );
    await until('open', () => states.length === 1 && states[0] === undefined);
    await pty.say(Buffer.from('now\n'));
    await until('told that it is gone', () => states.length > 1);
    assert.equal(halErrorKind(states[1]), 'disconnected');
    await port.close();
    await pty.close();
  });

  test('a port that another one holds is refused, and taken once it is free', async () => {
    const pty = await Pty.make();
    const open = () => openLinuxSerial(pty.link, 9600, framer(), completeDeps(testDeps({ random: () => 0 })));
    const first = await open();
    const one = new Listener(first);
    await until('the first is open', () => one.states.length === 1 && one.states[0] === undefined);
    const second = await open();
    const two = new Listener(second);
    await until('the second is refused', () => two.states[0] instanceof HalError);
    const before = await descriptors();
    await until('refused three times more', () => two.states.length > 3);
    assert.ok((await descriptors()) <= before, 'a refused try leaves a descriptor open');
    await first.close();
    await until('the second is open', () => two.states.at(-1) === undefined);
    await second.close();
    await pty.close();
  });
}

test('without the package serialport the error says what is missing', async () => {
  const loaders = { serialport: () => Promise.reject(new Error('No native build was found')) };
  const setup = completeDeps(testDeps({ loaders }));
  await assert.rejects(openLinuxSerial('/dev/ttyUSB0', 9600, framer(), setup), (error: HalError) => {
    assert.equal(error.kind, 'unsupported');
    assert.match(error.message, /No native build.*npm rebuild @serialport/);
    return true;
  });
});

async function descriptors(): Promise<number> {
  return (await readdir('/proc/self/fd')).length;
}
