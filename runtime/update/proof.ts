import type { RunningNode } from '../node.js';
import type { PipelineStatus } from '../pipeline.js';

/** Parts that don't work; one that waits for its first event is not among them. */
export function ailingParts({ parts }: PipelineStatus): readonly string[] {
  return parts.filter(({ state }) => state === 'failing' || state === 'missing').map(({ id }) => id);
}

/**
 * What a trial still lacks to be proven end to end, a clause each; empty: it is proven. Wanted is the receipt of a reading that was committed in
 * this run (a receipt for anything older proves the link only), and no part that fails, but those that failed before the trial: a part's faults
 * are rows too, and get receipts.
 */
export function lackOf(
  node: Pick<RunningNode, 'status' | 'isProven'>,
  ailingBefore: readonly string[],
): readonly string[] {
  const status = node.status();
  const worse = ailingParts(status).filter((id) => !ailingBefore.includes(id));
  const parts = status.parts
    .filter(({ id }) => worse.includes(id))
    .map(
      ({ id, state, lastError }) =>
        `part ${id} is ${state}${lastError === undefined ? '' : `: ${lastError}`}`,
    );
  return [...parts, ...(node.isProven() ? [] : [linkLack(status)])];
}

function linkLack({ uplink }: PipelineStatus): string {
  if (!uplink) return 'there is no uplink, so no receipt can come';
  const { link } = uplink;
  if (link.state === 'waiting') return `no link: ${link.reason}`;
  return link.state === 'online' ? 'no reading of this run has its receipt' : `no link: ${link.state}`;
}
