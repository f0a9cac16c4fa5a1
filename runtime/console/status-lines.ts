import type { PipelineStatus } from '../pipeline.js';
import type { StoreStatus } from '../store/index.js';

/** The status as a person reads it, one fact a line; 80 columns. Works on a live status and on one that came as JSON. */
export function statusLines(status: PipelineStatus): readonly string[] {
  const { store, uplink } = status;
  return [
    `node ${status.name} (${store.node})  boot ${store.boot}  epoch ${store.epoch}`,
    `time ${wallText(status)}`,
    ...status.parts.map(
      (part) =>
        `part ${part.id.padEnd(12)} ${part.state.padEnd(8)} ${String(part.samples).padStart(8)} rows` +
        `${part.failures > 0 ? `  ${part.failures} failures` : ''}${part.state === 'ok' ? '' : `  ${part.lastError ?? ''}`}`,
    ),
    ...storeLines(store),
    ...(uplink ? uplinkLines(uplink) : ['uplink none']),
  ];
}

function uplinkLines(uplink: NonNullable<PipelineStatus['uplink']>): readonly string[] {
  const { link, receipts, inFlight, window, custody, waiting, resends, badReceipts } = uplink;
  const head = `uplink ${linkText(link)}  ${receipts} receipts  ${inFlight}/${window} under way`;
  if (custody === 'broker') return [head];
  const bad = Object.entries(badReceipts).map(([cause, count]) => `  bad receipts: ${cause} ${count}`);
  return [head, `  custody fleet  ${waiting} wait for a receipt  ${resends} sent again`, ...bad];
}

/** What the store holds, a line a class, then what was lost and why. */
export function storeLines(store: StoreStatus): readonly string[] {
  return [
    `store ${healthText(store.health)}  ${kb(store.diskBytes)} on disk  ${store.committedRows} rows acknowledged  ${store.pendingRows} waiting`,
    ...store.classes
      .filter((entry) => entry.blocks > 0)
      .map(
        (entry) =>
          `  ${entry.class.padEnd(10)} ${String(entry.blocks).padStart(7)} blocks ${kb(entry.bytes).padStart(10)}${entry.quotaBytes > 0 ? ` of ${kb(entry.quotaBytes)}` : ''}`,
      ),
    ...store.streams.flatMap((stream) =>
      Object.entries(stream.gaps).map(([cause, rows]) => `  gap ${stream.stream} ${cause}: ${rows} rows`),
    ),
  ];
}

function wallText({ time }: PipelineStatus): string {
  if (time.wallNs === undefined) return 'not anchored yet: rows carry boot time and are repaired later';
  const wall = new Date(Number(BigInt(time.wallNs) / 1_000_000n)).toISOString();
  return `${wall} ± ${(Number(time.uncertaintyNs) / 1e6).toFixed(1)} ms`;
}

function healthText(health: PipelineStatus['store']['health']): string {
  return health.state === 'ok'
    ? 'ok'
    : `NOT WRITING (${health.reason}; ${health.waitingRows} rows wait in memory)`;
}

export function linkText(link: NonNullable<PipelineStatus['uplink']>['link']): string {
  if (link.state === 'waiting') return `waiting ${(link.retryInMs / 1000).toFixed(1)} s: ${link.reason}`;
  return link.state === 'online' ? `online (MQTT ${link.protocol === 5 ? '5' : '3.1.1'})` : link.state;
}

export function kb(bytes: number): string {
  return bytes < 10_000_000 ? `${(bytes / 1000).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}
