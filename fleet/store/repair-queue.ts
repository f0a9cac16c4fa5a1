import type { Anchor } from '../../wire/index.js';
import type { Queries } from '../db/index.js';

/** A rate is measured over a day: so long an anchor still tells of the rows before the first. */
const RATE_SPAN_NS = 86_400_000_000_000n;
const MIN_NS = -(2n ** 63n);
const MAX_NS = 2n ** 63n - 1n;

/** Queues the rows of a boot whose times an anchor may have changed: those between its neighbours, and those before the first or after the last. */
export async function queueRepair(
  tx: Queries,
  epochId: bigint,
  anchor: Anchor,
  anchors: readonly Anchor[],
): Promise<void> {
  const at = anchors.findIndex(({ monotonicNs }) => monotonicNs >= anchor.monotonicNs);
  const fromNs = at > 0 ? anchors[at - 1]!.monotonicNs : MIN_NS;
  const toNs = at >= 0 && at < anchors.length - 1 ? anchors[at + 1]!.monotonicNs : MAX_NS;
  await queue(tx, epochId, anchor.boot, fromNs, toNs);
  const first = anchors[0]?.monotonicNs ?? MIN_NS;
  const last = anchors.at(-1)?.monotonicNs ?? MAX_NS;
  if (fromNs > MIN_NS && anchor.monotonicNs - first <= RATE_SPAN_NS)
    await queue(tx, epochId, anchor.boot, MIN_NS, first);
  if (toNs < MAX_NS && last - anchor.monotonicNs <= RATE_SPAN_NS)
    await queue(tx, epochId, anchor.boot, last, MAX_NS);
}

async function queue(
  tx: Queries,
  epochId: bigint,
  boot: number,
  fromNs: bigint,
  toNs: bigint,
): Promise<void> {
  await tx.query(
    `INSERT INTO repair (epoch_id, boot, from_ns, to_ns) VALUES ($1, $2, $3, $4) ON CONFLICT (epoch_id, boot, from_ns) DO UPDATE
      SET to_ns = CASE WHEN excluded.to_ns > repair.to_ns THEN excluded.to_ns ELSE repair.to_ns END,
        after_stream = 0, after_ns = NULL, after_first = -1`,
    [epochId, BigInt(boot), fromNs, toNs],
  );
}
