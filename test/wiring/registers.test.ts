import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Registers } from '../../runtime/board/index.js';
import { MemoryTwin, nodeConfig } from '../board/fixture.js';
import { all, requestsAlone } from './asked.js';
import { onI2c, wiredBuses } from './support.js';

const climate = onI2c('climate', 'bme280', 'i2c-1', 0x76);

test('each register is read by its number, and nothing else is written', async (t) => {
  const twin = new MemoryTwin();
  for (let i = 0; i < 256; i++) twin.memory[i] = 255 - i;
  const i2c = await wiredBuses(t, { 'i2c-1': { 118: twin } });
  const { requests } = await requestsAlone(t, nodeConfig([climate], { i2c }));
  const read = async (from: number, count: number, width: 1 | 2) => {
    const asked = { bus: 'i2c-1', address: 0x76, from, count, width };
    return (await all<Registers>(requests.registers!(asked)))[0]!;
  };
  assert.deepEqual((await read(0xd0, 3, 1)).values, [255 - 0xd0, 255 - 0xd1, 255 - 0xd2]);
  assert.deepEqual(twin.seen, ['wd0', 'r1', 'wd1', 'r1', 'wd2', 'r1']);
  assert.deepEqual((await read(0x10, 1, 2)).values, [(255 - 0x10) * 256 + (255 - 0x11)]);
  assert.equal((await read(0xfe, 256, 1)).values.length, 2, 'it ends at register 255');
  assert.equal((await read(0, 256, 1)).values.length, 256);
  assert.ok(twin.seen.every((seen) => /^w..$|^r[12]$/.test(seen)));
});

test('more than the bounds is refused, an address that nobody has is an error', async (t) => {
  const i2c = await wiredBuses(t, { 'i2c-1': {} });
  const { requests } = await requestsAlone(t, nodeConfig([climate], { i2c }));
  const asked = { bus: 'i2c-1', address: 0x76, from: 0, count: 4, width: 1 };
  for (const wrong of [{ count: 257 }, { from: 256 }, { address: 0x78 }, { width: 4 }])
    assert.throws(() => requests.registers!({ ...asked, ...wrong }));
  await assert.rejects(all(requests.registers!(asked)), { kind: 'noAcknowledge' });
});
