import assert from 'node:assert/strict';
import { test } from 'node:test';
import { QueuedI2cBus } from '../../runtime/board/i2c-queue.js';
import { openLinuxI2c } from '../../runtime/board/linux-i2c.js';
import { createWorld } from '../../runtime/board/world.js';
import { MemoryTwin, realClock } from '../board/fixture.js';
import { i2cContract } from '../contract/i2c.js';
import { needs, rig, setup } from './rig.js';
import { serveTwinsOnAdapter } from './twins-on-adapter.js';

const TIMEOUT_MS = 150;
needs('buses.main.twins');
const { device } = rig.bus();
const worldAt = createWorld(1, 0n);
const world = () => worldAt(realClock.nowNs());

async function openBus(timeoutMs = TIMEOUT_MS) {
  return new QueuedI2cBus('i2c-9', await openLinuxI2c('i2c-9', device, setup), timeoutMs, setup.after);
}

i2cContract('a bus of a real kernel by i2c-bus', async () => {
  const twin = new MemoryTwin();
  const stop = serveTwinsOnAdapter(new Map([[0x40, twin]]), world);
  const bus = await openBus();
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

test('transfers a second', async (t) => {
  const stop = serveTwinsOnAdapter(new Map([[0x40, new MemoryTwin()]]), world);
  const bus = await openBus(5000); // the kernel's own bound, 1 s, comes first: a request that is never seen fails here
  const tookMs: number[] = [];
  try {
    for (let i = 0; i < 200; i++) {
      const startMs = performance.now();
      await bus.readRegisters(0x40, 0, 6);
      tookMs.push(performance.now() - startMs);
    }
  } finally {
    await bus.close();
    stop();
  }
  tookMs.sort((a, b) => a - b);
  const [median, p99, longest] = [tookMs[100]!, tookMs[197]!, tookMs[199]!].map((ms) => ms.toFixed(1));
  t.diagnostic(`a register read: median ${median} ms, p99 ${p99} ms, longest ${longest} ms of 200`);
});
