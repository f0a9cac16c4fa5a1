import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import type { GpioLineOptions } from '../../drivers/contract/index.js';
import { openCdevLine } from '../../runtime/board/linux-gpio.js';
import { openOnoffLine, sysfsNumber } from '../../runtime/board/linux-onoff.js';
import { gpioContract } from '../contract/gpio.js';
import { needs, rig, SETTLE_MS, setup, sleep } from './rig.js';

const INPUT: GpioLineOptions = { direction: 'in', activeLow: false, bias: 'asIs', debounceUs: 0 };
const config = (name: string) => rig.line(name).config;
const open = (name: string, options: Partial<GpioLineOptions> = {}) =>
  openOnoffLine(config(name), name, { ...INPUT, ...options }, setup);

needs('lines.SOS', 'lines.DOOR', 'sysfsGpio');

gpioContract('sysfs of a real kernel by onoff', async (options) => {
  const far = rig.line('SOS').outside;
  if (options.direction === 'in') far.drive(0);
  else far.release();
  const line = await open('SOS', options);
  return {
    line,
    drive: async (level) => far.drive(level),
    outside: async () => far.level(),
    settle: () => sleep(SETTLE_MS),
    close: () => line.close(),
  };
});

test('closed, a line is no longer exported', async () => {
  const number = await sysfsNumber(config('DOOR'), 'door');
  const line = await open('DOOR');
  assert.ok(existsSync(`/sys/class/gpio/gpio${number}`));
  await line.close();
  assert.ok(!existsSync(`/sys/class/gpio/gpio${number}`));
});

test('a line that the character device holds is busy to sysfs', async () => {
  const held = openCdevLine(config('DOOR'), 'door', INPUT, setup);
  await assert.rejects(open('DOOR'), { kind: 'busy' });
  await held.close();
  await (await open('DOOR')).close();
});

test('a debounced line tells no glitch, and tells a level that stays', async () => {
  const far = rig.line('SOS').outside;
  far.drive(0);
  const line = await open('SOS', { debounceUs: 200_000 });
  const rising: number[] = [];
  const stop = await line.watch((edges) => rising.push(...edges.rising), assert.fail);
  far.drive(1);
  far.drive(0);
  await sleep(600);
  assert.deepEqual(rising, []);
  far.drive(1);
  await sleep(600);
  assert.deepEqual(rising, [1]);
  await stop();
  await line.close();
});
