import { dirname, resolve } from 'node:path';
import type { StreamDeclaration } from '../drivers/contract/index.js';
import type { ConfigProblem, NodeConfig, PartConfig } from './config/index.js';
import { fusionStreams } from './fusion/index.js';
import { LOG_STREAM } from './log.js';
import { fullStreams } from './sampler/index.js';
import {
  type ForecastStream,
  fittingBytes,
  flashOf,
  forecastWear,
  OVERSHOOT,
  realFiles,
  type StorageDevice,
  storageDevice,
  type WearForecast,
} from './store/index.js';

/** What nobody can know before: rows a second of what speaks by itself, by class. */
const ASSUMED_PER_S = { alarm: 1 / 3600, event: 1 / 60, telemetry: 1, bulk: 1, log: 1 / 60 } as const;
const ASSUMED_WORDS = {
  alarm: 'one row an hour',
  event: 'one row a minute',
  telemetry: 'one row a second',
  bulk: 'one row a second',
  log: 'one row a minute',
} as const;
const SAYS_NOTHING: readonly StreamDeclaration[] = [{ name: '', class: 'telemetry', channels: [] }];

export interface Forecast extends WearForecast {
  /** What was taken for granted, a sentence each. */
  readonly assumed: readonly string[];
  /** Of the file system that the store lies on, where it was looked at. */
  readonly capacityBytes?: number;
}

/** What a node with this file will ask of its flash, and what a power cut will be able to cost. `device`: what the store would lie on. */
export function forecast(config: NodeConfig, device?: StorageDevice): Forecast {
  const { store } = config;
  const streams = [...config.parts.filter((part) => part.keep).flatMap(ofPart), ...ofFusion(config), ofLog()];
  const unknown = streams.filter(({ isAssumed }) => isAssumed);
  const assumed = (['alarm', 'event', 'telemetry', 'bulk'] as const).flatMap((name) => {
    const names = unknown.filter((stream) => stream.class === name).map((stream) => stream.name);
    return names.length > 0 ? [`${names.join(', ')}: ${ASSUMED_WORDS[name]}`] : [];
  });
  return { ...forecastWear(streams, flashOf(store.flash, device), store.commitIntervalMs), assumed };
}

/** The same on this machine: the device under the store's path, or under what is there of it. */
export async function forecastHere(config: NodeConfig): Promise<Forecast> {
  let path = resolve(config.store.path);
  let device = await storageDevice(path);
  for (; !device && dirname(path) !== path; path = dirname(path)) device = await storageDevice(dirname(path));
  const capacityBytes = await realFiles.capacityBytes?.(config.store.path);
  return { ...forecast(config, device), ...(capacityBytes === undefined ? {} : { capacityBytes }) };
}

/** Whether the store may take all that the file allows it, on its file system. */
function roomLine({ store }: NodeConfig, capacityBytes: number | undefined): string | undefined {
  const fitting = fittingBytes(store.sizeBytes, capacityBytes);
  if (capacityBytes === undefined || fitting === store.sizeBytes) return undefined;
  const what = `store.size: ${sizeText(store.sizeBytes)} on a file system of ${sizeText(capacityBytes)}`;
  return `TOO MUCH: ${what}: compaction could fill it, so the store will take ${sizeText(fitting)} (wanted: a file system of ${sizeText(OVERSHOOT * store.sizeBytes)}, or a smaller store.size)`;
}

/** Whether the file asks more of the flash than it bears: refused where the flash is declared, only said where it is looked up. */
export function wearProblems(config: NodeConfig, cast: Forecast): readonly ConfigProblem[] {
  if (!cast.isWornOut) return [];
  const { places } = config.store;
  const part = config.parts.find((one) => one.live) ?? config.parts[0]!;
  const life = `a flash of ${sizeText(cast.flash.sizeBytes)} and ${cast.flash.cycles} cycles lasts ${timeText(cast.years)}, not ${timeText(cast.flash.lifeMs / YEAR_MS)}`;
  const perDay = `${sizeText(cast.bytesPerDay)} a day`;
  if (!cast.isAuto && cast.bearableMs !== undefined) {
    const what = `store.commit: a commit each ${secondsText(cast.commitIntervalMs)} writes ${perDay}: ${life}`;
    return [
      {
        ...(places?.commit ?? part.place),
        what,
        wanted: `auto, or at least ${secondsText(cast.bearableMs)}`,
      },
    ];
  }
  if (cast.isLiveToBlame) {
    const what = `parts.${part.id}: live streams (${cast.live.streams.join(', ')}) write ${perDay}: ${life}`;
    return [
      { ...part.place, what, wanted: "a longer 'every', fewer live parts, or a flash that bears more" },
    ];
  }
  const what = `store.flash: the parts write ${perDay} even with ${secondsText(cast.commitIntervalMs)} between commits: ${life}`;
  return [{ ...(places?.flash ?? part.place), what, wanted: "a longer 'every', or a flash that bears more" }];
}

/** A line, or several, for people. */
export function forecastLines(config: NodeConfig, cast: Forecast): readonly string[] {
  const { flash, live } = cast;
  const pace = `a commit each ${secondsText(cast.commitIntervalMs)}${cast.isAuto ? ' (auto)' : ''}`;
  const lines = [
    `flash ${sizeText(flash.sizeBytes)} (${flash.sizeFrom}), ${flash.cycles} cycles, ${timeText(flash.lifeMs / YEAR_MS)} wished: the store may write ${sizeText(cast.budgetBytesPerDay)} a day`,
    `${pace}: ${sizeText(cast.bytesPerDay)} a day, lasts ${timeText(cast.years)}`,
    `a power cut can cost ${cast.windows.map(windowText).join(', ')}`,
  ];
  if (live.streams.length > 0) {
    lines.push(`live ${live.streams.join(', ')}: ${sizeText(live.bytesPerDay)} a day of it`);
  }
  const room = roomLine(config, cast.capacityBytes);
  if (room) lines.push(room);
  for (const { what, wanted } of wearProblems(config, cast))
    lines.push(`TOO MUCH: ${what} (wanted: ${wanted})`);
  if (cast.assumed.length > 0)
    lines.push(`assumed, because they speak by themselves: ${cast.assumed.join('; ')}`);
  return lines;
}

const YEAR_MS = 365 * 86_400_000;

function windowText({ of, ms, rows }: WearForecast['windows'][number]): string {
  return ms === 0 ? `${of} what is under way` : `${of} ${secondsText(ms)} (${rows} rows)`;
}

/** `12.3 GB` */
export function sizeText(bytes: number): string {
  const [per, unit] =
    bytes < 1e6 ? [1e3, 'kB'] : bytes < 1e9 ? [1e6, 'MB'] : bytes < 1e12 ? [1e9, 'GB'] : [1e12, 'TB'];
  return `${Number((bytes / (per as number)).toPrecision(3))} ${unit}`;
}

/** `6.5 s` */
export function secondsText(ms: number): string {
  return `${Number((Math.ceil(ms / 10) / 100).toPrecision(3))} s`;
}

/** Of years: `5 years`, `27 days` */
export function timeText(years: number): string {
  if (years > 100) return 'over 100 years';
  return years >= 1 ? `${Number(years.toPrecision(2))} years` : `${Math.floor(years * 365)} days`;
}

interface RatedStream extends ForecastStream {
  readonly isAssumed: boolean;
}

/** What a driver calls an alarm or an event comes when it comes, however often the part is asked. */
function ofPart(part: PartConfig): readonly RatedStream[] {
  const declared = declaredBy(part);
  return fullStreams(part, declared).map((stream, i) => {
    const nature = declared[i]!.class;
    const isAssumed = part.intervalMs === undefined || nature === 'alarm' || nature === 'event';
    return {
      name: stream.name,
      class: stream.class,
      isLive: stream.live === true || stream.class === 'alarm' || stream.class === 'event',
      rowsPerS: isAssumed ? ASSUMED_PER_S[nature] : 1000 / part.intervalMs,
      channels: stream.channels.length,
      isAssumed,
    };
  });
}

/** A driver says its streams before it touches its part: it is made here with nothing to touch, and let go. */
function declaredBy({ driver, options }: PartConfig): readonly StreamDeclaration[] {
  try {
    return driver.create({} as never, options).streams;
  } catch {
    // One that touches its part at once: it is reckoned as one stream, and named among what is assumed or rated.
    return SAYS_NOTHING;
  }
}

function ofFusion({ fusion }: NodeConfig): readonly RatedStream[] {
  return fusionStreams(fusion).map(({ name, class: streamClass, channels }) => {
    const isAssumed = streamClass === 'alarm' || streamClass === 'event';
    const rowsPerS = isAssumed ? ASSUMED_PER_S[streamClass] : 1000 / fusion!.orientationIntervalMs;
    return { name, class: streamClass, isLive: isAssumed, rowsPerS, channels: channels.length, isAssumed };
  });
}

function ofLog(): RatedStream {
  const { name, channels } = LOG_STREAM;
  return {
    name,
    class: 'log',
    isLive: false,
    rowsPerS: ASSUMED_PER_S.log,
    channels: channels.length,
    isAssumed: false,
  };
}
