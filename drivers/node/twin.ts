import type { SystemTwin, TwinDefinition, World } from '../contract/index.js';
import { FILES, SUPPLY_MONITOR, THROTTLED } from './registers.js';

const TOTAL_KB = 3_884_360;
const DISK_BYTES = 31_914_983_424;
const DISK_USED_BYTES = 6_382_996_684;
const PROCESSORS = 4;
const TICKS_PER_S = 100;
/** What a node does most of the time: nothing. */
const BUSY_SHARE = 0.06;
/** A closed box and a processor are warmer than the air. */
const WARMER_CELSIUS = 22;

export interface NodeTwin extends SystemTwin {
  readonly faults: {
    underVoltage: boolean;
    throttled: boolean;
    /** Paths below which this kernel shows nothing. */
    absent: readonly string[];
  };
}

/** The files of a Raspberry Pi 4 that is mostly idle. */
class RaspberryPi implements NodeTwin {
  readonly attachment = 'system';
  readonly faults: NodeTwin['faults'] = { underVoltage: false, throttled: false, absent: [] };

  read(path: string, world: World): string | undefined {
    return this.#isAbsent(path) ? undefined : this.#files(world)[path]?.();
  }

  list(path: string, world: World): readonly string[] | undefined {
    if (this.#isAbsent(path)) return undefined;
    const names = Object.keys(this.#files(world))
      .filter((file) => file.startsWith(`${path}/`) && !this.#isAbsent(file))
      .map((file) => file.slice(path.length + 1).split('/')[0]!);
    return names.length > 0 ? [...new Set(names)].sort() : undefined;
  }

  space(path: string): { totalBytes: number; freeBytes: number } | undefined {
    if (this.#isAbsent(path)) return undefined;
    return { totalBytes: DISK_BYTES, freeBytes: DISK_BYTES - DISK_USED_BYTES };
  }

  #isAbsent(path: string): boolean {
    return this.faults.absent.some((prefix) => path === prefix || path.startsWith(`${prefix}/`));
  }

  #files(world: World): Readonly<Record<string, () => string>> {
    const uptimeS = Number(world.timeNs) / 1e9;
    const wave = Math.sin(uptimeS / 97);
    return {
      [`${FILES.thermal}/thermal_zone0/type`]: () => 'cpu-thermal\n',
      [`${FILES.thermal}/thermal_zone0/temp`]: () =>
        `${Math.round((world.temperatureCelsius + WARMER_CELSIUS + wave) * 1000)}\n`,
      [`${FILES.hwmon}/hwmon0/name`]: () => 'cpu_thermal\n',
      [`${FILES.hwmon}/hwmon1/name`]: () => `${SUPPLY_MONITOR.name}\n`,
      [`${FILES.hwmon}/hwmon1/${SUPPLY_MONITOR.alarm}`]: () => (this.faults.underVoltage ? '1\n' : '0\n'),
      [FILES.throttled]: () => `${this.#throttled().toString(16)}\n`,
      [FILES.memory]: () =>
        `MemTotal:        ${TOTAL_KB} kB\nMemFree:         2950112 kB\nMemAvailable:    ${Math.round(3_300_000 + 20_000 * wave)} kB\n`,
      [FILES.cpu]: () => cpuTimes(uptimeS),
      [FILES.load]: () => `${(0.21 + 0.1 * wave).toFixed(2)} 0.18 0.15 1/142 4711\n`,
      [FILES.uptime]: () => `${uptimeS.toFixed(2)} ${(uptimeS * PROCESSORS * (1 - BUSY_SHARE)).toFixed(2)}\n`,
      [FILES.board]: () => 'Raspberry Pi 4 Model B Rev 1.4\0',
      [FILES.kernel]: () => '6.12.34+rpt-rpi-v8\n',
      [FILES.system]: () => 'PRETTY_NAME="Debian GNU/Linux 13 (trixie)"\nNAME="Debian GNU/Linux"\n',
    };
  }

  #throttled(): number {
    const { underVoltage, throttled } = this.faults;
    return (underVoltage ? THROTTLED.underVoltage : 0) | (throttled ? THROTTLED.throttled : 0);
  }
}

function cpuTimes(uptimeS: number): string {
  const ticks = uptimeS * PROCESSORS * TICKS_PER_S;
  const user = Math.floor(ticks * BUSY_SHARE * 0.7);
  const system = Math.floor(ticks * BUSY_SHARE * 0.3);
  const idle = Math.floor(ticks * (1 - BUSY_SHARE));
  return `cpu  ${user} 0 ${system} ${idle} 0 0 0 0 0 0\nintr 1 0\n`;
}

export const nodeTwin: TwinDefinition = {
  id: 'node',
  attachment: 'system',
  create: (): NodeTwin => new RaspberryPi(),
};
