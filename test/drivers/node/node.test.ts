import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { readdir, readFile, statfs } from 'node:fs/promises';
import { freemem, totalmem, uptime } from 'node:os';
import { test } from 'node:test';
import fc from 'fast-check';
import * as v from 'valibot';
import { HalError, QUALITY, type SystemFiles } from '../../../drivers/contract/index.js';
import {
  cpuUse,
  parseAlarm,
  parseCpuTimes,
  parseLoad,
  parseMemoryAvailable,
  parseSystemName,
  parseTemperature,
  parseThrottled,
  parseUptime,
} from '../../../drivers/node/conversion.js';
import { node } from '../../../drivers/node/driver.js';
import { type NodeTwin, nodeTwin } from '../../../drivers/node/twin.js';
import { FakeClock, world } from '../twin-bus.js';

const OPTIONS = v.parse(node.options, {});
const CHANNELS =
  'temperature cpuUse load memoryAvailable diskFree diskUse uptime underVoltage throttled'.split(' ');

function twinFiles(twin: NodeTwin, clock: FakeClock): SystemFiles {
  const now = () => world(clock.timeNs);
  const found = <T>(path: string, value: T | undefined): T => {
    if (value === undefined) throw new HalError('absent', path, 'there is no such file');
    return value;
  };
  return {
    read: async (path) => found(path, twin.read(path, now())),
    list: async (path) => found(path, twin.list(path, now())),
    space: async (path) => found(path, twin.space(path, now())),
  };
}

async function onTwin(change: (faults: NodeTwin['faults']) => void = () => undefined) {
  const twin = nodeTwin.create(() => 0.5) as NodeTwin;
  change(twin.faults);
  const clock = new FakeClock();
  const driver = node.create({ files: twinFiles(twin, clock), clock }, OPTIONS);
  await driver.configure();
  const sample = async () => {
    const [rows] = await driver.sample!();
    return Object.fromEntries(
      CHANNELS.map((name, i) => [name, [rows!.values[i], rows!.quality[i]]] as const),
    );
  };
  return { driver, clock, sample, twin };
}

test('the channels are in the order of the values', async () => {
  const { driver } = await onTwin();
  assert.deepEqual(
    driver.streams[0]!.channels.map((channel) => channel.name),
    CHANNELS,
  );
});

// The example of proc_stat(5), Linux man-pages 6.9.1; the share by hand.
test('processor time: guest time isn’t counted twice, idle and iowait are no work', () => {
  const text =
    'cpu 10132153 290696 3084719 46828483 16683 0 25195 0 175628 0\ncpu0 1393280 32966 572056 13343292';
  assert.deepEqual(parseCpuTimes(text), { busy: 13_532_763, total: 60_377_929 });
  assert.deepEqual(parseCpuTimes('cpu  259246 7001 60190 34250993 137517 772 0\n'), {
    busy: 327_209,
    total: 34_715_719,
  });
  assert.equal(cpuUse({ busy: 0, total: 0 }, { busy: 50, total: 200 }), 25);
  assert.equal(cpuUse({ busy: 50, total: 200 }, { busy: 49, total: 300 }), 0);
  assert.equal(cpuUse({ busy: 50, total: 200 }, { busy: 50, total: 200 }), undefined);
});

// Bits: raspberrypi.com/documentation/computers/os.html#get_throttled. 50005: under-voltage and throttled, now and before.
test('Raspberry Pi’s throttling bits: those of now, not those since the start', () => {
  assert.deepEqual(parseThrottled('50005\n'), { underVoltage: 1, throttled: 1 });
  assert.deepEqual(parseThrottled('0x50000\n'), { underVoltage: 0, throttled: 0 });
  assert.deepEqual(parseThrottled('80008\n'), { underVoltage: 0, throttled: 1 });
  assert.deepEqual(parseThrottled('0\n'), { underVoltage: 0, throttled: 0 });
  assert.equal(parseThrottled('throttled=0x0'), undefined);
});

test('the other files, as kernels write them', () => {
  assert.equal(parseTemperature('54768\n'), 54.768);
  assert.equal(parseTemperature('-5000\n'), -5);
  assert.equal(
    parseMemoryAvailable('MemTotal:       24684084 kB\nMemAvailable:   23984480 kB\n'),
    23_984_480 * 1024,
  );
  assert.equal(parseMemoryAvailable('MemTotal:       24684084 kB\n'), undefined);
  assert.equal(parseLoad('2.75 1.61 0.75 3/135 28943\n'), 2.75);
  assert.equal(parseUptime('2709.13 4712.09\n'), 2709.13);
  assert.deepEqual(['0\n', '1\n', '', '2'].map(parseAlarm), [0, 1, undefined, undefined]);
  assert.equal(
    parseSystemName('NAME=x\nPRETTY_NAME="Debian GNU/Linux 13 (trixie)"\n'),
    'Debian GNU/Linux 13 (trixie)',
  );
  assert.equal(parseSystemName('PRETTY_NAME=Buildroot\n'), 'Buildroot');
});

test('any text: no parser throws or gives what isn’t a number', () => {
  const parsers = [parseTemperature, parseMemoryAvailable, parseLoad, parseUptime, parseAlarm];
  const text = fc.oneof(fc.string(), fc.constantFrom('nan', '1e9', '0.', '.5', '\0', 'cpu  a b c d'));
  fc.assert(
    fc.property(text, (input) => {
      parseCpuTimes(input);
      parseThrottled(input);
      return parsers.every((parse) => Number.isFinite(parse(input) ?? 0));
    }),
    { numRuns: 1000 },
  );
});

test('the driver on the twin: a row of all channels', async () => {
  const { sample, clock, driver } = await onTwin();
  assert.equal((await driver.probe()).model, 'Raspberry Pi 4 Model B Rev 1.4');
  clock.advanceMs(60_000);
  const row = await sample();
  for (const name of CHANNELS) assert.equal(row[name]![1], QUALITY.good, name);
  assert.ok(Math.abs(row.temperature![0]! - 43.5) <= 1); // 21.5 °C around, 22 more in the box, ±1
  assert.ok(Math.abs(row.cpuUse![0]! - 6) < 0.5);
  assert.equal(row.uptime![0], Number(clock.timeNs) / 1e9);
  assert.equal(row.underVoltage![0], 0);
});

test('under-voltage and throttling are seen', async () => {
  const { sample, twin } = await onTwin();
  twin.faults.underVoltage = true;
  twin.faults.throttled = true;
  const row = await sample();
  assert.deepEqual([row.underVoltage![0], row.throttled![0]], [1, 1]);
});

test('without the supply monitor, the firmware’s bits tell of the voltage', async () => {
  const { sample, twin } = await onTwin((faults) => {
    faults.absent = ['/sys/class/hwmon'];
  });
  twin.faults.underVoltage = true;
  assert.equal((await sample()).underVoltage![0], 1);
});

test('what the kernel doesn’t show is a fault on its channel alone', async () => {
  const cases: readonly (readonly [absent: string, ...channels: readonly string[]])[] = [
    ['/sys/class/thermal', 'temperature'],
    ['/proc/stat', 'cpuUse'],
    ['/proc/loadavg', 'load'],
    ['/proc/meminfo', 'memoryAvailable'],
    ['/', 'diskFree', 'diskUse'],
    ['/proc/uptime', 'uptime'],
    ['/sys/devices', 'throttled'],
  ];
  for (const [absent, ...channels] of cases) {
    const { sample, clock } = await onTwin((faults) => {
      faults.absent = [absent];
    });
    clock.advanceMs(1000);
    const row = await sample();
    const faulty = CHANNELS.filter((name) => row[name]![1] === QUALITY.fault);
    assert.deepEqual(faulty, channels, absent);
  }
});

test('a bug in a backend isn’t taken for a missing file', async () => {
  const files = {
    read: () => Promise.reject(new TypeError('a bug')),
    list: async () => [],
    space: async () => ({ totalBytes: 1, freeBytes: 1 }),
  };
  const driver = node.create({ files, clock: new FakeClock() }, OPTIONS);
  await assert.rejects(driver.sample!(), TypeError);
});

const linux = existsSync('/proc/uptime') ? {} : { skip: 'no /proc on this machine' };

test('this machine’s own kernel agrees with Node’s word', linux, async () => {
  const files: SystemFiles = {
    read: (path) => asHal(path, readFile(path, 'utf8')),
    list: (path) => asHal(path, readdir(path)),
    space: async (path) => {
      const { bsize, blocks, bavail } = await statfs(path);
      return { totalBytes: blocks * bsize, freeBytes: bavail * bsize };
    },
  };
  const driver = node.create({ files, clock: new FakeClock() }, OPTIONS);
  await driver.configure();
  const [rows] = await driver.sample!();
  const [, use, load, memory, , diskUse, up] = rows!.values;
  assert.ok(Math.abs(up! - uptime()) < 2);
  assert.ok(memory! > freemem() / 2 && memory! <= totalmem());
  assert.ok(use! >= 0 && use! <= 100);
  assert.ok(Math.abs(load! - Number(readFileSync('/proc/loadavg', 'latin1').split(' ')[0])) < 2);
  assert.ok(diskUse! >= 0 && diskUse! <= 100);
});

async function asHal<T>(path: string, reading: Promise<T>): Promise<T> {
  try {
    return await reading;
  } catch (cause) {
    throw new HalError('absent', path, 'there is no such file', { cause });
  }
}
