import assert from 'node:assert/strict';
import { test } from 'node:test';
import { afterBy } from '../../runtime/board/deps.js';
import { QueuedI2cBus, type RawI2c } from '../../runtime/board/i2c-queue.js';
import { SimClock } from '../support/sim-clock.js';

/** A bus whose transfers end when the test says so, as a stuck call in libuv's pool does. */
class HeldBus implements RawI2c {
  readonly sent: number[] = [];
  closed = false;
  ends: (() => void)[] = [];

  transfer(address: number): Promise<Uint8Array> {
    this.sent.push(address);
    return new Promise((resolve) => this.ends.push(() => resolve(new Uint8Array(1))));
  }

  async recover(): Promise<boolean> {
    return true;
  }

  async close(): Promise<void> {
    this.closed = true;
  }
}

function bench() {
  const clock = new SimClock();
  const raw = new HeldBus();
  return { clock, raw, bus: new QueuedI2cBus('i2c-1', raw, 100, afterBy(clock)) };
}

test('no second transfer is sent while one hangs, however long; the first after it comes back is', async () => {
  const { clock, raw, bus } = bench();
  const hung = assert.rejects(bus.read(0x10, 1), { kind: 'timeout', where: 'i2c-1 0x10' });
  const queued = assert.rejects(bus.read(0x11, 1), { kind: 'busy', where: 'i2c-1 0x11' });
  await clock.advance(100);
  await hung;
  await queued;
  for (let hour = 0; hour < 5; hour++) {
    await clock.advance(3_600_000);
    await assert.rejects(bus.read(0x12, 1), { kind: 'busy' });
    await assert.rejects(bus.read(0x10, 1), { kind: 'timeout' });
    assert.equal(await bus.recover(), false);
  }
  assert.deepEqual(raw.sent, [0x10]);
  raw.ends[0]!();
  await clock.advance(0);
  const good = bus.read(0x13, 1);
  await clock.advance(0);
  raw.ends[1]!();
  assert.equal((await good).length, 1);
  assert.deepEqual(raw.sent, [0x10, 0x13]);
  assert.equal(clock.timers, 0, 'a done transfer leaves no timer');
});

test('closing waits no longer than the bound; a bus that hangs is closed when it comes back', async () => {
  const { clock, raw, bus } = bench();
  const hung = assert.rejects(bus.read(0x10, 1), { kind: 'timeout' });
  await clock.advance(0);
  const closing = bus.close();
  await clock.advance(100);
  await hung;
  await closing;
  assert.equal(raw.closed, false, 'its descriptor is in use');
  raw.ends[0]!();
  await clock.advance(0);
  assert.equal(raw.closed, true);
});

test('a bus that gives fewer bytes than asked for is an error, never a short answer', async () => {
  const { clock, raw, bus } = bench();
  const short = assert.rejects(bus.read(0x10, 2), { kind: 'io' });
  await clock.advance(0);
  raw.ends[0]!();
  await short;
});
