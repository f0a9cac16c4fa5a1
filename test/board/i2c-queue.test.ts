import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type GpioLine, HalError } from '../../drivers/contract/index.js';
import { afterBy } from '../../runtime/board/deps.js';
import { QueuedI2cBus, type RawI2c } from '../../runtime/board/i2c-queue.js';
import { Supply } from '../../runtime/board/i2c-supply.js';
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

/** A bus that is freed, or not, as the test says; its transfers fail with what the test set. */
class FailingBus implements RawI2c {
  error: HalError | undefined;
  recoveries = 0;
  isFreed = false;

  async transfer(): Promise<Uint8Array> {
    if (this.error) throw this.error;
    return new Uint8Array(1);
  }

  async recover(): Promise<boolean> {
    this.recoveries++;
    return this.isFreed;
  }

  async close(): Promise<void> {
    this.error = undefined;
  }
}

function supplied() {
  const clock = new SimClock();
  const raw = new FailingBus();
  const levels: [number, number][] = [];
  let isOpen = true;
  const line = {
    where: 'gpiochip0 23 (GPIO23)',
    write: async (level: 0 | 1) => {
      levels.push([Math.round(Number(clock.nowNs() - 1_000_000_000n) / 1e6), level]);
    },
    close: async () => {
      isOpen = false;
    },
  } as unknown as GpioLine;
  const log: string[] = [];
  const supply = new Supply(line, afterBy(clock), (text) => log.push(text));
  const bus = new QueuedI2cBus('i2c-1', raw, 100, afterBy(clock), supply);
  return { clock, raw, bus, levels, log, isOpen: () => isOpen };
}

test('where no transfer ends any more, it is the bus that is stuck; one that ends, well or not, starts the count anew', async () => {
  const { raw, bus } = supplied();
  const fails = (kind: string, address = 0x10) => assert.rejects(bus.read(address, 1), { kind });
  raw.error = new HalError('timeout', 'i2c-1 0x10', 'gave up');
  await fails('timeout');
  await fails('timeout', 0x11);
  raw.error = new HalError('noAcknowledge', 'i2c-1 0x10', 'nobody');
  await fails('noAcknowledge');
  raw.error = new HalError('timeout', 'i2c-1 0x10', 'gave up');
  await fails('timeout');
  await fails('timeout', 0x12);
  await assert.rejects(bus.read(0x11, 1), { kind: 'busStuck', where: 'i2c-1 0x11' });
  await fails('busStuck', 0x12);
  raw.error = undefined;
  await bus.read(0x10, 1);
  raw.error = new HalError('timeout', 'i2c-1 0x10', 'gave up');
  await fails('timeout');
});

test('a stuck bus: the supply is cut once where clocks do not help, for all parts that ask, and not again for half a minute', async () => {
  const { clock, raw, bus, levels, log, isOpen } = supplied();
  const asked = Promise.all([bus.recover(), bus.recover()]);
  const waiting = bus.read(0x10, 1);
  await clock.advance(700);
  assert.deepEqual(await asked, [true, true]);
  await waiting;
  assert.deepEqual(levels, [
    [0, 0],
    [500, 1],
  ]);
  assert.match(log.join(), /gpiochip0 23 \(GPIO23\): cutting the supply for 500 ms/);
  assert.equal(await bus.recover(), false);
  await clock.advance(30_000);
  const again = bus.recover();
  await clock.advance(700);
  assert.equal(await again, true);
  assert.equal(levels.length, 4);
  raw.isFreed = true;
  assert.equal(await bus.recover(), true, 'clocks helped');
  assert.equal(levels.length, 4);
  await bus.close();
  assert.equal(isOpen(), false);
  assert.equal(clock.timers, 0);
});

test('a transfer that hangs in the kernel does not keep the supply from being cut', async () => {
  const { clock, raw, bus, levels } = supplied();
  raw.transfer = () => new Promise(() => undefined);
  const hung = assert.rejects(bus.read(0x10, 1), { kind: 'timeout' });
  await clock.advance(100);
  await hung;
  const asked = bus.recover();
  await clock.advance(700);
  assert.equal(await asked, true);
  assert.equal(raw.recoveries, 0, 'no second call beside the one that hangs');
  assert.equal(levels.length, 2);
});
