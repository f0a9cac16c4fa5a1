import type { HeardHealth } from '../../store/types.js';
import { bytesOf, spanOf } from '../format.js';
import { type Html, html } from '../html.js';

export type Tile = readonly [title: string, said: Html | string, isBad?: boolean];

export function tiles(shown: readonly Tile[]): Html {
  const one = ([title, said, isBad]: Tile) =>
    html`<div ${isBad && html`class="bad"`}><dt>${title}</dt><dd>${said}${isBad && html` <strong>not well</strong>`}</dd></div>`;
  return html`<dl class="facts tiles">${shown.map(one)}</dl>`;
}

/** By the node's word; `isMeasured`: a part of its own measures the machine, and that is newer. */
export function saidTiles(
  { machine, store, flash, uplink, clock, config, lastEnd }: HeardHealth,
  isMeasured: boolean,
): readonly Tile[] {
  return [
    ...(isMeasured || !machine ? [] : machineTiles(machine)),
    ...(store ? storeTiles(store, isMeasured) : []),
    ...(flash ? flashTiles(flash) : []),
    ...(uplink ? linkTiles(uplink) : []),
    ...(clock ? [clockTile(clock)] : []),
    ...(config ? [configTile(config)] : []),
    ...(lastEnd ? ([['Its last run ended by', lastEnd]] as const) : []),
  ];
}

function machineTiles({ temperatureC, memoryAvailableBytes, uptimeS }: Said<'machine'>): readonly Tile[] {
  return [
    ...some(temperatureC, (celsius): Tile => ['Temperature', `${celsius.toFixed(1)} °C`, celsius >= 80]),
    ...some(memoryAvailableBytes, (bytes): Tile => ['Memory free', bytesOf(bytes), bytes < 32 << 20]),
    ...some(uptimeS, (seconds): Tile => ['Running for', spanOf(seconds * 1000)]),
  ];
}

function storeTiles(
  { state, waitingRows, backlogBlocks = 0, backlogBytes = 0, diskBytes, diskFreeBytes }: Said<'store'>,
  isMeasured: boolean,
): readonly Tile[] {
  const waits =
    backlogBlocks === 0 ? 'nothing waits' : `${backlogBlocks} blocks wait, ${bytesOf(backlogBytes)}`;
  const said = state === 'ok' ? waits : `doesn't write, ${waitingRows ?? 0} rows wait in memory`;
  const taken = diskBytes === undefined ? '' : html` <small>${bytesOf(diskBytes)} on its disk</small>`;
  return [
    ['Store', html`${said}${taken}`, state !== 'ok'],
    ...(isMeasured
      ? []
      : some(diskFreeBytes, (bytes): Tile => ['Disk free', bytesOf(bytes), bytes < 64 << 20])),
  ];
}

function flashTiles({ daysLeft, bytesPerDay = 0 }: Said<'flash'>): readonly Tile[] {
  if (daysLeft === 0) return [['Flash', 'has written all that it was made for', true]];
  const rate = html` <small>${bytesOf(bytesPerDay)} a day</small>`;
  return some(
    daysLeft,
    (days): Tile => ['Flash lasts, at this rate', html`${longSpanOf(days)}${rate}`, days <= 365],
  );
}

/** `90 days`, `8 months`, `4 years`. */
function longSpanOf(days: number): string {
  if (days < 100) return days === 1 ? '1 day' : `${days} days`;
  if (days < 730) return `${Math.floor(days / 30.44)} months`;
  return days > 36_525 ? 'over 100 years' : `${Math.floor(days / 365.25)} years`;
}

function linkTiles({ connects, waitingBlocks = 0, link, budgetLeftBytes }: Said<'uplink'>): readonly Tile[] {
  const times = connects === 1 ? 'connected once' : `connected ${connects} times`;
  const waits = waitingBlocks > 0 && html` <small>${waitingBlocks} blocks wait for a receipt</small>`;
  return [
    ...some(connects, (): Tile => ['Link', html`${link && `${link}, `}${times}${waits}`]),
    ...some(
      budgetLeftBytes,
      (bytes): Tile =>
        bytes < 0
          ? ['Budget of bytes', `${bytesOf(-bytes)} over`, true]
          : ['Budget of bytes', `${bytesOf(bytes)} left`],
    ),
  ];
}

function clockTile({ state, uncertaintyMs }: Said<'clock'>): Tile {
  if (state !== 'set') return ['Clock', 'not set', true];
  return [
    'Clock',
    uncertaintyMs === undefined
      ? 'set'
      : `set, ± ${uncertaintyMs < 2_000 ? `${uncertaintyMs} ms` : spanOf(uncertaintyMs)}`,
  ];
}

const CONFIG_STATES: Readonly<Record<string, string>> = {
  file: 'its node file',
  good: 'confirmed',
  trial: 'on trial',
  safe: 'safe mode, no part is read',
};

function configTile({ state, sha256, minutesLeft }: Said<'config'>): Tile {
  const left = minutesLeft === undefined ? '' : `, ${minutesLeft} min left`;
  const said = `${CONFIG_STATES[state] ?? state}${left}`;
  return ['Configuration', html`${said} <small><code>${sha256}</code></small>`, state === 'safe'];
}

type Said<Key extends keyof HeardHealth> = NonNullable<HeardHealth[Key]>;

function some<T>(value: T | undefined, tile: (value: T) => Tile): readonly Tile[] {
  return value === undefined ? [] : [tile(value)];
}
