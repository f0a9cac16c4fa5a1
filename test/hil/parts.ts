import assert from 'node:assert/strict';
import { test } from 'node:test';
import { asNode } from '../../hil/wiring/as-node.js';
import { rig, sleep } from './rig.js';
import { SampledNode } from './sampled-node.js';

/** The parts that the manifest hangs on the rig's buses and ports, by the runtime's own board and sampler: each of them gives good rows. */

/** A GPS that knows its time is asked for no more: a bench stands indoors. */
const WITHIN_MS = 30_000;
const ROWS = 3;

const config = asNode(rig.manifest);
const parts = config.parts.filter(({ attachment }) => ['i2c', 'serial'].includes(attachment.kind));
if (parts.length === 0) test('parts', { skip: 'the manifest hangs none on a bus or port' }, () => undefined);

for (const part of parts) {
  test(`${part.id}, a ${part.driver.id}, gives good rows in the order of time`, async (t) => {
    const node = await SampledNode.start(
      [{ ...part, intervalMs: part.driver.interval?.minMs ?? 1000 }],
      config.board,
    );
    try {
      const good = () => node.rows.filter((row) => !row.isFault);
      for (let ms = 0; good().length < ROWS && ms < WITHIN_MS; ms += 100) await sleep(100);
      const { state } = node.status(part.id);
      assert.ok(
        good().length >= ROWS,
        `${good().length} good rows, the part is ${state}:\n${node.log.join('\n')}`,
      );
      assert.ok(good().every(({ timeNs }, i, all) => i === 0 || timeNs >= all[i - 1]!.timeNs));
      t.diagnostic(`${part.id}: ${JSON.stringify(good().at(-1)!.values)}`);
    } finally {
      await node.stop();
    }
  });
}
