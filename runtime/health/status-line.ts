import type { PipelineStatus } from '../pipeline.js';

/** Characters of a reason: the rest of the line must have room beside it. The log has the whole. */
const REASON_MAX = 90;

/** How a node is, in one line: `systemctl status` shows it. What is wrong is named, what is well is counted. */
export function statusLine({ parts, store, uplink }: PipelineStatus): string {
  const bad = parts.filter(({ state }) => state === 'failing' || state === 'missing');
  const ok = parts.filter(({ state }) => state === 'ok').length;
  const named = bad.map(({ id, state }) => `${id} ${state}`).join(', ');
  const disk =
    store.health.state === 'ok'
      ? 'store ok'
      : `store not writing (${store.health.waitingRows} rows wait in memory): ${shortened(store.health.reason)}`;
  return [`${ok} of ${parts.length} parts ok${named && `: ${named}`}`, disk, linkText(uplink)].join('; ');
}

function linkText(uplink: PipelineStatus['uplink']): string {
  if (!uplink) return 'no uplink';
  const { link } = uplink;
  return link.state === 'waiting' ? `uplink waiting: ${shortened(link.reason)}` : `uplink ${link.state}`;
}

function shortened(reason: string): string {
  return reason.length <= REASON_MAX ? reason : `${reason.slice(0, REASON_MAX - 1)}…`;
}
