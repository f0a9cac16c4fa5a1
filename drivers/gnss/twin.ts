import type { SerialTwin, TwinDefinition, World } from '../contract/index.js';
import { TwinLine } from '../contract/twin-line.js';
import { MPS_PER_KNOT } from './registers.js';

const BAUD = 9600;
const NS_PER_MS = 1_000_000n;
const NS_PER_S = 1_000_000_000n;
/** Bursts for seconds that nobody listened to: the receiver's own buffer holds no more. */
const MAX_BURSTS = 4;

/** Id, elevation, azimuth, SNR at rest: a plausible sky, eight of nine used. */
const SKY = [
  [2, 12, 35, 31],
  [5, 74, 201, 46],
  [7, 41, 118, 43],
  [13, 58, 290, 45],
  [15, 33, 64, 39],
  [18, 19, 322, 34],
  [20, 27, 247, 38],
  [29, 66, 150, 47],
  [30, 5, 12, 0],
] as const;
const USED = SKY.filter(([, , , snr]) => snr > 0);

export interface GnssTwin extends SerialTwin {
  /** `noFix`: no satellite is heard, as indoors; the receiver keeps its time. */
  readonly faults: SerialTwin['faults'] & { noFix: boolean };
}

/** A receiver at 9600 baud that says RMC, VTG, GGA, GSA, GSV each second, as an u-blox does. */
class Receiver implements GnssTwin {
  readonly attachment = 'serial';
  readonly faults: GnssTwin['faults'] = { unplugged: false, mute: false, noiseProbability: 0, noFix: false };
  readonly #line = new TwinLine(BAUD);
  readonly #random: () => number;
  #lastSecond: bigint | undefined;

  constructor(random: () => number) {
    this.#random = random;
  }

  speak(world: World): Uint8Array {
    const second = world.utcNs / NS_PER_S;
    const first = this.#lastSecond === undefined ? second : this.#lastSecond + 1n;
    const from = second - first >= BigInt(MAX_BURSTS) ? second - BigInt(MAX_BURSTS) + 1n : first;
    for (let at = from; at <= second; at++) this.#sayAt(world, at);
    // A wall clock that was set back starts a new count; it never repeats a second it has said.
    this.#lastSecond = second;
    return this.#line.take(world.timeNs);
  }

  /** Seconds since the last call are told at their own time, with the position of now. */
  #sayAt(world: World, second: bigint): void {
    this.#line.say(this.#burst(world, second), world.timeNs - (world.utcNs - second * NS_PER_S));
  }

  /** Receivers take commands; this one ignores them. */
  hear(): void {}

  #burst(world: World, second: bigint): string {
    const utc = new Date(Number((second * NS_PER_S) / NS_PER_MS)).toISOString();
    const time = `${utc.slice(11, 19).replaceAll(':', '')}.00`;
    const date = `${utc.slice(8, 10)}${utc.slice(5, 7)}${utc.slice(2, 4)}`;
    const bodies = this.faults.noFix ? lost(time, date) : found(world, time, date);
    return [...bodies, ...this.#sky()].map(sentence).join('');
  }

  #sky(): string[] {
    const satellites = SKY.map(([id, elevation, azimuth, snr]) => {
      const heard = this.faults.noFix || snr === 0 ? '' : pad(snr + Math.round(this.#random() * 4 - 2), 2);
      return `${pad(id, 2)},${pad(elevation, 2)},${pad(azimuth, 3)},${heard}`;
    });
    const messages = Math.ceil(satellites.length / 4);
    return Array.from(
      { length: messages },
      (_, i) =>
        `GPGSV,${messages},${i + 1},${pad(SKY.length, 2)},${satellites.slice(i * 4, i * 4 + 4).join(',')}`,
    );
  }
}

function found(world: World, time: string, date: string): string[] {
  const position = `${latitude(world.latitudeDeg)},${longitude(world.longitudeDeg)}`;
  const knots = (world.speedMps / MPS_PER_KNOT).toFixed(3);
  const track = (((world.courseDeg % 360) + 360) % 360).toFixed(2);
  const kmh = (world.speedMps * 3.6).toFixed(3);
  const ids = Array.from({ length: 12 }, (_, i) => (USED[i] ? pad(USED[i][0], 2) : ''));
  return [
    `GNRMC,${time},A,${position},${knots},${track},${date},,,A`,
    `GNVTG,${track},T,,M,${knots},N,${kmh},K,A`,
    `GNGGA,${time},${position},1,${pad(USED.length, 2)},0.92,${world.altitudeM.toFixed(1)},M,47.0,M,,`,
    `GNGSA,A,3,${ids.join(',')},1.62,0.92,1.33`,
  ];
}

function lost(time: string, date: string): string[] {
  return [
    `GNRMC,${time},V,,,,,,,${date},,,N`,
    'GNVTG,,,,,,,,,N',
    `GNGGA,${time},,,,,0,00,99.99,,,,,,`,
    'GNGSA,A,1,,,,,,,,,,,,,99.99,99.99,99.99',
  ];
}

function sentence(body: string): string {
  let sum = 0;
  for (const char of body) sum ^= char.charCodeAt(0);
  return `$${body}*${sum.toString(16).toUpperCase().padStart(2, '0')}\r\n`;
}

function latitude(degrees: number): string {
  return `${degreesMinutes(Math.abs(degrees), 2)},${degrees < 0 ? 'S' : 'N'}`;
}

function longitude(degrees: number): string {
  return `${degreesMinutes(Math.abs(degrees), 3)},${degrees < 0 ? 'W' : 'E'}`;
}

/** In hundred-thousandths of a minute, so that rounding never makes a 60th minute. */
function degreesMinutes(degrees: number, digits: number): string {
  const units = Math.round(degrees * 60 * 1e5);
  const minutes = ((units % 6_000_000) / 1e5).toFixed(5).padStart(8, '0');
  return `${pad(Math.floor(units / 6_000_000), digits)}${minutes}`;
}

function pad(value: number, digits: number): string {
  return value.toString().padStart(digits, '0');
}

export const gnssTwin: TwinDefinition = {
  id: 'gnss',
  attachment: 'serial',
  create: (random): GnssTwin => new Receiver(random),
};
