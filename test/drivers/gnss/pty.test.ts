import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { Rows, SerialCounters, SerialFrame, SerialPort } from '../../../drivers/contract/index.js';
import { gnss } from '../../../drivers/gnss/driver.js';
import { completeDeps } from '../../../runtime/board/deps.js';
import { openLinuxSerial } from '../../../runtime/board/linux-serial.js';
import { realClock, testDeps } from '../../board/fixture.js';
import { noSocat, Pty } from '../../board/pty.js';
import { until } from '../../contract/serial.js';
import { CountingFramer } from './counting-framer.js';
import { DIFFERENCES } from './differences.js';
import { cutNmea } from './frames.js';
import {
  captureBytes,
  compare,
  type Difference,
  logBytes,
  ourFixes,
  RECEIVERS,
  RECORDED_OPTIONS,
  type Receiver,
  rowsOf,
  skipWithoutRealData,
  unexplained,
  unneeded,
} from './gpsd.js';

/** The package serialport, the C framing and the driver on one end of a pty, a recorded receiver on the other. */
const skip = { skip: skipWithoutRealData.skip || noSocat, timeout: 200_000 };

/** A recording as long as that goes in pieces of seven bytes where others go byte by byte. */
const LONG_BYTES = 20_000;

interface Heard {
  readonly rows: readonly Rows[];
  readonly counters: SerialCounters;
  /** Reads that brought bytes. */
  readonly chunks: number;
}

async function throughPty(t: TestContext, bytes: Uint8Array, size: number): Promise<Heard> {
  const pty = await Pty.make();
  const framer = new CountingFramer();
  const line = await openLinuxSerial(pty.link, gnss.baud!, framer, completeDeps(testDeps()));
  t.after(async () => {
    await line.close();
    await pty.close();
  });
  const port = new WatchedPort(line);
  const rows: Rows[] = [];
  const driver = gnss.create({ port, clock: realClock }, RECORDED_OPTIONS);
  const stop = await driver.stream!((row) => rows.push(row), assert.fail);
  await until('the line is open', () => port.isOpen);
  for (let at = 0; at < bytes.length; at += size) {
    const read = size < 64 ? framer.next() : undefined; // else the pty joins them again
    await pty.say(bytes.subarray(at, at + size));
    await read;
  }
  await until('all bytes through', () => port.counters.bytes === bytes.length);
  await stop();
  return { rows, counters: { ...port.counters }, chunks: framer.reads };
}

/** The same port; says whether the line is open. */
class WatchedPort implements SerialPort {
  readonly where;
  isOpen = false;

  constructor(private readonly port: SerialPort) {
    this.where = port.where;
  }

  get counters() {
    return this.port.counters;
  }

  write(bytes: Uint8Array): Promise<void> {
    return this.port.write(bytes);
  }

  listen(
    onFrames: (frames: readonly SerialFrame[]) => void,
    onState: (error: Error | undefined) => void,
  ): () => void {
    return this.port.listen(onFrames, (error) => {
      this.isOpen = error === undefined;
      onState(error);
    });
  }

  close(): Promise<void> {
    return this.port.close();
  }
}

for (const [name, size] of [
  ['byte by byte, a long recording by sevens', 1],
  ['in chunks of 64 KiB', 65_536],
] as const) {
  test(`through a pty ${name}: each fix is gpsd’s, or stands in the table`, skip, async (t) => {
    const all: Difference[] = [];
    const replay = async (receiver: Receiver) => {
      const bytes = logBytes(receiver);
      const piece = size === 1 && bytes.length > LONG_BYTES ? 7 : size;
      const { rows, counters, chunks } = await throughPty(t, bytes, piece);
      all.push(...compare(receiver, rows).differences);
      assert.equal(counters.frames, cutNmea(bytes).frames.length, receiver);
      if (piece === 1) assert.equal(chunks, bytes.length, `${receiver}: a read a byte`);
      if (piece === 7) assert.ok(chunks >= bytes.length / 7, `${receiver}: ${chunks} reads`);
      t.diagnostic(
        `${receiver}: ${bytes.length} bytes in ${chunks} reads, ${counters.badChecksum} bad checksums`,
      );
    };
    await Promise.all(RECEIVERS.map(replay));
    assert.deepEqual(unexplained(all, DIFFERENCES), []);
    assert.deepEqual(unneeded(all, DIFFERENCES), []);
  });

  test(`through a pty ${name}: the MTK3339 capture gives the same rows`, skip, async (t) => {
    const { rows } = await throughPty(t, captureBytes(), size);
    const expected = ourFixes(await rowsOf(cutNmea(captureBytes()).frames));
    assert.equal(expected.length, 5);
    assert.deepEqual(ourFixes(rows), expected);
  });
}
