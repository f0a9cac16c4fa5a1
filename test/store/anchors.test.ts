import assert from 'node:assert/strict';
import { test } from 'node:test';
import { META_STREAM } from '../../wire/index.js';
import { openTest, temporary, testOptions } from './support.js';

const SECOND = 1_000_000_000n;
const NEW_YEAR = BigInt(Date.UTC(2026, 0, 1)) * 1_000_000n;
const BOOT_IDS = ['11111111-1111-1111-1111-111111111111', '22222222-2222-2222-2222-222222222222'];

test('anchors of earlier boots are known after a reboot, even when the fleet has had them', async (t) => {
  const path = temporary(t);
  const first = await openTest(testOptions(path, { bootId: BOOT_IDS[0]! }));
  const { epoch, boot } = first;
  first.anchor({ monotonicNs: 100n * SECOND, wallNs: NEW_YEAR, uncertaintyNs: 1_000_000n, source: 'system' });
  await first.flush();
  for (const block of await first.read('meta', undefined, 100, 1 << 20)) {
    assert.equal(block.header.stream, META_STREAM);
    first.dispose([{ position: block.position, kind: 'receipt' }]);
  }
  await first.close();

  const second = await openTest(testOptions(path, { bootId: BOOT_IDS[1]! }));
  assert.equal(second.boot, boot + 1);
  const told = second.timeOf(epoch, boot, 160n * SECOND);
  assert.ok(told.kind === 'known');
  // A minute on from the anchor; 100 ppm of a minute are 6 ms.
  assert.equal(told.wallNs, NEW_YEAR + 60n * SECOND);
  assert.equal(told.uncertaintyNs, 7_000_000n);
  assert.notEqual(second.timeOf(epoch, second.boot, SECOND).kind, 'known', 'this boot has no anchor yet');
  assert.equal(second.timeOf('0000000000000000', boot, SECOND).kind, 'unknown', 'nor has another epoch');
});

test('the first and the latest anchor of a boot outlive it: what lies between is told by both', async (t) => {
  const path = temporary(t);
  const first = await openTest(testOptions(path, { bootId: BOOT_IDS[0]! }));
  const { epoch, boot } = first;
  // The crystal is 50 ppm slow: after 10,000 s of its own the wall is 0.5 s ahead of it.
  for (const seconds of [0n, 5_000n, 10_000n]) {
    const wallNs = NEW_YEAR + seconds * SECOND + seconds * 50_000n;
    first.anchor({ monotonicNs: seconds * SECOND, wallNs, uncertaintyNs: 1_000_000n, source: 'gnss' });
  }
  await first.close();
  const second = await openTest(testOptions(path, { bootId: BOOT_IDS[1]! }));
  const end = second.timeOf(epoch, boot, 10_000n * SECOND);
  assert.ok(end.kind === 'known');
  const truth = NEW_YEAR + 10_000n * SECOND + 500_000_000n;
  const off = end.wallNs > truth ? end.wallNs - truth : truth - end.wallNs;
  assert.ok(
    off <= end.uncertaintyNs && end.uncertaintyNs <= 2_000_000n,
    `off ${off}, said ±${end.uncertaintyNs}`,
  );
});
