import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { GpioLineOptions, HalError } from '../../drivers/contract/index.js';
import { native } from '../../native/index.js';
import { completeDeps } from '../../runtime/board/deps.js';
import { openCdevLine } from '../../runtime/board/linux-gpio.js';
import { loadOnoff, openOnoffLine, sysfsNumber } from '../../runtime/board/linux-onoff.js';
import type { GpioLineConfig } from '../../runtime/config/types.js';
import { gpioContract } from '../contract/gpio.js';
import { FakeGpio } from './fake-gpio.js';
import { testDeps } from './fixture.js';

const INPUT: GpioLineOptions = { direction: 'in', activeLow: false, bias: 'pullUp', debounceUs: 0 };
const RP1: GpioLineConfig = {
  chipLabels: ['pinctrl-rp1', 'pinctrl-bcm2711'],
  lineNames: ['GPIO17'],
  offset: 0,
};

function openOn(gpio: FakeGpio, config: GpioLineConfig, options: GpioLineOptions = INPUT) {
  const setup = { native: { ...nativeOf(gpio) }, log: () => undefined };
  return openCdevLine(config, 'sos', options, setup);
}

function nativeOf(gpio: FakeGpio) {
  return {
    clockPair: native.clockPair,
    createFramer: native.createFramer,
    gpioChips: () => gpio.gpioChips(),
    gpioLines: (path: string) => gpio.gpioLines(path),
    gpioOpen: (...args: Parameters<FakeGpio['gpioOpen']>) => gpio.gpioOpen(...args),
  };
}

gpioContract('character device over an add-on that works', async (options) => {
  const gpio = new FakeGpio();
  const line = openOn(gpio, RP1, options);
  return {
    line,
    drive: async (level) => gpio.drive(level),
    outside: async () => gpio.level,
    settle: async () => undefined,
    async close() {
      await line.close();
      assert.equal(gpio.open, 0, 'nothing stays requested');
    },
  };
});

test('a line is found by the label of its chip, then its name, then its number', async () => {
  const gpio = new FakeGpio();
  const byName = openOn(gpio, RP1);
  assert.equal(byName.where, 'gpiochip4 1 (GPIO17)');
  assert.deepEqual(gpio.requests[0], { ...INPUT, offset: 1, edges: false, consumer: 'cairn' });
  await byName.close();
  const byNumber = openOn(gpio, { chipLabels: ['pinctrl-rp1'], lineNames: ['NONE'], offset: 3 });
  assert.equal(byNumber.where, 'gpiochip4 3');
  await byNumber.close();
  const anyChip = openOn(gpio, { chipLabels: [], lineNames: ['GPIO17'] });
  assert.equal(anyChip.where, 'gpiochip4 1 (GPIO17)');
  await anyChip.close();
});

test('a line or chip that is not there is absent, and the error says what is', () => {
  const wrong = { chipLabels: ['pinctrl-bcm2711'], lineNames: ['GPIO17'] };
  assert.throws(
    () => openOn(new FakeGpio(), wrong),
    (error: HalError) => {
      assert.equal(error.kind, 'absent');
      assert.match(
        error.message,
        /chips here: brcmvirt-gpio, pinctrl-rp1; wanted: pinctrl-bcm2711, line GPIO17/,
      );
      return true;
    },
  );
});

test('a line that somebody holds is busy, and the error names them', () => {
  assert.throws(
    () => openOn(new FakeGpio(), { chipLabels: ['pinctrl-rp1'], lineNames: ['GPIO5'] }),
    (error: HalError) => {
      assert.equal(error.kind, 'busy');
      assert.equal(error.where, 'gpiochip4 2 (GPIO5)');
      assert.match(error.message, /held by "spi0 CS1"/);
      return true;
    },
  );
});

/** Files as /sys/class/gpio has them on a Raspberry Pi 5 with a kernel that still has sysfs. */
async function sysfs(): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'cairn-sysfs-'));
  for (const [chip, label, base] of [
    ['gpiochip512', 'brcmvirt-gpio', '512'],
    ['gpiochip571', 'pinctrl-rp1', '571'],
  ] as const) {
    await mkdir(join(root, chip));
    await writeFile(join(root, chip, 'label'), `${label}\n`);
    await writeFile(join(root, chip, 'base'), `${base}\n`);
  }
  return root;
}

test('sysfs: the number is the base of the chip with that label plus the offset', async () => {
  const root = await sysfs();
  const config = { chipLabels: ['pinctrl-rp1'], lineNames: ['GPIO17'], offset: 17 };
  assert.equal(await sysfsNumber(config, 'gpio sos', root), 588);
  const { offset: _, ...nameOnly } = config;
  await assert.rejects(sysfsNumber(nameOnly, 'gpio sos', root), { kind: 'unsupported' });
  await assert.rejects(sysfsNumber({ ...config, chipLabels: ['x'] }, 'gpio sos', root), { kind: 'absent' });
  await assert.rejects(sysfsNumber(config, 'gpio sos', join(root, 'none')), { kind: 'absent' });
  await rm(root, { recursive: true });
});

test('the installed package onoff loads; without it the error says what is missing', async () => {
  const { loaders } = completeDeps(testDeps());
  const { Gpio } = await loadOnoff('gpio sos', { loaders });
  assert.equal(typeof Gpio, 'function');
  assert.throws(() => new Gpio(588, 'in', 'both', { activeLow: false, debounceTimeout: 0 }), {
    code: 'ENOENT',
  });
  const broken = { ...loaders, onoff: () => Promise.reject(new Error('no epoll.node')) };
  await assert.rejects(loadOnoff('gpio sos', { loaders: broken }), /epoll\.node.*npm rebuild epoll/);
});

test('onoff: options are handed on, edges carry the process time, and what sysfs cannot do is refused', async () => {
  const root = await sysfs();
  const made: unknown[][] = [];
  let event: ((error: Error | null, level: 0 | 1) => void) | undefined;
  class Gpio {
    constructor(...args: unknown[]) {
      made.push(args);
    }
    read = async () => 1 as const;
    write = async () => undefined;
    watch = (callback: NonNullable<typeof event>) => {
      event = callback;
    };
    unwatchAll = () => {
      event = undefined;
    };
    unexport = () => undefined;
  }
  const setup = completeDeps(testDeps({ loaders: { onoff: async () => ({ Gpio }) } }));
  const config = { chipLabels: ['pinctrl-rp1'], lineNames: [], offset: 17 };
  const options = { ...INPUT, bias: 'asIs' as const, activeLow: true, debounceUs: 1500 };
  await assert.rejects(openOnoffLine(config, 'sos', INPUT, setup, root), { kind: 'unsupported' });
  const line = await openOnoffLine(config, 'sos', options, setup, root);
  assert.deepEqual(made, [[588, 'in', 'both', { activeLow: true, debounceTimeout: 2 }]]);
  assert.equal(line.edgeTime, 'user');
  const told: [bigint, number, number][] = [];
  const stop = await line.watch(
    (edges) => told.push([edges.timesNs[0]!, edges.rising[0]!, edges.lost]),
    (error) => assert.fail(error),
  );
  const before = native.bootTimeNs();
  event!(null, 1);
  const [[timeNs, level, lost]] = told as [[bigint, number, number]];
  assert.ok(timeNs >= before && timeNs <= native.bootTimeNs());
  assert.deepEqual([level, lost], [1, 0]);
  await stop();
  assert.equal(event, undefined);
  await assert.rejects(line.write(1), { kind: 'unsupported' });
  await line.close();
  await rm(root, { recursive: true });
});
