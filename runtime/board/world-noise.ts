/** A well mixed 32-bit hash of a seed, a channel and a cell (the finaliser of MurmurHash3, public domain). */
function hash(seed: number, channel: number, cell: number): number {
  let h = (seed ^ Math.imul(channel + 1, 0x9e3779b1) ^ Math.imul(cell + 0x1b56c4e9, 0x85ebca6b)) | 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** [0, 1), the same for the same arguments. */
export function random01(seed: number, channel: number, cell: number): number {
  return hash(seed, channel, cell) / 2 ** 32;
}

/** Smooth noise in [-1, 1] that takes about `periodS` to change: random points joined by smoothsteps. */
export function smoothNoise(seed: number, channel: number, timeS: number, periodS: number): number {
  const place = timeS / periodS;
  const cell = Math.floor(place);
  const x = place - cell;
  const from = random01(seed, channel, cell);
  const to = random01(seed, channel, cell + 1);
  return (from + (to - from) * x * x * (3 - 2 * x)) * 2 - 1;
}
