import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { HeldBlock } from '../../wire/index.js';
import type { Sent } from './fake-port.js';
import { DEADLINE_MS, fleetRig, heldBlock, storedAs } from './fleet-rig.js';

const streams = { alarm: 'sos', telemetry: 'climate', bulk: 'imu' } as const;

type Step =
  | { readonly do: 'commit'; readonly class: keyof typeof streams; readonly blocks: number }
  /** The broker answers; what it takes the fleet has, if the broker doesn't lose it. */
  | { readonly do: 'answer'; readonly which: number; readonly code: number; readonly lost: boolean }
  /** The fleet signs for some of what it holds, old or new. */
  | { readonly do: 'receipt'; readonly from: number; readonly count: number }
  | { readonly do: 'cut' }
  | { readonly do: 'wait'; readonly ms: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('commit' as const),
      class: fc.constantFrom(...(Object.keys(streams) as (keyof typeof streams)[])),
      blocks: fc.integer({ min: 1, max: 30 }),
    }),
  },
  {
    weight: 12,
    arbitrary: fc.record({
      do: fc.constant('answer' as const),
      which: fc.nat(9),
      code: fc.constantFrom(0, 0, 0, 0, 0, 0x10, 0x83),
      lost: fc.boolean(),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('receipt' as const), from: fc.nat(200), count: fc.nat(20) }),
  },
  { weight: 1, arbitrary: fc.constant({ do: 'cut' as const }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('wait' as const),
      ms: fc.integer({ min: 0, max: 2 * DEADLINE_MS }),
    }),
  },
);

/** A whole life under faults, then health: all that was freed is with the fleet, and in the end all of it is. */
async function live(steps: readonly Step[]): Promise<void> {
  const { store, port, clock, uplink, receipt } = fleetRig();
  const held: HeldBlock[] = [];
  const everHeld = new Set<string>();
  let unanswered: Sent[] = [];
  const online = () => uplink.status().link.state === 'online';
  const look = () => {
    const isOn = online() && !port.last.destroyed;
    const all = [...unanswered, ...port.take()];
    unanswered = all.filter((one) => isOn && one.link === port.links.length - 1);
    assert.ok(unanswered.length <= 10, `${unanswered.length} unanswered`);
    const payloads = unanswered.map(({ payload }) => Buffer.from(payload).toString('base64'));
    assert.equal(new Set(payloads).size, payloads.length, 'nothing is under way twice');
  };
  const answer = (which: number, code: number, lost: boolean) => {
    const [sent] = unanswered.splice(which % Math.max(1, unanswered.length), 1);
    if (!sent) return;
    const isStatus = sent.topic.endsWith('/status');
    const block = storedAs(store.left, sent);
    if (block && code === 0 && !lost) {
      held.push(heldBlock(block));
      everHeld.add(JSON.stringify(block.position));
    }
    port.answer(sent, isStatus ? 0 : code);
  };
  const check = () => {
    for (const { position, kind } of store.disposed) {
      assert.equal(kind, 'receipt');
      assert.ok(everHeld.has(JSON.stringify(position)), 'freed, and the fleet never had it');
    }
  };
  uplink.start();
  port.accept();
  for (const one of steps) {
    if (one.do === 'commit') {
      const block = { class: one.class, stream: streams[one.class] };
      store.commit(Array.from({ length: one.blocks }, () => block));
    } else if (one.do === 'answer') answer(one.which, one.code, one.lost);
    else if (one.do === 'receipt') {
      const blocks = held.slice(one.from % Math.max(1, held.length)).slice(0, one.count);
      if (online()) receipt(blocks);
    } else if (one.do === 'cut') {
      if (online()) port.down('reset');
    } else await clock.advance(one.ms);
    await clock.advance(0);
    if (uplink.status().link.state === 'connecting') port.accept();
    await clock.advance(0);
    look();
    check();
  }
  for (let i = 0; i < 400 && store.left.length > 0; i++) {
    if (uplink.status().link.state === 'connecting') port.accept();
    await clock.advance(0);
    look();
    const from = held.length;
    while (unanswered.length > 0) answer(0, 0, false);
    if (online()) for (let at = from; at < held.length; at += 200) receipt(held.slice(at, at + 200));
    await clock.advance(i % 20 === 19 ? 3_600_000 : 100);
  }
  assert.equal(store.left.length, 0, 'all is freed once the faults stop');
  check();
  assert.deepEqual(uplink.status().badReceipts, {});
  assert.equal(uplink.status().waiting, 0);
}

test('FAULTS 30: under any cuts, refusals, losses at the broker and old receipts, nothing is freed that the fleet does not hold, and all is in the end', {
  timeout: 200_000,
}, async (t) => {
  const numRuns = 200;
  await fc.assert(fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 60 }), live), {
    numRuns,
    includeErrorInReport: true,
  });
  t.diagnostic(`${numRuns} lives of up to 60 steps`);
});
