import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { root } from '../house/imports.js';

const unit = join(root, 'install/cairn.service');
const text = readFileSync(unit, 'utf8');
const hasAnalyze = spawnSync('systemd-analyze', ['--version']).status === 0;
const values = (name: string) =>
  [...text.matchAll(new RegExp(`^${name}=(.*)$`, 'gm'))].map((found) => found[1] ?? '');

test('its sandbox: at most 2.0 of 10', { skip: hasAnalyze ? false : 'systemd-analyze absent' }, (t) => {
  const shown = spawnSync('systemd-analyze', ['security', '--offline=true', '--no-pager', unit], {
    encoding: 'utf8',
  }).stdout;
  const [, exposure] = /exposure level for cairn\.service: (\d+\.\d)/.exec(shown) ?? [];
  t.diagnostic(`exposure ${exposure}`);
  assert.ok(Number(exposure) <= 2, shown);
});

test('it opens the devices that parts hang on, and no others', () => {
  const allowed = values('DeviceAllow').map((value) => value.split(' ')[0]);
  assert.deepEqual(
    [...allowed].sort(),
    ['gpiochip', 'i2c', 'ttyACM', 'ttyAMA', 'ttyS', 'ttyUSB'].map((name) => `char-${name}`),
  );
  assert.deepEqual(values('DevicePolicy'), ['closed']);
  assert.deepEqual(values('SupplementaryGroups'), ['gpio i2c dialout']);
  // Classes that come by modules must be known before the filter is made.
  const modules = readFileSync(join(root, 'install/cairn.modules'), 'utf8');
  for (const name of ['i2c-dev', 'usbserial', 'cdc-acm']) assert.match(modules, new RegExp(`^${name}$`, 'm'));
});

test('it is never given up, and hangs for 15 s at most', () => {
  assert.deepEqual(values('Restart'), ['always']);
  assert.deepEqual(values('StartLimitIntervalSec'), ['0']);
  assert.deepEqual(values('Type'), ['notify']);
  assert.deepEqual(values('NotifyAccess'), ['main']);
  const seconds = (name: string) => {
    const [, number, unit] = /^(\d+)(ms|s)$/.exec(values(name)[0] ?? '') ?? [];
    return Number(number) / (unit === 'ms' ? 1000 : 1);
  };
  assert.ok(seconds('WatchdogSec') + seconds('RestartSec') <= 15);
});

test("the fleet's unit lets it name the addresses of the machine (getifaddrs asks netlink), as it does where it listens on 0.0.0.0", () => {
  const fleet = readFileSync(join(root, 'install/cairn-fleet.service'), 'utf8');
  const [, families = ''] = /^RestrictAddressFamilies=(.*)$/m.exec(fleet) ?? [];
  assert.deepEqual(families.split(' ').sort(), ['AF_INET', 'AF_INET6', 'AF_NETLINK', 'AF_UNIX']);
});
