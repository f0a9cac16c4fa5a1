import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openCdevLine } from '../../runtime/board/linux-gpio.js';
import { gpioSuite } from './gpio-lines.js';
import { lacking, native, needs, rig, setup } from './rig.js';

needs('lines.SOS', 'lines.DOOR', 'lines.BURST');

gpioSuite({
  name: 'character device',
  open: async (config, name, options) => openCdevLine(config, name, options, setup),
  knowsNames: true,
  namesHolders: true,
  numbersEdges: true,
});

test('the character device lists its chips by label, its lines by name, and who uses them', {
  skip: lacking('simulated.cairn-sim'),
}, async () => {
  const { config } = rig.line('DOOR');
  const lines = rig.manifest.simulated![config.chipLabels[0]!]!;
  const chip = native.gpioChips().find((found) => found.label === config.chipLabels[0]);
  assert.ok(chip, 'the chip is listed by its label');
  const listed = () => native.gpioLines(chip.path);
  assert.deepEqual([chip.lines, listed().map((line) => line.name)], [lines.length, lines]);
  const options = { direction: 'in', activeLow: false, bias: 'asIs', debounceUs: 0 } as const;
  const line = openCdevLine(config, 'door', options, setup);
  const held = listed().find(({ name }) => name === 'DOOR');
  assert.deepEqual([held?.used, held?.consumer], [true, 'cairn']);
  await line.close();
  assert.equal(listed().find(({ name }) => name === 'DOOR')?.used, false);
});
