import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { HalError } from '../../drivers/contract/index.js';
import { afterBy } from '../../runtime/board/deps.js';
import { QueuedI2cBus } from '../../runtime/board/i2c-queue.js';
import { loadI2cBus, openBusNumber, openLinuxI2c } from '../../runtime/board/linux-i2c.js';
import { FakeI2cBus } from './fake-i2c-bus.js';
import { MemoryTwin, realClock } from './fixture.js';

const loaders = {
  i2cBus: () => import('i2c-bus' as string) as Promise<unknown>,
  onoff: () => Promise.reject(new Error('unused')),
  serialport: () => Promise.reject(new Error('unused')),
};

/** Nothing here takes that long: it is for a process that a busy machine keeps waiting. */
const TIMEOUT_MS = 5_000;

async function failingWith(code: string, call = 'transfer') {
  const fake = new FakeI2cBus(new Map([[0x40, new MemoryTwin()]]));
  const bus = new QueuedI2cBus(
    'i2c-1',
    await openBusNumber('i2c-1', 1, fake),
    TIMEOUT_MS,
    afterBy(realClock),
  );
  fake.failures = [code];
  fake.failingCall = call;
  const error = await bus.readRegisters(0x40, 0, 1).then(
    () => undefined,
    (e: unknown) => e,
  );
  return { bus, fake, error };
}

// Documentation/i2c/fault-codes.rst of the kernel, and EREMOTEIO as bcm2835, designware and others give it for a NACK.
const MEANINGS = {
  ENXIO: 'noAcknowledge',
  EREMOTEIO: 'noAcknowledge',
  ETIMEDOUT: 'timeout',
  EBUSY: 'busStuck',
  EACCES: 'denied',
  EPERM: 'denied',
  ENOENT: 'absent',
  ENODEV: 'disconnected',
  EAGAIN: 'arbitrationLost',
  EOPNOTSUPP: 'unsupported',
  EIO: 'io',
};

for (const [code, kind] of Object.entries(MEANINGS)) {
  test(`errno ${code} of a transfer is ${kind}`, async () => {
    const { bus, error } = await failingWith(code);
    assert.ok(error instanceof HalError);
    assert.equal(error.kind, kind);
    assert.equal(error.where, 'i2c-1 0x40');
    if (kind !== 'io') assert.match(error.message, new RegExp(`\\[${code}\\]`));
    assert.equal((await bus.readRegisters(0x40, 0, 1)).length, 1, 'the next transfer is good');
    await bus.close();
  });
}

test('after a failed first call to an address the bus is opened anew; after a later failure it is not', async () => {
  const { bus, fake } = await failingWith('EREMOTEIO');
  assert.deepEqual([fake.opened, fake.closed], [2, 1]);
  await bus.readRegisters(0x40, 0, 1);
  fake.failures = ['EREMOTEIO'];
  await assert.rejects(bus.readRegisters(0x40, 0, 1), { kind: 'noAcknowledge' });
  assert.deepEqual([fake.opened, fake.closed], [2, 1]);
  await bus.close();
  assert.deepEqual([fake.opened, fake.closed], [2, 2]);
});

test('an address that the kernel refuses to give is busy, and the error says where to look', async () => {
  const { bus, error } = await failingWith('EBUSY', 'setAddr');
  assert.ok(error instanceof HalError);
  assert.equal(error.kind, 'busy');
  assert.match(error.message, /^i2c-1 0x40: the kernel driver .*\/sys\/bus\/i2c\/devices/);
  await bus.close();
});

test('a bus that the kernel could not clock free is not freed by asking again', async () => {
  const { bus, error } = await failingWith('EBUSY');
  assert.match(String(error), /data line low.*cut the supply/);
  assert.equal(await bus.recover(), false);
  await bus.close();
});

test('the installed package i2c-bus loads, and has the calls that are used', async () => {
  const module = await loadI2cBus('i2c-1', { loaders });
  const bus = await module.openPromisified(97); // opens nothing before a transfer
  for (const call of ['i2cRead', 'i2cWrite', 'readI2cBlock', 'writeI2cBlock', 'close'] as const) {
    assert.equal(typeof bus[call], 'function', call);
  }
  await assert.rejects(bus.readI2cBlock(0x40, 0, 1, Buffer.alloc(1)), { code: 'ENOENT' });
  await bus.close();
  assert.ok(createRequire(import.meta.url).resolve('i2c-bus'));
});

test('a package that cannot be loaded says what is missing and what to do', async () => {
  const broken = {
    ...loaders,
    i2cBus: () => Promise.reject(new Error('Could not locate the bindings file')),
  };
  await assert.rejects(loadI2cBus('i2c-1', { loaders: broken }), (error: HalError) => {
    assert.equal(error.kind, 'unsupported');
    assert.match(error.message, /bindings file.*npm rebuild i2c-bus/);
    return true;
  });
});

test('a bus that is not there is absent; a path that is no bus is invalid', async () => {
  await assert.rejects(openLinuxI2c('main', '/dev/i2c-97', { loaders }), { kind: 'absent' });
  await assert.rejects(openLinuxI2c('main', '/dev/null', { loaders }), { kind: 'invalid' });
});
