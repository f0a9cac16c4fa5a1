import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createReceiver, type TakeResult } from '../../../fleet/receive/index.js';
import { openStore, STORE_MIGRATIONS, type Store } from '../../../fleet/store/index.js';
import { blockTopic, GAP_CAUSES, type GapCause, type MetaRecord } from '../../../wire/index.js';
import type { Fresh } from '../db/databases.js';
import { block, EPOCH, meta, T0_MS } from './blocks.js';

type Step =
  | { readonly first: number; readonly count: number; readonly value: number }
  | {
      readonly first: number;
      readonly last: number | undefined;
      readonly cause: GapCause;
      readonly atMost: boolean;
    };

const rows = fc.record({ first: fc.nat(30), count: fc.integer({ min: 1, max: 8 }), value: fc.nat(1) });
const gap = fc
  .record({
    first: fc.nat(40),
    more: fc.option(fc.nat(10), { nil: undefined }),
    cause: fc.constantFrom(...GAP_CAUSES),
    atMost: fc.boolean(),
  })
  .map(({ more, ...one }) => ({ ...one, last: more === undefined ? undefined : one.first + more }));
/** What a node sends, in batches. */
const sent = fc.array(fc.array(fc.oneof(rows, rows, gap), { minLength: 1, maxLength: 6 }), { maxLength: 6 });

function blockOf(step: Step, node: string, metaFirst: number) {
  if ('count' in step)
    return block(
      Array.from({ length: step.count }, () => [step.value]),
      { node, first: step.first },
    );
  const record: MetaRecord = { kind: 'gap', value: { epoch: EPOCH, stream: 'climate', ...step } };
  return meta([record], { node, first: metaFirst });
}

/** Whoever forgets nothing tells a double in every case; a block that lies within others is in conflict. */
function agrees(verdict: string, reference: TakeResult): boolean {
  if (reference.kind === 'duplicate') return verdict === 'duplicate';
  if (reference.kind === 'meta') return verdict === 'new';
  if (reference.kind !== 'rows') return false;
  const { conflict, again } = reference.rows;
  return conflict || again ? verdict === 'conflict' || verdict === 'duplicate' : verdict === 'new';
}

async function sums(store: Store, node: string) {
  const stream = (await store.node(node, T0_MS))?.streams.find(({ stream: name }) => name === 'climate');
  if (!stream) return undefined;
  const { received, lost, missing, contradictions } = stream;
  const open = (await store.gaps(node)).find(({ last }) => last === undefined);
  return { received, lost, missing, contradictions, openFrom: open?.first };
}

export function ledgerSuite(fresh: Fresh, runs: number): void {
  test('judges and sums as the light receiver does, whatever comes in whatever order', async () => {
    const store = openStore(await fresh(STORE_MIGRATIONS), { nowMs: () => T0_MS });
    let count = 0;
    const check = async (batches: readonly (readonly Step[])[]) => {
      const node = (++count).toString(16).padStart(16, '0');
      const receiver = createReceiver();
      let metaFirst = 0;
      for (const steps of batches) {
        const blocks = steps.map((step) => blockOf(step, node, metaFirst++));
        const taken = await store.take(blocks, T0_MS);
        for (const [i, { logClass, header, bytes }] of blocks.entries()) {
          const reference = receiver.take(blockTopic(node, logClass, header.stream), bytes);
          assert.ok(agrees(taken[i]!.verdict, reference), `${i}: ${taken[i]!.verdict}`);
        }
      }
      const line = receiver.summary().find(({ stream }) => stream === 'climate');
      const expected = line && {
        received: BigInt(line.received),
        lost: Object.fromEntries(Object.entries(line.gaps).map(([cause, count]) => [cause, BigInt(count)])),
        missing: BigInt(line.missing),
        contradictions: BigInt(line.contradictions),
        openFrom: line.openFrom === undefined ? undefined : BigInt(line.openFrom),
      };
      assert.deepEqual(await sums(store, node), expected);
    };
    await fc.assert(fc.asyncProperty(sent, check), { numRuns: runs });
  });
}
