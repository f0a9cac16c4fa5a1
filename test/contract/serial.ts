import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import {
  HalError,
  halErrorKind,
  type SerialFrame,
  type SerialFraming,
  type SerialPort,
} from '../../drivers/contract/index.js';

/** A port with a device on its other end that the test speaks for. Frames are lines of at most 80 bytes. */
export interface SerialFixture {
  readonly port: SerialPort;
  /** The device says these bytes, in writes of at most `chunk` bytes. */
  say(bytes: Uint8Array, chunk?: number): Promise<void>;
  /** What the device has heard so far. */
  heard(): Promise<string>;
  unplug(): Promise<void>;
  /** Comes back under the same stable path. */
  plug(): Promise<void>;
  close(): Promise<void>;
}

export const SERIAL_FRAMING: SerialFraming = { kind: 'line', maxBytes: 80 };
/** An emulated machine says how long its boot took; one of 4 s or less is as fast as it gets. */
const SLOWNESS = Math.max(1, Number(process.env.CAIRN_HIL_BOOT_S ?? 0) / 4);
const WAIT_MS = 15_000 * SLOWNESS;

/** Collects what a port tells. */
export class Listener {
  readonly frames: SerialFrame[] = [];
  readonly states: (Error | undefined)[] = [];
  readonly stop: () => void;

  constructor(port: SerialPort) {
    this.stop = port.listen(
      (frames) => this.frames.push(...frames),
      (error) => this.states.push(error),
    );
  }

  get texts(): string[] {
    return this.frames.map((frame) => Buffer.from(frame.bytes).toString('latin1'));
  }
}

/** Waits until something is so, at most 15 s; longer on a machine that is slow. */
export async function until(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
  for (const startMs = performance.now(); performance.now() - startMs < WAIT_MS; ) {
    if (await isSo()) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  assert.fail(`not within ${WAIT_MS} ms: ${what}`);
}

/** What every SerialPort does, whatever is behind it. `bulkBytes`: fewer on a line that takes long for a megabyte. */
export function serialContract(
  name: string,
  make: (t: TestContext) => Promise<SerialFixture>,
  { bulkBytes = 1_000_000 } = {},
): void {
  const run = (what: string, body: (fixture: SerialFixture, told: Listener) => Promise<void>) =>
    test(`${name}: ${what}`, async (t) => {
      const fixture = await make(t);
      const told = new Listener(fixture.port);
      try {
        await until('the line is open', () => told.states.length > 0 && told.states.at(-1) === undefined);
        await body(fixture, told);
      } finally {
        await fixture.close();
      }
    });

  for (const chunk of [1, 7, 65_536]) {
    run(`frames are whole, cut or merged to chunks of ${chunk} bytes`, async ({ say }, told) => {
      const lines = Array.from({ length: chunk < 64 ? 20 * chunk : 1500 }, (_, i) => `reading ${i} of many`);
      await say(Buffer.from(`${lines.join('\r\n')}\r\n`), chunk);
      await until('all frames', () => told.frames.length >= lines.length);
      assert.deepEqual(told.texts, lines);
      const times = told.frames.map((frame) => frame.timeNs);
      assert.ok(times.every((timeNs, i) => i === 0 || timeNs >= times[i - 1]!));
    });
  }

  run('every byte, frame and dropped frame is counted', async ({ port, say }, told) => {
    const garbage = `${'x'.repeat(200)}\n`;
    await say(Buffer.from(`one\n${garbage}two\n`));
    await until('two frames', () => told.frames.length === 2);
    assert.deepEqual(told.texts, ['one', 'two']);
    const { bytes, frames, tooLong, badChecksum, reopens } = port.counters;
    assert.deepEqual([bytes, frames, tooLong, badChecksum, reopens], [4 + 201 + 4, 2, 1, 0, 0]);
  });

  run(`${bulkBytes} bytes without an end are dropped, bounded and counted`, async ({ port, say }, told) => {
    await say(Buffer.alloc(bulkBytes, 0x55), 65_536);
    await say(Buffer.from('\nafter\n'));
    await until('the frame after it', () => told.texts.includes('after'));
    assert.equal(told.frames.length, 1);
    assert.equal(port.counters.bytes, bulkBytes + 7);
    assert.equal(port.counters.tooLong, 1);
  });

  run('what is written is heard, up to 4096 bytes', async ({ port, heard }) => {
    await port.write(Buffer.from('hello\n'));
    await until('heard', async () => (await heard()) === 'hello\n');
    await assert.rejects(port.write(new Uint8Array(4097)), { kind: 'invalid' });
  });

  run(
    'unplugged is told once, and writes fail; plugged in again it goes on by itself',
    async (fixture, told) => {
      const { port, say, unplug, plug } = fixture;
      for (let round = 1; round <= 2; round++) {
        await say(Buffer.from(`before ${round}\nhalf a fra`));
        await until('the frame before', () => told.texts.includes(`before ${round}`));
        await until('the half frame', () => port.counters.bytes >= 19 * round);
        await unplug();
        await until('told that it is gone', () => told.states.at(-1) instanceof HalError);
        assert.equal(halErrorKind(told.states.at(-1)), 'disconnected');
        assert.equal(await port.write(Buffer.from('x')).catch(halErrorKind), 'disconnected');
        await plug();
        await until('open again', () => told.states.at(-1) === undefined);
        assert.equal(port.counters.reopens, round);
        await say(Buffer.from(`after ${round}\n`));
        await until('a frame after, not glued to the half one', () => told.texts.includes(`after ${round}`));
      }
    },
  );

  run('only the last listener is told, and none after it stopped', async ({ port, say }, first) => {
    const second = new Listener(port);
    await until('the state', () => second.states.length === 1);
    await say(Buffer.from('a\n'));
    await until('the frame', () => second.frames.length === 1);
    second.stop();
    first.stop(); // an old listener's stop does not stop another
    const third = new Listener(port);
    second.stop();
    await say(Buffer.from('b\n'));
    await until('the frame', () => third.frames.length === 1);
    assert.deepEqual([first.texts, second.texts, third.texts], [[], ['a'], ['b']]);
  });
}
