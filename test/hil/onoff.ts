import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { openOnoffLine, sysfsNumber } from '../../runtime/board/linux-onoff.js';
import { gpioSuite } from './gpio-lines.js';
import { needs, rig, setup } from './rig.js';

needs('lines.SOS', 'lines.DOOR', 'lines.BURST', 'sysfsGpio');

gpioSuite({
  name: 'sysfs by onoff',
  open: (config, name, options) => openOnoffLine(config, name, options, setup),
  knowsNames: false,
  namesHolders: false,
  numbersEdges: false,
});

test('sysfs: a closed line is no longer exported', async () => {
  const { config } = rig.line('DOOR');
  const number = await sysfsNumber(config, 'door');
  const options = { direction: 'in', activeLow: false, bias: 'asIs', debounceUs: 0 } as const;
  const line = await openOnoffLine(config, 'door', options, setup);
  assert.ok(existsSync(`/sys/class/gpio/gpio${number}`));
  await line.close();
  assert.ok(!existsSync(`/sys/class/gpio/gpio${number}`));
});
