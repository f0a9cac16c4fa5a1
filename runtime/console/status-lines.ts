import { secondsText, sizeText, timeText } from '../forecast.js';
import type { PipelineStatus } from '../pipeline.js';
import type { FlashStatus, StoreStatus } from '../store/index.js';
import type { BudgetStatus } from '../uplink/index.js';

/** How the uplink is, a line of state, then what each link and receipt cost. Works on a live status and on one that came as JSON. */
export function uplinkLines(uplink: NonNullable<PipelineStatus['uplink']>): readonly string[] {
  const { budgets, link, receipts, inFlight, window, custody, waiting, resends, badReceipts } = uplink;
  const head = `uplink ${linkText(link)}  ${receipts} receipts  ${inFlight}/${window} under way`;
  const used = budgets.map(budgetText);
  if (custody === 'broker') return [head, ...used];
  const bad = Object.entries(badReceipts).map(([cause, count]) => `  bad receipts: ${cause} ${count}`);
  return [head, `  custody fleet  ${waiting} wait for a receipt  ${resends} sent again`, ...bad, ...used];
}

function budgetText({ link, isCurrent, leftBytes, budgetBytesPerDay, usedBytes }: BudgetStatus): string {
  const left = leftBytes >= 0 ? `${kb(leftBytes)} left` : `${kb(-leftBytes)} over`;
  return `  link ${link.padEnd(12)} ${left} of ${kb(budgetBytesPerDay)} a day  ${kb(usedBytes)} used${isCurrent ? '  in use' : ''}`;
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
    ...(store.flash ? flashLines(store.flash) : []),
  ];
}

/** How long the flash will last, why commits are as far apart as they are, and what a power cut can cost. */
function flashLines(flash: FlashStatus): readonly string[] {
  const { sizeBytes, sizeFrom, cycles, device, windows } = flash;
  const counted = flash.isMeasured ? 'counted by the device' : 'modelled';
  const windowText = ({ of, ms, rows }: FlashStatus['windows'][number]) =>
    `${of} ${secondsText(ms)}, ${rows} rows`;
  return [
    `flash ${device ? `${device}, ` : ''}${sizeText(sizeBytes)} (${sizeFrom}), ${cycles} cycles: ${daysText(flash.daysLeft)} left at this hour's rate, ${daysText(flash.daysLeftSinceStart)} at the rate since the start`,
    `  ${sizeText(flash.bytesPerDay)} a day of ${sizeText(flash.budgetBytesPerDay)} (${counted})  ${perText(flash.bytesPerRow)} a row  ${perText(flash.bytesPerPayloadByte)} a byte of payload`,
    `  commits ${secondsText(flash.commitIntervalMs)} apart: ${whyText(flash)}`,
    `  a power cut costs at most: ${windows.map(windowText).join('; ')}`,
  ];
}

export function daysText(days: number | undefined): string {
  return days === undefined ? 'no wear yet, all' : timeText(days / 365);
}

function perText(bytes: number | undefined): string {
  return bytes === undefined ? '-' : `${Number(bytes.toPrecision(3))} B`;
}

function whyText({ isAuto, commitIntervalMs, otherBytesPerDay }: FlashStatus): string {
  if (!isAuto) return 'as the node file says';
  if (commitIntervalMs <= 1000) return 'the flash bears it';
  return `the flash bears no more, ${sizeText(otherBytesPerDay)} a day go to content, live rows and other programs`;
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
