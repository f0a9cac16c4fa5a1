import assert from 'node:assert/strict';
import { after, type TestContext, test } from 'node:test';
import type { HalError, Rows, SerialPort } from '../../drivers/contract/index.js';
import { gnss } from '../../drivers/gnss/driver.js';
import { native } from '../../native/index.js';
import { openBoardWith } from '../../runtime/board/board.js';
import { openLinuxSerial } from '../../runtime/board/linux-serial.js';
import { nodeConfig, partConfig, realClock, testDeps } from '../board/fixture.js';
import { Listener, until } from '../contract/serial.js';
import { CountingFramer } from '../drivers/gnss/counting-framer.js';
import { type Cable, type FarEnd, kernelBaud, uartEnd, usbEnd } from './far-end.js';
import { Host } from './host.js';
import { fetchRecordings } from './recorded.js';
import { full, lacking, rig, seed, setup, sleep } from './rig.js';

/** Recorded receivers on real ttys of the kernel: the host plays, the guest reads, gpsd's own fixes are the judge. */

const noHost = lacking('services.host');
const host = noHost ? undefined : await Host.open(rig.service('host'));
after(() => host?.close());
const recordings = host ? await fetchRecordings(host) : [];
// They read CAIRN_REAL_DATA when they are loaded.
const { compare, logBytes, ourFixes, RECEIVERS, RECORDED_OPTIONS, rowsOf, unexplained, unneeded } =
  await import('../drivers/gnss/gpsd.js');
const { DIFFERENCES } = await import('../drivers/gnss/differences.js');
const { cutNmea } = await import('../drivers/gnss/frames.js');

const skip = { skip: noHost || (recordings.length > 0 ? false : 'real data absent on the host') };
/** A read a byte takes milliseconds where every instruction is translated. */
const BYTEWISE = RECEIVERS.filter((name) => (full ? name !== 'ublox-neo-m9n-nmea' : name === 'triton400'));
const PLAYED = 'ublox-neo-m9n-nmea';
type Difference = ReturnType<typeof compare>['differences'][number];

interface Heard {
  readonly rows: readonly Rows[];
  readonly frames: number;
  readonly reads: number;
}

/** The package serialport, the C framing and the driver on a real tty. With `size` 1 every byte waits until the last one was read. */
async function through(end: FarEnd, bytes: Uint8Array, size: number): Promise<Heard> {
  const framer = new CountingFramer();
  const port = await openLinuxSerial(end.device, gnss.baud!, framer, setup);
  try {
    const told = new Listener(port);
    await until('the line is open', () => told.states.length > 0 && told.states.at(-1) === undefined);
    const rows: Rows[] = [];
    const driver = gnss.create({ port, clock: realClock }, RECORDED_OPTIONS);
    const stop = await driver.stream!((row) => rows.push(row), assert.fail);
    for (let at = 0; at < bytes.length; at += size) {
      const read = framer.next();
      await end.say(bytes.subarray(at, at + size));
      if (size === 1) await read;
    }
    await until('all bytes through', () => port.counters.bytes === bytes.length);
    await stop();
    return { rows, frames: port.counters.frames, reads: framer.reads };
  } finally {
    await port.close();
  }
}

/** Each recording by itself: the same rows as without a line, and gpsd's fixes. */
async function replay(
  t: TestContext,
  end: FarEnd,
  receivers: readonly string[],
  size: number,
): Promise<Difference[]> {
  const all: Difference[] = [];
  for (const receiver of receivers) {
    const bytes = logBytes(receiver);
    const { frames } = cutNmea(bytes);
    const heard = await through(end, bytes, size);
    t.diagnostic(
      `${receiver}: ${bytes.length} bytes in ${heard.reads} reads, ${ourFixes(heard.rows).length} fixes`,
    );
    assert.equal(heard.frames, frames.length, receiver);
    assert.deepEqual(content(heard.rows), content(await rowsOf(frames)), `${receiver}: as without a line`);
    all.push(...compare(receiver, heard.rows).differences);
    if (size === 1) assert.equal(heard.reads, bytes.length, 'a read a byte');
  }
  assert.deepEqual(unexplained(all, DIFFERENCES), []);
  return all;
}

function content(rows: readonly Rows[]): unknown {
  return rows.map((row) => [row.stream, [...row.values], [...row.quality]]);
}

/** Made for one test, and unplugged after it, however it ends. */
async function endFor(t: TestContext, kind: Kind): Promise<FarEnd> {
  const end = await (kind === 'a 16550' ? uartEnd(host!) : usbEnd(host!, 'GNSS0001'));
  t.after(() => end.close());
  return end;
}
type Kind = 'a 16550' | 'a USB adapter';

for (const kind of ['a 16550', 'a USB adapter'] as const) {
  // 40 kB/s: the longest recording stays away from a 16550 in a short run.
  const all = RECEIVERS.filter((name) => full || kind === 'a USB adapter' || name !== PLAYED);
  test(`${kind}, 64 KiB at once: each fix is gpsd’s, or stands in the table`, skip, async (t) => {
    const differences = await replay(t, await endFor(t, kind), all, 65_536);
    assert.deepEqual(unneeded(differences, DIFFERENCES), []);
  });

  if (full || kind === 'a 16550')
    test(`${kind}, a byte at a time: the same`, skip, async (t) => {
      await replay(t, await endFor(t, kind), BYTEWISE, 1);
    });
}

/** Not what a tty has by itself, so that it shows who set it. */
const BAUD = 38_400;
/** A probe waits so much shorter than on a node. */
const HURRY = 4;

test('a wrong baud: bytes, no sentence, and the error says so', skip, async (t) => {
  for (const kind of full ? (['a 16550', 'a USB adapter'] as const) : (['a 16550'] as const)) {
    const end = await endFor(t, kind);
    for (const said of full ? [BAUD, 4800, 9600, 57_600, 115_200] : [BAUD, 9600, 115_200]) {
      const told = await probeAt(end, said);
      t.diagnostic(`${said} baud, heard at ${BAUD}: ${told}`);
      if (said === BAUD) assert.equal(told, 'GNSS receiver');
      else
        assert.match(
          told,
          /^wrongPart: .* [1-9]\d* bytes in .* at 38400 baud, but no NMEA sentence .*wrong baud/,
        );
    }
  }
});

/** What the driver makes of a receiver at a baud, on a board that says another: its model, or the error's kind and text. */
async function probeAt(end: FarEnd, said: number): Promise<string> {
  const attachment = { kind: 'serial', port: 'gps', baud: BAUD } as const;
  const config = nodeConfig([partConfig('gps', gnss, attachment)], {
    kind: 'linux',
    serial: { gps: { pins: [], device: end.device } },
  });
  const clock = { ...realClock, delay: (ms: number) => realClock.delay(ms / HURRY) };
  const board = await openBoardWith(config, { drivers: [gnss], twins: [] }, testDeps({ clock }));
  try {
    await until('the kernel has the baud', () => kernelBaud(end.device) === BAUD);
    const probe = board.parts[0]!.driver.probe().then(
      ({ model }) => model,
      ({ kind, message }: HalError) => `${kind}: ${message}`,
    );
    await sayBursts(end, logBytes('bu353s4').subarray(0, 600), { baud: { said, heard: BAUD } });
    return await probe;
  } finally {
    await board.close();
  }
}

/** Five bursts with pauses between them, as a receiver speaks. */
async function sayBursts(end: FarEnd, bytes: Uint8Array, cable: Cable): Promise<void> {
  for (let i = 0; i < 5; i++) {
    await end.say(bytes, cable);
    await sleep(100);
  }
}

/** What the host takes. */
const MAX_SEED = 2 ** 31;

/** One hit a sentence at most: a checksum of 8 bits finds each of them. Several in one it may miss: that rate is bounded, and told. */
const NOISE = [
  { how: 'single', probability: 0.5, mayPass: () => 0, frames: 18_000, longFrames: 1e6 },
  {
    how: 'each',
    probability: 1e-3,
    mayPass: (frames: number) => 2 + 1e-4 * frames,
    frames: 5000,
    longFrames: 1e5,
  },
] as const;

for (const noise of NOISE) {
  const name = noise.how === 'single' ? 'half of all sentences hit once' : 'every byte hit with 1e-3';
  test(`noise, ${name}: bad frames are refused, and whole ones come again after it`, skip, async (t) => {
    const end = await endFor(t, 'a USB adapter');
    const port = await openLinuxSerial(end.device, gnss.baud!, native.createFramer('nmea', 256), setup);
    t.after(() => port.close());
    const judge = new Judge(port, logBytes(PLAYED));
    await until('the line is open', () => judge.isOpen);
    const wanted = full ? noise.longFrames : noise.frames;
    while (judge.played < wanted)
      await judge.hear({
        how: noise.how,
        probability: noise.probability,
        seed: (seed * 100_000 + judge.played) % MAX_SEED,
      });
    const { frames, bad, bytes, played } = judge;
    t.diagnostic(`${bytes} bytes: ${frames} of ${played} frames accepted, ${bad} of them bad; seed ${seed}`);
    assert.ok(bad <= noise.mayPass(frames), `${bad} bad frames`);
    assert.ok(frames < played, 'there was noise');
    await judge.hear();
    // Half a sentence from before may swallow the first.
    assert.ok(judge.frames - frames >= judge.perPlay - 1, 'not resynchronised');
    assert.equal(judge.bad, bad);
  });
}

/** Plays a recording into a USB adapter, and holds every frame that comes out of the port against those that it has. */
class Judge {
  frames = 0;
  bad = 0;
  bytes = 0;
  played = 0;
  isOpen = false;
  readonly perPlay: number;

  constructor(
    private readonly port: SerialPort,
    wire: Uint8Array,
  ) {
    const sent = cutNmea(wire).frames.map(normal);
    const known = new Set(sent);
    this.perPlay = sent.length;
    port.listen(
      (frames) => {
        this.frames += frames.length;
        this.bad += frames.filter(({ bytes }) => !known.has(normal(bytes))).length;
      },
      (error) => {
        this.isOpen = !error;
      },
    );
  }

  /** Once, or with noise a few times: no more than the sockets on the way take. */
  async hear(noise?: { how: 'single' | 'each'; probability: number; seed: number }): Promise<void> {
    const times = noise ? 4 : 1;
    const damage = noise && { how: noise.how, probability: noise.probability, seed: noise.seed };
    const { bytes } = await host!.ask({
      do: 'play',
      line: 'usb0',
      recording: PLAYED,
      times,
      ...(damage && { damage }),
    });
    this.bytes += bytes;
    this.played += times * this.perPlay;
    await until('all that was played', () => this.port.counters.bytes === this.bytes);
  }
}

/** Hex digits of a checksum may be small: the same sentence. */
function normal(frame: Uint8Array): string {
  const text = Buffer.from(frame).toString('latin1');
  return text.slice(0, -2) + text.slice(-2).toUpperCase();
}
