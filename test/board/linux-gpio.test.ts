import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type GpioLineOptions, type HalError, halErrorKind } from '../../drivers/contract/index.js';
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

test('a chip that goes away is told, and the line is requested anew once the chip is back', async () => {
  const gpio = new FakeGpio();
  const line = openOn(gpio, RP1);
  const errors: Error[] = [];
  await line.watch(
    () => undefined,
    (error) => errors.push(error),
  );
  gpio.vanish();
  assert.deepEqual(errors.map(halErrorKind), ['disconnected']);
  assert.equal(gpio.open, 0, 'the dead request is closed');
  assert.equal(await line.read().catch(halErrorKind), 'absent');
  gpio.comeBack();
  assert.equal(await line.read(), 0);
  const stop = await line.watch(
    () => undefined,
    () => undefined,
  );
  await stop();
  await line.close();
  assert.equal(gpio.open, 0);
});

/** Files as /sys/class/gpio has them on a Raspberry Pi 5 with a kernel that still has sysfs. */
async function sysfs(): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'cairn-sysfs-'));
  for (const [chip, label, base, count] of [
    ['gpiochip512', 'brcmvirt-gpio', '512', '2'],
    ['gpiochip571', 'pinctrl-rp1', '571', '54'],
  ] as const) {
    await mkdir(join(root, chip));
    await writeFile(join(root, chip, 'label'), `${label}\n`);
    await writeFile(join(root, chip, 'base'), `${base}\n`);
    await writeFile(join(root, chip, 'ngpio'), `${count}\n`);
  }
  return root;
}

test('sysfs: the number is the base of the chip with that label plus the offset', async () => {
  const root = await sysfs();
  const config = { chipLabels: ['pinctrl-rp1'], lineNames: ['GPIO17'], offset: 17 };
  assert.equal(await sysfsNumber(config, 'gpio sos', root), 588);
  const { offset: _, ...nameOnly } = config;
  await assert.rejects(sysfsNumber(nameOnly, 'gpio sos', root), { kind: 'unsupported' });
  await assert.rejects(sysfsNumber({ ...config, offset: 54 }, 'gpio sos', root), {
    kind: 'absent',
    message: /pinctrl-rp1 has 54 lines/,
  });
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

/** Stands in for onoff's Gpio: a line of sysfs, whose events come when the test moves it. */
class FakeOnoff {
  static made: unknown[][] = [];
  static physical: 0 | 1 = 0;
  static current: FakeOnoff | undefined;
  readonly #activeLow: boolean;
  #callback: ((error: Error | null, level: 0 | 1) => void) | undefined;

  constructor(...args: [number, string, string, { activeLow: boolean; debounceTimeout: number }]) {
    FakeOnoff.made.push(args);
    FakeOnoff.current = this;
    this.#activeLow = args[3].activeLow;
  }
  async read(): Promise<0 | 1> {
    return this.#logical(FakeOnoff.physical);
  }
  async write(level: 0 | 1): Promise<void> {
    FakeOnoff.physical = this.#logical(level);
  }
  watch(callback: (error: Error | null, level: 0 | 1) => void): void {
    this.#callback = callback;
  }
  unwatchAll(): void {
    this.#callback = undefined;
  }
  unexport(): void {
    assert.equal(FakeOnoff.current, this, 'unexported twice');
    FakeOnoff.current = undefined;
  }
  drive(level: 0 | 1): void {
    FakeOnoff.physical = level;
    this.#callback?.(null, this.#logical(level));
  }
  #logical(level: 0 | 1): 0 | 1 {
    return this.#activeLow ? (level === 0 ? 1 : 0) : level;
  }
}

async function openOnoff(options: GpioLineOptions) {
  const root = await sysfs();
  FakeOnoff.physical = 0;
  const setup = completeDeps(testDeps({ loaders: { onoff: async () => ({ Gpio: FakeOnoff }) } }));
  const config = { chipLabels: ['pinctrl-rp1'], lineNames: [], offset: 17 };
  try {
    return await openOnoffLine(config, 'sos', options, setup, root);
  } finally {
    await rm(root, { recursive: true });
  }
}

gpioContract('sysfs over a package onoff that works', async (options) => {
  const line = await openOnoff(options);
  return {
    line,
    drive: async (level) => FakeOnoff.current!.drive(level),
    outside: async () => FakeOnoff.physical,
    settle: async () => undefined,
    close: () => line.close(),
  };
});

test('onoff: options are handed on, edges carry the process time, and what sysfs cannot do is refused', async () => {
  await assert.rejects(openOnoff(INPUT), { kind: 'unsupported' }, 'a bias');
  FakeOnoff.made = [];
  const line = await openOnoff({ direction: 'in', bias: 'asIs', activeLow: true, debounceUs: 1500 });
  assert.deepEqual(FakeOnoff.made, [[588, 'in', 'both', { activeLow: true, debounceTimeout: 2 }]]);
  assert.equal(line.edgeTime, 'user');
  assert.equal(line.where, 'sysfs gpio588 (sos)');
  const told: bigint[] = [];
  await line.watch(
    (edges) => told.push(...edges.timesNs),
    (error) => assert.fail(error),
  );
  const before = native.bootTimeNs();
  FakeOnoff.current!.drive(1);
  assert.ok(told[0]! >= before && told[0]! <= native.bootTimeNs());
  await line.close();
});

test('onoff: an event that finds the level unchanged is a missed pulse, two edges lost at least', async () => {
  const line = await openOnoff({ direction: 'in', bias: 'asIs', activeLow: false, debounceUs: 0 });
  const told: [number[], number][] = [];
  await line.watch(
    (edges) => told.push([[...edges.rising], edges.lost]),
    (error) => assert.fail(error),
  );
  for (const level of [1, 1, 0] as const) FakeOnoff.current!.drive(level);
  assert.deepEqual(told, [
    [[1], 0],
    [[], 2],
    [[0], 0],
  ]);
  await line.close();
});

test('onoff: a process whose lines are closed ends well, wherever its end finds the collector', () => {
  const script = fileURLToPath(new URL('./onoff-at-exit.js', import.meta.url));
  const ends = [16, 18, 20, 22, 24, 26].map((thousands) => {
    const { status, signal, stderr } = spawnSync(
      process.execPath,
      ['--expose-gc', script, String(thousands)],
      { encoding: 'utf8', timeout: 30_000 },
    );
    return { thousands, status, signal, stderr };
  });
  assert.deepEqual(
    ends,
    ends.map(({ thousands }) => ({ thousands, status: 0, signal: null, stderr: '' })),
  );
});
