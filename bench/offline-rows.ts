import type { Channel, Rows } from '../drivers/contract/index.js';
import type { NativeRows } from '../native/index.js';
import { ambientTemperature, type Series, walk } from './series.js';

/** One stream of the node that is offline: rows of a recorded or a made series, over and over, at its own pace. */
export interface OfflineStream {
  readonly name: string;
  readonly channels: readonly Channel[];
  next(count: number): Rows;
}

/** By turns: six axes of thousandths, a climate of three, a battery of two, and a year of a real temperature where there is one. */
export function offlineStreams(count: number): {
  readonly streams: readonly OfflineStream[];
  readonly what: string;
} {
  const axes = walk();
  const real = ambientTemperature();
  const kinds = [axes, part(axes, 3), part(axes, 2), real ?? part(axes, 1)];
  const streams = Array.from({ length: count }, (_, i) => streamOf(`s${i}`, kinds[i % kinds.length]!, i));
  const slow = real ? 'a year of a real temperature (NAB)' : 'a random walk (no recorded series is here)';
  return { streams, what: `random walks of 6, 3 and 2 channels, and ${slow}` };
}

/** The first channels of a series. */
function part({ name, channels, blocks }: Series, width: number): Series {
  const all = channels.length;
  const cut = (rows: NativeRows): NativeRows => ({
    timesNs: rows.timesNs,
    values: rows.values.filter((_, cell) => cell % all < width),
    quality: rows.quality.filter((_, cell) => cell % all < width),
  });
  return { name, channels: channels.slice(0, width), blocks: blocks.map(cut) };
}

/** One row a second, each up to 1 ms late as a poll has it. */
function streamOf(name: string, { channels, blocks }: Series, seed: number): OfflineStream {
  const width = channels.length;
  const values = Float64Array.from(blocks.flatMap((block) => [...block.values]));
  const rows = values.length / width;
  let at = (seed * 97) % rows;
  let produced = 0;
  const row = (timesNs: BigInt64Array, out: Float64Array, i: number) => {
    timesNs[i] = BigInt(produced) * 1_000_000_000n + BigInt((produced * 7919 + seed) % 1_000_000);
    out.set(values.subarray(at * width, (at + 1) * width), i * width);
    at = (at + 1) % rows;
    produced += 1;
  };
  return {
    name,
    channels,
    next: (count) => {
      const timesNs = new BigInt64Array(count);
      const out = new Float64Array(count * width);
      for (let i = 0; i < count; i++) row(timesNs, out, i);
      return { stream: name, timesNs, values: out, quality: new Uint8Array(count * width) };
    },
  };
}
