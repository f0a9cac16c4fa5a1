import assert from 'node:assert/strict';
import { test } from 'node:test';
import { native } from '../../native/index.js';
import type { GpioLineConfig, NodeConfig } from '../../runtime/config/types.js';
import { FakeGpio } from '../board/fake-gpio.js';
import { nodeConfig, partConfig } from '../board/fixture.js';
import { driver, linesOf } from './support.js';

/** Chips and lines as test/board/fake-gpio.ts has them: pinctrl-rp1 with ID_SDA, GPIO17, GPIO5 (held by "spi0 CS1") and one without a name. */
function wired(name: string, line: GpioLineConfig): NodeConfig {
  const sos = partConfig('sos', driver('contact'), {
    kind: 'gpio',
    line: name,
    activeLow: false,
    bias: 'asIs',
    debounceUs: 0,
  });
  return nodeConfig([sos], { kind: 'linux', gpio: { [name]: line } });
}

async function linesFor(name: string, line: GpioLineConfig): Promise<readonly string[]> {
  const gpio = new FakeGpio();
  const fake = {
    gpioChips: () => gpio.gpioChips(),
    gpioLines: (path: string) => gpio.gpioLines(path),
    gpioOpen: gpio.gpioOpen.bind(gpio),
  };
  const lines = await linesOf(wired(name, line), { native: { ...native, ...fake } });
  assert.equal(gpio.open, 0);
  return lines;
}

test('a line that is there and free has no fault', async () => {
  const line = { chipLabels: ['pinctrl-rp1'], lineNames: ['GPIO17'], offset: 17, pin: 11 };
  assert.deepEqual(await linesFor('GPIO17', line), []);
});

test('11: a line that somebody else holds', async () => {
  const line = { chipLabels: ['pinctrl-rp1'], lineNames: ['GPIO5'], pin: 29 };
  assert.deepEqual(await linesFor('GPIO5', line), [
    'sos: GPIO5 (gpiochip4 2, pin 29): expected a free line; found it held by "spi0 CS1"; end that user, take it out of the device tree, or use another line',
  ]);
});

test('11: a chip that this machine does not have', async () => {
  const line = { chipLabels: ['pinctrl-bcm2711'], lineNames: ['GPIO17'], offset: 17, pin: 11 };
  assert.deepEqual(await linesFor('GPIO17', line), [
    'sos: GPIO17 (pin 11): expected the chip pinctrl-bcm2711; found no such chip, but brcmvirt-gpio (gpiochip0) and pinctrl-rp1 (gpiochip4); name one that is there in the board file, or load the driver of this one',
  ]);
});

test('11: a line that its chip does not have', async () => {
  const line = { chipLabels: ['pinctrl-rp1'], lineNames: ['GPIO27', 'PIN13'], pin: 13 };
  assert.deepEqual(await linesFor('GPIO27', line), [
    'sos: GPIO27 (pin 13): expected the line GPIO27 or PIN13; found no such line, pinctrl-rp1 has 4 lines: ID_SDA, GPIO17 and GPIO5; name one that is there, or give its offset in the board file',
  ]);
});
