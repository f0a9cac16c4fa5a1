import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { readRig } from '../../hil/rig.js';
import { asNode } from '../../hil/wiring/as-node.js';
import { checkWiring } from '../../hil/wiring/index.js';
import { testDeps } from '../board/fixture.js';
import { root } from '../config/support.js';
import { noFiles } from './support.js';

const rigs = join(root, 'hil', 'rigs');

test('every rig of hil/rigs can be asked about as a node', () => {
  const files = readdirSync(rigs).filter((name) => name.endsWith('.yaml'));
  assert.ok(files.length > 0);
  for (const file of files) assert.doesNotThrow(() => asNode(readRig(join(rigs, file))), file);
});

const BENCH = {
  name: 'bench',
  machine: { host: 'local', folder: 'cairn-rig' },
  lines: {
    SOS: { chip: 'pinctrl-bcm2711', line: 'GPIO17', jumper: 'FAR' },
    FAR: { chip: 'pinctrl-bcm2711', line: 'GPIO27' },
  },
  buses: {
    main: { device: '/dev/i2c-93', parts: { climate: { driver: 'bme280', address: 0x77 } } },
    spare: { device: '/dev/i2c-94' },
  },
  programs: [],
  suites: ['gpio'],
  nodeSuites: [],
  lacks: {},
};

test('a manifest is told as parts, each where it says', () => {
  const attachments = asNode(BENCH).parts.map(({ id, driver, attachment }) => [id, driver.id, attachment]);
  const line = { kind: 'gpio', activeLow: false, bias: 'asIs', debounceUs: 0 };
  assert.deepEqual(attachments, [
    ['line-sos', 'contact', { ...line, line: 'pinctrl-bcm2711:GPIO17' }],
    ['line-far', 'contact', { ...line, line: 'pinctrl-bcm2711:GPIO27' }],
    ['climate', 'bme280', { kind: 'i2c', bus: 'main', address: 0x77 }],
  ]);
});

test('on a machine that has nothing of it, every line says so; wires whose ends are not there are not driven', async () => {
  const deps = testDeps();
  const native = { ...deps.native, gpioChips: () => [], gpioOpen: () => assert.fail('a line was opened') };
  assert.deepEqual(await checkWiring(BENCH, { ...deps, native, files: noFiles }), [
    'spare: /dev/i2c-94: expected a device; found no such file; switch it on, plug it in, or load its driver',
    "line-sos: pinctrl-bcm2711:GPIO17: expected the chip pinctrl-bcm2711; found no such chip, nor any other; load the chip's driver, and see that this user may open /dev/gpiochip*",
    "line-far: pinctrl-bcm2711:GPIO27: expected the chip pinctrl-bcm2711; found no such chip, nor any other; load the chip's driver, and see that this user may open /dev/gpiochip*",
    'climate: main (/dev/i2c-93): expected an I2C bus; found no such bus, nor any other; switch I2C on (Raspberry Pi: dtparam=i2c_arm=on in config.txt) and load i2c-dev',
  ]);
});
