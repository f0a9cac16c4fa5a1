import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { type NativeGpioRequest, native } from '../../native/index.js';

/* What can be known of the binding without a chip; test_gpio.c has the fake chip, the rig a real kernel's. */
const REQUEST: NativeGpioRequest = {
  offset: 0,
  direction: 'in',
  activeLow: false,
  bias: 'asIs',
  debounceUs: 0,
  edges: true,
  consumer: 'cairn-test',
};

const open = (path: string, request: object = REQUEST) =>
  native.gpioOpen(
    path,
    request as NativeGpioRequest,
    () => undefined,
    () => undefined,
  );

test('chips are listed by path, each that /dev has', () => {
  for (const chip of native.gpioChips()) {
    assert.ok(existsSync(chip.path), chip.path);
    assert.ok(chip.lines > 0 && chip.lines <= 4096);
    assert.equal(native.gpioLines(chip.path).length, chip.lines);
  }
});

test('a chip that is not there is ENOENT, with the path', () => {
  const wanted = { code: 'ENOENT', syscall: 'open', path: '/dev/gpiochip63' };
  assert.throws(() => open('/dev/gpiochip63'), wanted);
  assert.throws(() => native.gpioLines('/dev/gpiochip63'), wanted);
});

test('a file that is no chip is ENOTTY', () => {
  const wanted = { code: 'ENOTTY', syscall: 'ioctl', path: '/dev/null' };
  assert.throws(() => open('/dev/null'), wanted);
  assert.throws(() => native.gpioLines('/dev/null'), wanted);
});

test('edges on an output are refused before the kernel is asked', () => {
  assert.throws(() => open('/dev/gpiochip63', { ...REQUEST, direction: 'out' }), { code: 'EINVAL' });
});

test('requests out of bounds are refused', () => {
  const wrong: [object, string][] = [
    [{ ...REQUEST, offset: -1 }, 'ERR_OUT_OF_RANGE'],
    [{ ...REQUEST, offset: Number.NaN }, 'ERR_OUT_OF_RANGE'],
    [{ ...REQUEST, offset: 4096 }, 'ERR_OUT_OF_RANGE'],
    [{ ...REQUEST, debounceUs: 1_000_001 }, 'ERR_OUT_OF_RANGE'],
    [{ ...REQUEST, bias: 'up' }, 'ERR_INVALID_ARG_VALUE'],
    [{ ...REQUEST, direction: 'inout' }, 'ERR_INVALID_ARG_VALUE'],
    [{ ...REQUEST, consumer: 'x'.repeat(32) }, 'ERR_INVALID_ARG_TYPE'],
    [{ ...REQUEST, activeLow: 1 }, 'ERR_INVALID_ARG_TYPE'],
    [{}, 'ERR_INVALID_ARG_TYPE'],
  ];
  for (const [request, code] of wrong) {
    assert.throws(() => open('/dev/gpiochip63', request), { code }, JSON.stringify(request));
  }
  assert.throws(() => open(`/dev/${'x'.repeat(80)}`), { code: 'ERR_INVALID_ARG_TYPE' });
});
