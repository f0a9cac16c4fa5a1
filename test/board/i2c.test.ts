import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterBy } from '../../runtime/board/deps.js';
import { QueuedI2cBus, type RawI2c } from '../../runtime/board/i2c-queue.js';
import { openBusNumber } from '../../runtime/board/linux-i2c.js';
import { TwinI2c } from '../../runtime/board/twin-i2c.js';
import { serveTwins } from '../../runtime/board/twin-server.js';
import { SocketI2c } from '../../runtime/board/twin-socket.js';
import { createWorld } from '../../runtime/board/world.js';
import { type I2cFixture, i2cContract } from '../contract/i2c.js';
import { FakeI2cBus } from './fake-i2c-bus.js';
import { MemoryTwin, realClock } from './fixture.js';

const after = afterBy(realClock);
const random = () => 0.5;
const TIMEOUT_MS = 150;
const worldAt = createWorld(1, 0n);
const world = () => worldAt(realClock.nowNs());

function fixture(raw: RawI2c, twin: MemoryTwin, more: Partial<I2cFixture> = {}): I2cFixture {
  const bus = new QueuedI2cBus('i2c-9', raw, TIMEOUT_MS, after);
  return {
    bus,
    present: 0x40,
    absent: 0x41,
    timeoutMs: TIMEOUT_MS,
    stretch: async (ms) => {
      twin.faults.stretchMs = ms;
    },
    close: () => bus.close(),
    ...more,
  };
}

i2cContract('twin bus', async () => {
  const twin = new MemoryTwin();
  return fixture(new TwinI2c({ name: 'i2c-9', twins: new Map([[0x40, twin]]), world, random, after }), twin);
});

i2cContract('twin bus of another process, over its socket', async () => {
  const twin = new MemoryTwin();
  const folder = await mkdtemp(join(tmpdir(), 'cairn-twins-'));
  const path = join(folder, 'bus');
  const server = await serveTwins(path, new Map([[0x40, twin]]), world, { random, clock: realClock });
  const made = fixture(new SocketI2c('i2c-9', path), twin);
  return {
    ...made,
    async close() {
      await made.close();
      await server.close();
      await rm(folder, { recursive: true });
    },
  };
});

i2cContract('linux bus over a package i2c-bus that works', async () => {
  const twin = new MemoryTwin();
  const fake = new FakeI2cBus(new Map([[0x40, twin]]));
  return fixture(await openBusNumber('i2c-9', 9, fake), twin);
});
