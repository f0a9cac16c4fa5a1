import * as v from 'valibot';
import {
  type Attachment,
  type Driver,
  type DriverDefinition,
  defineDriver,
} from '../../drivers/contract/index.js';

/** A registry with one definition of each kind, so that these tests stand whatever the real parts become. */

const create = (): Driver => ({
  streams: [],
  probe: async () => ({ model: 'test', details: {} }),
  configure: async () => undefined,
});

function polled(id: string, addresses: readonly number[], minMs: number, feeds?: 'imu' | 'magnetometer') {
  return defineDriver({
    id,
    title: `Test ${id}`,
    attachment: 'i2c',
    addresses,
    options: v.strictObject({
      range: v.pipe(v.optional(v.picklist(['low', 'high']), 'low'), v.description('The range')),
      gain: v.pipe(
        v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(8)), 1),
        v.description('Times that the signal is amplified'),
      ),
    }),
    interval: { defaultMs: 10_000, minMs },
    ...(feeds && { feeds }),
    create,
  });
}

const ordered = v.pipe(
  v.strictObject({
    low: v.pipe(v.optional(v.number('a number of °C'), 0), v.description('°C below which it is cold')),
    high: v.pipe(v.optional(v.number('a number of °C'), 40), v.description('°C above which it is hot')),
  }),
  v.check(({ low, high }) => low < high, 'low below high'),
);

export const drivers: readonly DriverDefinition<Attachment>[] = [
  defineDriver({
    id: 'bme280',
    title: 'Test bme280',
    attachment: 'i2c',
    addresses: [0x76, 0x77],
    options: ordered,
    interval: { defaultMs: 10_000, minMs: 10 },
    create,
  }),
  polled('ina219', [0x40, 0x41, 0x44, 0x45], 1),
  polled('lsm6dso', [0x6a, 0x6b], 10, 'imu'),
  polled('lis3mdl', [0x1c, 0x1e], 10, 'magnetometer'),
  defineDriver({
    id: 'gnss',
    title: 'Test gnss',
    attachment: 'serial',
    framing: { kind: 'nmea', maxBytes: 128 },
    baud: 9600,
    options: v.strictObject({}),
    create,
  }),
  defineDriver({
    id: 'tag-reader',
    title: 'Test tag reader',
    attachment: 'serial',
    framing: { kind: 'line', maxBytes: 256 },
    baud: 115_200,
    options: v.strictObject({}),
    create,
  }),
  defineDriver({
    id: 'contact',
    title: 'Test contact',
    attachment: 'gpio',
    direction: 'in',
    options: v.strictObject({
      role: v.pipe(
        v.optional(v.picklist(['contact', 'sos', 'counter']), 'contact'),
        v.description('What it is'),
      ),
    }),
    create,
  }),
  defineDriver({
    id: 'node',
    title: 'Test node',
    attachment: 'system',
    options: v.strictObject({}),
    interval: { defaultMs: 60_000, minMs: 1000 },
    create,
  }),
] as readonly DriverDefinition<Attachment>[];
