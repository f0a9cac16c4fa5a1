import type { Channel, Rows } from '../../drivers/contract/index.js';
import { seeded } from '../../hil/random.js';
import type { NativeRows } from '../../native/types.js';
import type { Store } from '../../runtime/store/index.js';

const NUMBERS: readonly Channel[] = [
  { name: 'temperature', quantity: 'temperature', type: { kind: 'decimal', scale: 2 } },
  { name: 'count', quantity: 'count', type: { kind: 'int' } },
];
const NOISE: readonly Channel[] = [
  { name: 'noise', quantity: 'dimensionless', type: { kind: 'bytes' } },
  { name: 'count', quantity: 'count', type: { kind: 'int' } },
];

/** One stream a class. */
export const STREAMS = [
  { name: 'a', class: 'alarm', title: 'alarms', channels: NUMBERS },
  { name: 'e', class: 'event', title: 'events', channels: NUMBERS },
  { name: 't', class: 'telemetry', title: 'readings', channels: NUMBERS },
  { name: 'b', class: 'bulk', title: 'what fills the disk', channels: NOISE },
  { name: 'l', class: 'log', title: 'lines', channels: NUMBERS },
] as const;
export type StreamName = (typeof STREAMS)[number]['name'];

export function declareAll(store: Store): void {
  for (const stream of STREAMS) store.declare(stream);
}

function temperatureOf(number: number): number {
  return ((number * 7919) % 20_011) / 100;
}

/** Up to 1.5 kB that don't compress. */
function noiseOf(number: number): Uint8Array {
  const random = seeded(number);
  return Uint8Array.from({ length: 100 + Math.floor(random() * 1400) }, () => random() * 256);
}

/** Rows that say which number they should have got: `first` and those behind it. */
export function rowsFrom(stream: string, first: number, count: number): Rows {
  const numbers = Array.from({ length: count }, (_, row) => first + row);
  const rows = {
    stream,
    timesNs: BigInt64Array.from(numbers, (number) => BigInt(number) * 1_000_000n),
    quality: new Uint8Array(2 * count),
  };
  if (stream !== 'b')
    return { ...rows, values: Float64Array.from(numbers.flatMap((n) => [temperatureOf(n), n])) };
  return {
    ...rows,
    values: Float64Array.from(numbers.flatMap((n) => [Number.NaN, n])),
    texts: numbers.flatMap((n) => [noiseOf(n), undefined]),
  };
}

/** Whether a stored row is the one that was appended under its number. */
export function isRow(stream: string, number: number, block: NativeRows, row: number): boolean {
  if (block.values[2 * row + 1] !== number) return false;
  if (stream !== 'b') return Math.abs(block.values[2 * row]! - temperatureOf(number)) < 1e-9;
  const noise = block.texts?.[2 * row];
  return noise instanceof Uint8Array && Buffer.compare(noise, noiseOf(number)) === 0;
}

/** What the next row of a stream will be numbered, when none waits for a number. */
export function nextOf(store: Store, name: string): number {
  return store.status().streams.find(({ stream }) => stream === name)!.next;
}
