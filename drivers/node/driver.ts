import * as v from 'valibot';
import {
  type Driver,
  defineDriver,
  HalError,
  type Handles,
  type Identity,
  oneRow,
  type Rows,
  type StreamDeclaration,
} from '../contract/index.js';
import {
  type CpuTimes,
  cpuUse,
  parseAlarm,
  parseCpuTimes,
  parseLoad,
  parseMemoryAvailable,
  parseSystemName,
  parseTemperature,
  parseThrottled,
  parseUptime,
} from './conversion.js';
import { FILES, MAX_DIRECTORIES, SUPPLY_MONITOR } from './registers.js';

const STREAM: StreamDeclaration = {
  name: '',
  class: 'telemetry',
  channels: [
    { name: 'temperature', quantity: 'temperature', type: { kind: 'decimal', scale: 1 }, range: [-40, 125] },
    { name: 'cpuUse', quantity: 'percent', type: { kind: 'decimal', scale: 1 }, range: [0, 100] },
    { name: 'load', quantity: 'dimensionless', type: { kind: 'decimal', scale: 2 } },
    { name: 'memoryAvailable', quantity: 'memory', type: { kind: 'int' } },
    { name: 'diskFree', quantity: 'memory', type: { kind: 'int' } },
    { name: 'diskUse', quantity: 'percent', type: { kind: 'decimal', scale: 1 }, range: [0, 100] },
    { name: 'uptime', quantity: 'duration', type: { kind: 'decimal', scale: 2 } },
    { name: 'underVoltage', quantity: 'state', type: { kind: 'enum', labels: ['no', 'yes'] } },
    { name: 'throttled', quantity: 'state', type: { kind: 'enum', labels: ['no', 'yes'] } },
  ],
};

const options = v.strictObject({
  path: v.pipe(
    v.optional(v.pipe(v.string(), v.startsWith('/', 'an absolute path is wanted'), v.maxLength(1024)), '/'),
    v.description("A path on the file system whose room is told: the store's"),
  ),
});

/** The node itself, as its kernel sees it. */
export const node = defineDriver({
  id: 'node',
  title: 'The node itself: temperature, processor, memory, disk, uptime, supply',
  attachment: 'system',
  options,
  interval: { defaultMs: 60_000, minMs: 1000 },
  create: (handles, { path }) => new Node(handles, path),
});

class Node implements Driver {
  readonly streams = [STREAM];
  readonly #handles: Handles['system'];
  readonly #path: string;
  /** Since the start, for the first reading. */
  #cpu: CpuTimes = { busy: 0, total: 0 };
  #supplyAlarm: string | undefined;

  constructor(handles: Handles['system'], path: string) {
    this.#handles = handles;
    this.#path = path;
  }

  async probe(): Promise<Identity> {
    const board = await this.#text(FILES.board);
    const kernel = (await this.#text(FILES.kernel))?.trim();
    const system = parseSystemName((await this.#text(FILES.system)) ?? '');
    // The device tree ends its texts with NUL.
    const model = board?.replace(/\0+$/, '').trim() || 'Linux';
    return { model, details: { ...(kernel && { kernel }), ...(system && { system }) } };
  }

  /** Finds the supply's monitor; its number may differ from boot to boot. */
  async configure(): Promise<void> {
    this.#supplyAlarm = undefined;
    for (const name of await this.#names(FILES.hwmon)) {
      const folder = `${FILES.hwmon}/${name}`;
      if ((await this.#text(`${folder}/name`))?.trim() === SUPPLY_MONITOR.name) {
        this.#supplyAlarm = `${folder}/${SUPPLY_MONITOR.alarm}`;
      }
    }
  }

  /** One row; a channel whose file is absent or unreadable is a fault, and the others stand. */
  async sample(): Promise<readonly Rows[]> {
    const timeNs = this.#handles.clock.nowNs();
    const space = await this.#space();
    const throttling = parseThrottled((await this.#text(FILES.throttled)) ?? '');
    return [
      oneRow('', timeNs, [
        await this.#hottest(),
        await this.#cpuUse(),
        parseLoad((await this.#text(FILES.load)) ?? ''),
        parseMemoryAvailable((await this.#text(FILES.memory)) ?? ''),
        space?.freeBytes,
        space && space.totalBytes > 0 ? (1 - space.freeBytes / space.totalBytes) * 100 : undefined,
        parseUptime((await this.#text(FILES.uptime)) ?? ''),
        (await this.#supply()) ?? throttling?.underVoltage,
        throttling?.throttled,
      ]),
    ];
  }

  async #hottest(): Promise<number | undefined> {
    let hottest: number | undefined;
    for (const name of await this.#names(FILES.thermal)) {
      if (!name.startsWith('thermal_zone')) continue;
      const celsius = parseTemperature((await this.#text(`${FILES.thermal}/${name}/temp`)) ?? '');
      if (celsius !== undefined && celsius > (hottest ?? Number.NEGATIVE_INFINITY)) hottest = celsius;
    }
    return hottest;
  }

  async #cpuUse(): Promise<number | undefined> {
    const now = parseCpuTimes((await this.#text(FILES.cpu)) ?? '');
    if (!now) return undefined;
    const use = cpuUse(this.#cpu, now);
    this.#cpu = now;
    return use;
  }

  async #supply(): Promise<0 | 1 | undefined> {
    return this.#supplyAlarm ? parseAlarm((await this.#text(this.#supplyAlarm)) ?? '') : undefined;
  }

  #text(path: string): Promise<string | undefined> {
    return orFault(this.#handles.files.read(path));
  }

  async #names(path: string): Promise<readonly string[]> {
    return ((await orFault(this.#handles.files.list(path))) ?? []).slice(0, MAX_DIRECTORIES);
  }

  #space(): Promise<{ totalBytes: number; freeBytes: number } | undefined> {
    return orFault(this.#handles.files.space(this.#path));
  }
}

/** What this kernel doesn't show becomes a fault on the channel; anything but a HalError is a bug and goes on. */
async function orFault<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading;
  } catch (error) {
    if (error instanceof HalError) return undefined;
    throw error;
  }
}
