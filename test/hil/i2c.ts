import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { type TestContext, test } from 'node:test';
import { HalError, type I2cTwin } from '../../drivers/contract/index.js';
import { Wires } from '../../hil/i2c-adapter/wires.js';
import { QueuedI2cBus } from '../../runtime/board/i2c-queue.js';
import { openLinuxI2c } from '../../runtime/board/linux-i2c.js';
import { createWorld } from '../../runtime/board/world.js';
import { MemoryTwin, realClock } from '../board/fixture.js';
import { i2cContract } from '../contract/i2c.js';
import { needs, rig, setup, sleep } from './rig.js';
import { TwinProcess } from './twin-process.js';
import { serveTwinsOnAdapter } from './twins-on-adapter.js';

needs('buses.main.twins', 'buses.second.twins');
/** Below the adapter's own bound of 1 s, and longer than a transfer takes whose server shares a slow machine with its client. */
const TIMEOUT_MS = 400;
/** Longer than the kernel's own bound of a transfer: what it says comes first. */
const PATIENT_MS = 5_000;
/** The module's. */
const KERNEL_BOUND_MS = 1_000;
const { device, twins: server } = rig.bus();
const busNumber = Number(/\d+$/.exec(device)![0]);
const worldAt = createWorld(1, 0n);
const world = () => worldAt(realClock.nowNs());
const wires = new Wires(server!);

async function openBus(timeoutMs = PATIENT_MS, path = device) {
  return new QueuedI2cBus('i2c-9', await openLinuxI2c('i2c-9', path, setup), timeoutMs, setup.after);
}

/** A bus with these parts on it, until the test is over. */
async function busWith(t: TestContext, parts: Readonly<Record<number, I2cTwin>>, timeoutMs?: number) {
  const twins = new Map(Object.entries(parts).map(([address, twin]) => [Number(address), twin]));
  const stop = serveTwinsOnAdapter(twins, world);
  const bus = await openBus(timeoutMs);
  t.after(async () => {
    await bus.close();
    stop();
  });
  return bus;
}

async function failure(call: Promise<unknown>): Promise<HalError> {
  const error = await call.then(
    () => assert.fail('no error'),
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof HalError);
  return error;
}

i2cContract('a bus of a real kernel by i2c-bus', async () => {
  const twin = new MemoryTwin();
  const stop = serveTwinsOnAdapter(new Map([[0x40, twin]]), world);
  const bus = await openBus(TIMEOUT_MS);
  return {
    bus,
    present: 0x40,
    absent: 0x41,
    timeoutMs: TIMEOUT_MS,
    stretch: async (ms) => {
      twin.faults.stretchMs = ms;
    },
    async close() {
      await bus.close();
      stop();
    },
  };
});

test('SMBus bytes, words and blocks, a block with the length that the part gives', async (t) => {
  const twin = new MemoryTwin();
  await busWith(t, { 64: twin });
  const { openPromisified } = createRequire(import.meta.url)('i2c-bus') as SmbusModule;
  const bus = await openPromisified(busNumber);
  t.after(() => bus.close());
  await bus.writeByte(0x40, 0x10, 0xa5);
  assert.equal(await bus.readByte(0x40, 0x10), 0xa5);
  await bus.writeWord(0x40, 0x20, 0x1234); // SMBus 3.1, §6.5.4: the low byte first
  assert.deepEqual([...twin.memory.subarray(0x20, 0x22)], [0x34, 0x12]);
  assert.equal(await bus.readWord(0x40, 0x20), 0x1234);
  for (const length of [1, 5, 32]) {
    const bytes = Uint8Array.from({ length }, (_, i) => 7 * i + length);
    twin.memory.set([length, ...bytes], 0x30);
    const { bytesRead, buffer } = await bus.readBlock(0x40, 0x30, Buffer.alloc(32));
    assert.equal(bytesRead, length);
    assert.deepEqual(new Uint8Array(buffer.subarray(0, bytesRead)), bytes);
  }
  twin.memory[0x30] = 33; // longer than any block: the kernel refuses it, and goes on
  await assert.rejects(bus.readBlock(0x40, 0x30, Buffer.alloc(32)), { code: 'EPROTO' });
  assert.equal(await bus.readByte(0x40, 0x10), 0xa5);
});

interface SmbusModule {
  openPromisified(busNumber: number): Promise<{
    readByte(address: number, register: number): Promise<number>;
    writeByte(address: number, register: number, byte: number): Promise<void>;
    readWord(address: number, register: number): Promise<number>;
    writeWord(address: number, register: number, word: number): Promise<void>;
    readBlock(address: number, register: number, to: Buffer): Promise<{ bytesRead: number; buffer: Buffer }>;
    close(): Promise<void>;
  }>;
}

/** A memory whose registers from 0x80 on refuse to be written. */
class Refusing extends MemoryTwin {
  override write(bytes: Uint8Array): void {
    if (bytes[0]! >= 0x80) throw new HalError('noAcknowledge', 'twin', 'refused');
    super.write(bytes);
  }
}

test('a NACK on the address and one on a byte: bus, address, errno and what to do', async (t) => {
  const bus = await busWith(t, { 64: new Refusing() });
  assert.equal((await bus.readRegisters(0x40, 0, 1)).length, 1);
  const address = await failure(bus.readRegisters(0x41, 0, 1));
  assert.equal(address.kind, 'noAcknowledge');
  assert.match(address.message, /^i2c-9 0x41: nobody acknowledged the address \[ENXIO\] \(check its wires/);
  const data = await failure(bus.writeRegisters(0x40, 0x80, Uint8Array.of(1)));
  assert.equal(data.kind, 'noAcknowledge');
  assert.match(data.message, /^i2c-9 0x40: nobody acknowledged .* a byte \[EREMOTEIO\] \(check its wires/);
  assert.equal((await bus.readRegisters(0x40, 0, 1)).length, 1);
});

test('a slow part is good; one that never answers is given up by the kernel, and good when it does again', async (t) => {
  const twin = new MemoryTwin();
  const bus = await busWith(t, { 64: twin });
  twin.memory[3] = 33;
  twin.faults.stretchMs = 300;
  assert.deepEqual(await bus.readRegisters(0x40, 3, 1), Uint8Array.of(33));
  twin.faults.stretchMs = 2 * KERNEL_BOUND_MS;
  const startMs = performance.now();
  const error = await failure(bus.readRegisters(0x40, 3, 1));
  const tookMs = performance.now() - startMs;
  assert.equal(error.kind, 'timeout');
  assert.match(
    error.message,
    /^i2c-9 0x40: the adapter gave the transfer up \[ETIMEDOUT\] \(a part may hold/,
  );
  assert.ok(tookMs > 0.95 * KERNEL_BOUND_MS && tookMs < 1.9 * KERNEL_BOUND_MS, `given up after ${tookMs} ms`);
  twin.faults.stretchMs = 0;
  assert.deepEqual(await bus.readRegisters(0x40, 3, 1), Uint8Array.of(33));
  await sleep(1.5 * KERNEL_BOUND_MS); // the late answer is nobody's
  assert.deepEqual(await bus.readRegisters(0x40, 3, 1), Uint8Array.of(33));
});

test('a brown-out: the part answers with what it starts with', async (t) => {
  const twin = new MemoryTwin();
  const bus = await busWith(t, { 64: twin });
  await bus.writeRegisters(0x40, 1, Uint8Array.of(77));
  twin.powerCycle();
  assert.deepEqual(await bus.readRegisters(0x40, 1, 1), Uint8Array.of(0));
});

test('a bus whose parts all vanish says that nobody acknowledges, and is good when they return', async () => {
  const twins = new Map([[0x40, new MemoryTwin()]]);
  const bus = await openBus();
  await assert.rejects(bus.readRegisters(0x40, 0, 1), { kind: 'noAcknowledge' });
  const stop = serveTwinsOnAdapter(twins, world);
  assert.equal((await bus.readRegisters(0x40, 0, 1)).length, 1);
  stop();
  await assert.rejects(bus.readRegisters(0x40, 0, 1), { kind: 'noAcknowledge' });
  const stopAgain = serveTwinsOnAdapter(twins, world);
  assert.equal((await bus.readRegisters(0x40, 0, 1)).length, 1);
  await bus.close();
  stopAgain();
});

/** What the controller did meanwhile. */
async function seenDuring(act: () => Promise<unknown>) {
  const before = wires.seen;
  await act();
  const { recoveries, clocks, stops } = wires.seen;
  return {
    recoveries: recoveries - before.recoveries,
    clocks: clocks - before.clocks,
    stops: stops - before.stops,
  };
}

test('SDA held low: the kernel clocks it free with 9 clocks and a STOP, and the transfer goes on', async (t) => {
  const bus = await busWith(t, { 64: new MemoryTwin() });
  for (const clocks of [1, 9]) {
    wires.holdSda(clocks);
    const seen = await seenDuring(() => bus.readRegisters(0x40, 0, 1));
    assert.deepEqual(seen, { recoveries: 1, clocks, stops: 1 });
  }
  assert.deepEqual(await seenDuring(() => bus.readRegisters(0x40, 0, 1)), {
    recoveries: 0,
    clocks: 0,
    stops: 0,
  });
});

test('SDA held longer: busStuck after 9 clocks, and the next transfer goes on clocking', async (t) => {
  const bus = await busWith(t, { 64: new MemoryTwin() });
  wires.holdSda(12);
  let error: HalError | undefined;
  const first = await seenDuring(async () => {
    error = await failure(bus.readRegisters(0x40, 0, 1));
  });
  assert.deepEqual(first, { recoveries: 1, clocks: 9, stops: 0 });
  assert.equal(error?.kind, 'busStuck');
  assert.match(error.message, /^i2c-9 0x40: the bus never fell idle: .*\[EBUSY\] \(cut the supply/);
  const second = await seenDuring(() => bus.readRegisters(0x40, 0, 1));
  assert.deepEqual(second, { recoveries: 1, clocks: 3, stops: 1 });
});

test('SCL held low: each transfer ends in time, the third says that the bus is stuck; another bus goes on', async (t) => {
  const bus = await busWith(t, { 64: new MemoryTwin() });
  const far = rig.bus('second');
  const stopFar = serveTwinsOnAdapter(new Map([[0x40, new MemoryTwin()]]), world, far.twins);
  const farBus = await openBus(PATIENT_MS, far.device);
  t.after(async () => {
    wires.holdScl(false);
    await farBus.close();
    stopFar();
  });
  await farBus.readRegisters(0x40, 0, 1);
  wires.holdScl(true);
  const seen = await seenDuring(async () => {
    for (const kind of ['timeout', 'timeout', 'busStuck']) {
      const startMs = performance.now();
      let hasEnded = false;
      const held = failure(bus.readRegisters(0x40, 0, 1)).finally(() => {
        hasEnded = true;
      });
      await farBus.readRegisters(0x40, 0, 1);
      assert.ok(!hasEnded, 'the other bus waited');
      assert.equal((await held).kind, kind);
      assert.ok(performance.now() - startMs < 3 * KERNEL_BOUND_MS, 'longer than the bound');
    }
  });
  assert.deepEqual(seen, { recoveries: 0, clocks: 0, stops: 0 });
  const waiting = bus.readRegisters(0x40, 0, 1);
  await sleep(200);
  wires.holdScl(false);
  assert.equal((await waiting).length, 1, 'a clock that is let go within the bound');
});

test('an address that a kernel driver holds is busy, and the driver is named; when it is unbound, it is free', async (t) => {
  const twin = new MemoryTwin();
  const bus = await busWith(t, { 72: twin, 64: new MemoryTwin() });
  const adapter = `/sys/bus/i2c/devices/i2c-${busNumber}`;
  // By libuv's pool: the driver's probe waits for an answer of this very process.
  await writeFile(`${adapter}/new_device`, 'lm75 0x48');
  const error = await failure(bus.readRegisters(0x48, 0, 2));
  assert.equal(error.kind, 'busy');
  assert.match(
    error.message,
    /^i2c-9 0x48: the kernel driver "lm75" holds this address \[EBUSY\] \(.*unbind/,
  );
  assert.equal((await bus.readRegisters(0x40, 0, 1)).length, 1);
  // LM75, §7.3.1: 0.5 °C in the upper 9 bits; 25.5 °C.
  twin.memory.set([0x19, 0x80], 0);
  const hwmon = `${adapter}/${busNumber}-0048/hwmon`;
  const [name] = readdirSync(hwmon);
  await until(async () => (await readFile(`${hwmon}/${name}/temp1_input`, 'utf8')).trim() === '25500');
  await writeFile(`${adapter}/delete_device`, '0x48');
  assert.equal((await bus.readRegisters(0x48, 0, 2))[0], 0x19);
});

async function until(isSo: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 30; tries++) {
    if (await isSo()) return;
    await sleep(100);
  }
  assert.fail('not within 3 s');
}

test('twins of another process: killed in the middle of a transfer, it ends at once; others take their place', async (t) => {
  const spec = { server: server!, parts: [{ driver: 'memory', address: 0x40 }], seed: 1, worldSeed: 1 };
  const first = await TwinProcess.start(spec);
  const bus = await openBus();
  t.after(() => bus.close());
  assert.equal((await bus.readRegisters(0x40, 0, 1)).length, 1);
  await first.set(0x40, { stretchMs: 60_000 });
  const startMs = performance.now();
  const cut = failure(bus.readRegisters(0x40, 0, 1));
  await sleep(200);
  await first.kill();
  assert.equal((await cut).kind, 'noAcknowledge');
  assert.ok(performance.now() - startMs < 0.9 * KERNEL_BOUND_MS, 'it waited for its bound');
  const second = await TwinProcess.start(spec);
  t.after(() => second.kill());
  assert.equal((await bus.readRegisters(0x40, 0, 1)).length, 1);
  const tainted = Number(readFileSync('/proc/sys/kernel/tainted', 'utf8'));
  assert.equal(tainted & KERNEL_TROUBLE, 0, `the kernel says that it is in trouble: tainted ${tainted}`);
});

/** Of /proc/sys/kernel/tainted: a bad page, a fault, a warning, a lockup (Documentation/admin-guide/tainted-kernels.rst). */
const KERNEL_TROUBLE = (1 << 5) | (1 << 7) | (1 << 9) | (1 << 14);

test('transfers a second', async (t) => {
  const bus = await busWith(t, { 64: new MemoryTwin() });
  const tookMs: number[] = [];
  for (let i = 0; i < 200; i++) {
    const startMs = performance.now();
    await bus.readRegisters(0x40, 0, 6);
    tookMs.push(performance.now() - startMs);
  }
  tookMs.sort((a, b) => a - b);
  const [median, p99, longest] = [tookMs[100]!, tookMs[197]!, tookMs[199]!].map((ms) => ms.toFixed(1));
  t.diagnostic(`a register read: median ${median} ms, p99 ${p99} ms, longest ${longest} ms of 200`);
});
