import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ScannedBus } from '../../runtime/board/index.js';
import type { ScanAnswer } from '../../runtime/requests/index.js';
import { MemoryTwin, nodeConfig } from '../board/fixture.js';
import { all, requestsAlone } from './asked.js';
import { chip, filesOf, i2cTwin, onI2c, wiredBuses } from './support.js';

const climate = onI2c('climate', 'bme280', 'i2c-1', 0x76);
const battery = onI2c('battery', 'ina219', 'i2c-1', 0x40);

function bus(answers: readonly ScanAnswer[]): ScannedBus {
  const [first] = answers;
  assert.ok(first && 'i2c' in first);
  return first.i2c;
}

test('a scan tells parts that answer, parts that do not, and what a stranger says it is', async (t) => {
  const memory = new MemoryTwin();
  const i2c = await wiredBuses(t, {
    // 0x58 at 0xd0 is a BMP280: Bosch BST-BMP280-DS001 §4.3.1.
    'i2c-1': { 64: i2cTwin('ina219'), 119: i2cTwin('bme280'), 80: memory, 28: chip(0x0f, 0x3d) },
    'i2c-2': { 118: chip(0xd0, 0x58) },
  });
  const { requests } = await requestsAlone(t, nodeConfig([climate, battery], { i2c }));
  const answers = await all<ScanAnswer>(requests.scan!({}));
  const [first, second] = answers.flatMap((answer) => ('i2c' in answer ? [answer.i2c] : []));
  assert.deepEqual(first!.silent, [{ part: 'climate', address: 0x76 }]);
  assert.deepEqual(
    first!.answers.map(({ address, part, likely }) => [address, part, ...likely]),
    [
      [0x1c, undefined, 'LIS3MDL (driver lis3mdl)'],
      [0x40, 'battery'],
      [0x50, undefined],
      [0x77, undefined, 'BME280 (driver bme280)'],
    ],
  );
  assert.equal(first!.asked, 0x77 - 0x08 + 1 - 1, 'all that UM10204 does not reserve, but 0x69');
  assert.match(second!.answers[0]!.likely[0]!, /^no bme280: chip id 0x58 \(BMP280/);
  assert.deepEqual(memory.seen, ['r1'], 'a stranger whom no driver knows is asked for one byte, once');
  assert.ok('others' in answers.at(-1)!);
});

test('a bus that is held is left after three addresses; one that is not there says so', async (t) => {
  const culprit = i2cTwin('bme280');
  culprit.faults.sdaStuck = true;
  const i2c = await wiredBuses(t, { 'i2c-1': { 118: culprit } });
  const config = nodeConfig([climate], { i2c });
  const { requests } = await requestsAlone(t, config);
  const held = bus(await all<ScanAnswer>(requests.scan!({ bus: 'i2c-1' })));
  assert.deepEqual([held.asked, held.answers.length, held.silent.length], [3, 0, 1]);
  assert.match(held.trouble!, /busStuck/);
  assert.throws(() => requests.scan!({ bus: 'i2c-9' }), /no such I2C bus/);
});

test('who stops listening ends the scan', async (t) => {
  const slow = i2cTwin('bme280');
  slow.faults.stretchMs = 1000;
  const i2c = await wiredBuses(t, {
    'i2c-1': Object.fromEntries([0x20, 0x21, 0x22, 0x23].map((at) => [at, slow])),
  });
  const { requests } = await requestsAlone(t, nodeConfig([climate], { i2c }));
  const answers = requests.scan!({ bus: 'i2c-1' }) as AsyncIterableIterator<unknown>;
  const began = Date.now();
  setTimeout(() => void answers.return!(), 20);
  assert.equal((await answers.next()).done, true);
  assert.ok(Date.now() - began < 3000, 'all four would take four seconds');
});

test('ports and chips by name: what the board file has, and what the kernel has besides', async (t) => {
  const config = nodeConfig([], {
    kind: 'linux',
    serial: { uart0: { device: '/dev/null', pins: [] }, uart1: { device: '/dev/ttyNONE', pins: [] } },
  });
  const files = filesOf({ '/sys/class/tty/ttyUSB0/dev': '', '/sys/class/tty/tty1/dev': '' });
  const { requests } = await requestsAlone(t, config, { files });
  const [answer] = await all<ScanAnswer>(requests.scan!({}));
  assert.ok(answer && 'others' in answer);
  assert.deepEqual(
    answer.others.ports.map(({ port, isThere }) => [port, isThere]),
    [
      ['uart0', true],
      ['uart1', false],
    ],
  );
  assert.deepEqual(answer.others.otherPorts, ['/dev/ttyUSB0']);
});
